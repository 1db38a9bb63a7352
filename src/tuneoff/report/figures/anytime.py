"""Test score by epochs and device-minutes: what each search had by the time it had cost so much.

No look-ahead: at each cost, the test score of the incumbent known at or before it. Line: mean over repeats, from where all
of them have a score to where the first of them ended; band, for up to three searches: from the lowest to the highest
repeat. A search whose repeats share no cost has no curve. Epochs are those that all trials of the search had trained together.
"""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.figure import Figure

from tuneoff.report import wording
from tuneoff.report.algorithms import Algorithms
from tuneoff.report.cells import Block
from tuneoff.report.curves import Band, bands
from tuneoff.report.figures import _style as style
from tuneoff.report.figures._shared import common_rate, curve_panel, repeats_text
from tuneoff.report.frames import Frames

PANELS = ("epochs", "minutes")


@dataclass(frozen=True, kw_only=True)
class Data:
    """panels: by unit of cost, bands of the test score by algorithm. Dollars are a second scale of the minutes, where all cells
    have one price."""

    panels: dict[str, dict[str, Band]]
    metric: str
    algorithms: Algorithms
    device: str
    dollars_per_minute: float | None


def data(block: Block, frames: Frames) -> Data | None:
    done = frames.finished()
    panels = {unit: bands(done, "test", unit) for unit in PANELS}
    if not all(panels.values()):
        return None
    return Data(
        panels=panels,
        metric=block.metric,
        algorithms=frames.algorithms,
        device=wording.device_label(done.cells["device_kind"]),
        dollars_per_minute=common_rate(done.cells),
    )


def draw(data: Data, figure: Figure) -> None:
    top = " (top: dollars)" if data.dollars_per_minute else ""
    names = {"epochs": "epochs trained", "minutes": f"charged {data.device}-minutes{top}"}
    figure.set_size_inches(style.COLUMN_INCHES, 0.3 + 1.95 * len(data.panels))
    grid = figure.subplots(len(data.panels), 1, squeeze=False)[:, 0]
    for axes, (unit, curves) in zip(grid, data.panels.items(), strict=True):
        curve_panel(axes, curves, data.algorithms)
        style.score_axis(axes, data.metric, f"test {wording.short_metric(data.metric)}")
        said = repeats_text(curves.values())
        axes.set_xlabel(names[unit] + (f" ({said})" if said else ""))
        if unit == "minutes":
            style.dollar_axis(axes, data.dollars_per_minute)
