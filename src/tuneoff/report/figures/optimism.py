"""Selection optimism: by how much each search's validation score exceeds its test score.

Validation - test of the incumbent. Faint: single repeats; mark and bar: mean with a 95 % interval (Student's over
repeats; of two proportions for a single run). A bar right of 0: the search's own score can't be taken at its word.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from tuneoff.report import wording
from tuneoff.report.algorithms import Algorithms
from tuneoff.report.cells import Block
from tuneoff.report.figures import _style as style
from tuneoff.report.frames import Frames
from tuneoff.report.statistics.selection import selection_optimism, single_run_optimism
from tuneoff.report.statistics.summary import Interval


@dataclass(frozen=True, kw_only=True)
class Data:
    """intervals: by algorithm, in the metric's unit. points: a row a cell, with algorithm and optimism."""

    intervals: dict[str, Interval]
    points: pd.DataFrame
    metric: str
    algorithms: Algorithms


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
    )


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
