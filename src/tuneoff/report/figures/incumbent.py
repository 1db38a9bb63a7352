"""The incumbent while the search runs: what each search knew by the time it had cost so much.

No look-ahead: at cost t the score of the incumbent known at or before t. Line: mean over repeats; band: from the
lowest to the highest repeat. Only finished cells.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tuneoff.report import style, wording
from tuneoff.report.curves import Band, band, incumbent_steps
from tuneoff.report.figures._shared import common_rate
from tuneoff.report.frames import Frames, of_cell
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
    validation, test = _bands(done, "validation"), _bands(done, "test")
    if not validation:
        return None
    return Data(validation=validation, test=test, metric=block.metric, dollars_per_minute=common_rate(done.cells),
                device=wording.device_label(done.cells["device_kind"]))


def _bands(frames: Frames, value: str) -> dict[str, Band]:
    evaluations = frames.evaluations.assign(minutes=frames.evaluations["charged_seconds"].astype(float) / 60)
    bands: dict[str, Band] = {}
    for name in wording.order(frames.cells["algorithm"]):
        cells = frames.cells[frames.cells["algorithm"] == name]
        repeats = [incumbent_steps(of_cell(evaluations, cell), value, "minutes", charged / 60)
                   for cell, charged in zip(cells["cell"], cells["charged_seconds"], strict=True)]
        made = band(repeats)
        if made is not None:
            bands[name] = made
    return bands


def draw(data: Data, figure: Figure) -> None:
    panels = [("validation", data.validation)] + ([("test", data.test)] if data.test else [])
    figure.set_size_inches(style.COLUMN_INCHES, 0.8 + 2.0 * len(panels))
    grid = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (what, bands) in zip(grid, panels, strict=True):
        _panel(axes, bands)
        style.score_axis(axes, data.metric, f"{what} {data.metric}")
        style.end_labels(axes, [(name, float(b.mean[-1]), style.colour(name)) for name, b in bands.items()])
    style.dollar_axis(grid[0], data.dollars_per_minute)
    grid[-1].set_xlabel(f"charged {data.device}-minutes" + (" (top: dollars)" if data.dollars_per_minute else ""))


def _panel(axes: Axes, bands: dict[str, Band]) -> None:
    """Each curve ends where its search ends; a dotted line carries its result to the right edge."""
    last = max(float(b.cost[-1]) for b in bands.values())
    for name, b in bands.items():
        tint = style.colour(name)
        axes.step(b.cost, b.mean, where="post", color=tint)
        if b.repeats > 1:
            axes.fill_between(b.cost, b.low, b.high, step="post", color=tint, alpha=0.12, linewidth=0)
        if b.cost[-1] < last:
            axes.plot([b.cost[-1], last], [b.mean[-1]] * 2, color=tint, linewidth=0.7, linestyle=":")
        axes.plot(b.cost[-1], b.mean[-1], marker=style.marker(name), markersize=3.5, color=tint)
    axes.set_xlim(0, last if np.isfinite(last) and last > 0 else 1)
