"""The incumbent while the search runs: the score that each search had by the time it had cost so much.

No look-ahead: at cost t the score of the incumbent known at or before t. Line: mean over repeats, from where all of them
have a score to where the first of them ended; band: from the lowest to the highest repeat. From four searches on, a panel
each: test solid, validation dashed, the others' test in grey. Only finished cells; a search whose repeats share no cost has no
curve.
"""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tuneoff.report import wording
from tuneoff.report.algorithms import Algorithms
from tuneoff.report.cells import Block
from tuneoff.report.curves import Band, bands
from tuneoff.report.figures import _style as style
from tuneoff.report.figures._shared import CROWD, common_rate, curve_panel, repeats_text
from tuneoff.report.frames import Frames


@dataclass(frozen=True, kw_only=True)
class Data:
    """Bands by algorithm, cost in charged device-minutes. `test` lacks those without recorded test scores."""

    validation: dict[str, Band]
    test: dict[str, Band]
    metric: str
    algorithms: Algorithms
    device: str
    dollars_per_minute: float | None


def data(block: Block, frames: Frames) -> Data | None:
    done = frames.finished()
    validation, test = bands(done, "validation", "minutes"), bands(done, "test", "minutes")
    if not validation:
        return None
    return Data(
        validation=validation,
        test=test,
        metric=block.metric,
        algorithms=frames.algorithms,
        dollars_per_minute=common_rate(done.cells),
        device=wording.device_label(done.cells["device_kind"]),
    )


def draw(data: Data, figure: Figure) -> None:
    if len(data.validation) >= CROWD:
        _many(data, figure)
        return
    panels = [("validation", data.validation)] + ([("test", data.test)] if data.test else [])
    figure.set_size_inches(style.COLUMN_INCHES, 0.8 + 2.0 * len(panels))
    grid = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (what, curves) in zip(grid, panels, strict=True):
        curve_panel(axes, curves, data.algorithms)
        style.score_axis(axes, data.metric, f"{what} {data.metric}")
    style.dollar_axis(grid[0], data.dollars_per_minute)
    said = ["top: dollars"] if data.dollars_per_minute else []
    said += [text] if (text := repeats_text(data.validation.values())) else []
    grid[-1].set_xlabel(f"charged {data.device}-minutes" + (f" ({'; '.join(said)})" if said else ""))


def _many(data: Data, figure: Figure) -> None:
    rows = -(-len(data.validation) // 2)
    figure.set_size_inches(style.COLUMN_INCHES, 0.3 + 1.2 * rows)
    grid = figure.subplots(rows, 2, sharex=True, sharey=True, squeeze=False)
    for axes, name in zip(grid.flat, data.validation, strict=False):
        _one(data, name, axes)
    for axes in grid.flat[len(data.validation) :]:
        axes.set_visible(False)
    for axes in grid[:, 0]:
        style.score_axis(axes, data.metric, wording.short_metric(data.metric))
    grid[0, 0].set_xlim(left=0)
    grid[0, 0].xaxis.set_major_locator(MaxNLocator(5))
    said = repeats_text(data.validation.values())
    legend = "solid: test, dashed: validation" + (f"; {said}" if said else "")
    figure.supxlabel(f"charged {data.device}-minutes ({legend})", fontsize=8)


def _one(data: Data, name: str, axes: Axes) -> None:
    tint = data.algorithms.color(name)
    for other, b in data.test.items():
        if other != name:
            axes.step(b.cost, b.mean, where="post", color="#c9c9c9", linewidth=0.6)
    b = data.validation[name]
    axes.step(b.cost, b.mean, where="post", color=tint, linewidth=0.9, linestyle="--")
    if name in data.test:
        b = data.test[name]
        axes.fill_between(b.cost, b.low, b.high, step="post", color=tint, alpha=0.18, linewidth=0)
        axes.step(b.cost, b.mean, where="post", color=tint)
        axes.plot(b.cost[-1], b.mean[-1], marker=data.algorithms.marker(name), markersize=4, color=tint)
    axes.set_title(name, fontsize=7.5, color=tint, pad=2)
