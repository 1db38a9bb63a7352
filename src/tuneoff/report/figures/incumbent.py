"""The incumbent while the search runs: what each search knew by the time it had cost so much.

No look-ahead: at cost t the score of the incumbent known at or before t. Line: mean over repeats; band: from the
lowest to the highest repeat. Only finished cells.
"""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.figure import Figure

from tuneoff.report import style, wording
from tuneoff.report.curves import Band
from tuneoff.report.figures._shared import bands, common_rate, curve_panel
from tuneoff.report.frames import Frames
from tuneoff.report.reading import Block


@dataclass(frozen=True, kw_only=True)
class Data:
    """Bands by algorithm, cost in charged device-minutes. `test` lacks those without recorded test scores."""

    validation: dict[str, Band]
    test: dict[str, Band]
    metric: str
    device: str
    dollars_per_minute: float | None


def data(block: Block, frames: Frames) -> Data | None:
    done = frames.finished()
    validation, test = bands(done, "validation", "minutes"), bands(done, "test", "minutes")
    if not validation:
        return None
    return Data(validation=validation, test=test, metric=block.metric, dollars_per_minute=common_rate(done.cells),
                device=wording.device_label(done.cells["device_kind"]))


def draw(data: Data, figure: Figure) -> None:
    panels = [("validation", data.validation)] + ([("test", data.test)] if data.test else [])
    figure.set_size_inches(style.COLUMN_INCHES, 0.8 + 2.0 * len(panels))
    grid = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (what, curves) in zip(grid, panels, strict=True):
        curve_panel(axes, curves)
        style.score_axis(axes, data.metric, f"{what} {data.metric}")
    style.dollar_axis(grid[0], data.dollars_per_minute)
    grid[-1].set_xlabel(f"charged {data.device}-minutes" + (" (top: dollars)" if data.dollars_per_minute else ""))
