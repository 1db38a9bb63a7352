"""Test score by epochs, device-minutes and dollars: what each search had by the time it had cost so much.

No look-ahead: at each cost, the test score of the incumbent known at or before it. Line: mean over repeats; band, for up
to three searches: from the lowest to the highest repeat. Dotted: a search that has ended keeps its result. Epochs are those
that all trials of the search had trained together.
"""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.figure import Figure

from tuneoff.report import style, wording
from tuneoff.report.curves import UNITS, Band, bands
from tuneoff.report.figures._shared import curve_panel
from tuneoff.report.frames import Frames
from tuneoff.report.reading import Block


@dataclass(frozen=True, kw_only=True)
class Data:
    """panels: by unit of cost, bands of the test score by algorithm."""

    panels: dict[str, dict[str, Band]]
    metric: str
    device: str


def data(block: Block, frames: Frames) -> Data | None:
    done = frames.finished()
    panels = {unit: bands(done, "test", unit) for unit in UNITS}
    if not all(panels.values()):
        return None
    return Data(panels=panels, metric=block.metric, device=wording.device_label(done.cells["device_kind"]))


def draw(data: Data, figure: Figure) -> None:
    names = {"epochs": "epochs trained", "minutes": f"charged {data.device}-minutes", "dollars": "dollars"}
    figure.set_size_inches(style.COLUMN_INCHES, 0.3 + 1.95 * len(data.panels))
    grid = figure.subplots(len(data.panels), 1, squeeze=False)[:, 0]
    for axes, (unit, curves) in zip(grid, data.panels.items(), strict=True):
        curve_panel(axes, curves)
        style.score_axis(axes, data.metric, f"test {wording.short_metric(data.metric)}")
        axes.set_xlabel(names[unit])
