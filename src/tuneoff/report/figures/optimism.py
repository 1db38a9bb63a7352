"""Selection optimism and overtuning: what choosing by validation score promised too much, and what going on with it cost.

Left: validation - test of the incumbent. Faint: single repeats; mark and bar: mean with a 95 % interval (Student's over
repeats; of two proportions for a single run). A bar right of 0: the search's own score can't be taken at its word. Right: the
share of repeats whose result is worse on test than one that the search had held before; small and middle marks after a
quarter and a half of its cost, large mark and exact 95 % interval at its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, PercentFormatter

from tuneoff.report import wording
from tuneoff.report.algorithms import Algorithms
from tuneoff.report.cells import Block
from tuneoff.report.figures import _style as style
from tuneoff.report.frames import Frames
from tuneoff.report.overtuned import SHARES, Overtuned, overtuned
from tuneoff.report.statistics.selection import selection_optimism, single_run_optimism
from tuneoff.report.statistics.summary import Interval

FEWEST_REPEATS = 3
"""Below, a share of repeats says nothing."""
MARKS = dict(zip(SHARES, ((2.2, 0.5), (3.4, 0.5), (5.0, 1.0)), strict=True))
"""(size, opacity) by share of a search's cost."""


@dataclass(frozen=True, kw_only=True)
class Data:
    """intervals: by algorithm, in the metric's unit. points: a row a cell, with algorithm and optimism. overtuned: of each
    algorithm, by ascending share of its cost; empty where no search has repeats."""

    intervals: dict[str, Interval]
    points: pd.DataFrame
    metric: str
    algorithms: Algorithms
    overtuned: dict[str, list[Overtuned]] = field(default_factory=dict)


def data(block: Block, frames: Frames) -> Data | None:
    cells = frames.finished().cells.dropna(subset=["validation", "test"])
    if cells.empty:
        return None
    names = frames.algorithms.order(cells["algorithm"])
    return Data(
        intervals={name: _interval(cells[cells["algorithm"] == name], block.metric) for name in names},
        points=cells[["algorithm", "optimism"]].reset_index(drop=True),
        metric=block.metric,
        algorithms=frames.algorithms,
        overtuned=_by_algorithm(frames, names),
    )


def _by_algorithm(frames: Frames, names: Sequence[str]) -> dict[str, list[Overtuned]]:
    made = overtuned(frames)
    if max((len(one.amounts) for one in made), default=0) < FEWEST_REPEATS:
        return {}
    return {name: [one for one in made if one.algorithm == name] for name in names}


def _interval(cells: pd.DataFrame, metric: str) -> Interval:
    """Within the values that a difference of two scores can take."""
    if len(cells) == 1 and metric == "accuracy":
        only = cells.iloc[0]
        made = single_run_optimism(
            float(only["validation"]), float(only["test"]), int(only["n_validation"]), int(only["n_test"])
        )
    else:
        made = selection_optimism(cells["validation"].to_numpy(), cells["test"].to_numpy())
    return made.within(*wording.difference_range(metric))


def draw(data: Data, figure: Figure) -> None:
    names = list(data.intervals)
    figure.set_size_inches(style.COLUMN_INCHES, 0.7 + 0.32 * len(names))
    axes = figure.subplots()
    if data.overtuned:
        figure.clear()
        axes, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
        _draw_overtuned(data, right)
    axes.axvline(0, color=style.FAINT, linewidth=0.8)
    for row, name in enumerate(names):
        made, tint = data.intervals[name], data.algorithms.color(name)
        own = data.points[data.points["algorithm"] == name]["optimism"]
        if len(own) > 1:
            axes.scatter(own, [row] * len(own), s=10, color=tint, alpha=0.3, linewidths=0)
        axes.plot([made.low, made.high], [row, row], color=tint, linewidth=1.6)
        axes.plot(made.estimate, row, marker=data.algorithms.marker(name), color=tint, markersize=5)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    factor = wording.scale_of(data.metric)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v * factor:.3g}"))
    axes.set_xlabel(f"validation − test {data.metric}" + (", points" if wording.unit_of(data.metric) else ""))


def _draw_overtuned(data: Data, axes: Axes) -> None:
    for row, (name, stages) in enumerate(data.overtuned.items()):
        tint, marker = data.algorithms.color(name), data.algorithms.marker(name)
        for one in stages:
            size, alpha = MARKS[one.share]
            axes.plot(one.interval.estimate, row, marker=marker, color=tint, markersize=size, alpha=alpha)
        if stages:
            last = stages[-1].interval
            axes.plot([last.low, last.high], [row, row], color=tint, linewidth=1.6)
    axes.set_xlim(-0.03, 1.03)
    axes.set_xticks([0, 0.5, 1])
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.set_xlabel("repeats that end overtuned")
