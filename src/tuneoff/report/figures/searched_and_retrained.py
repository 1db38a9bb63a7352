"""Searched against retrained: how much of each search's test score its own recipe brings back.

Filled: the searched checkpoint. Hollow: the winning configuration, or replayed schedule, trained from scratch on new
seeds. Faint: single runs; marks: means; the line between them is luck of seed and selection.
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


@dataclass(frozen=True, kw_only=True)
class Data:
    """searched: a row a cell whose winner was trained again; runs: a row a retraining. Columns algorithm, test."""

    searched: pd.DataFrame
    runs: pd.DataFrame
    metric: str
    algorithms: Algorithms


def data(block: Block, frames: Frames) -> Data | None:
    done = frames.finished()
    runs = done.retrained.dropna(subset=["test"])
    searched = done.cells[done.cells["cell"].isin(runs["cell"])].dropna(subset=["test"])
    runs = runs[runs["cell"].isin(searched["cell"])]
    if runs.empty:
        return None
    return Data(
        searched=searched[["algorithm", "cell", "test"]].reset_index(drop=True),
        runs=runs[["algorithm", "cell", "test"]].reset_index(drop=True),
        metric=block.metric,
        algorithms=frames.algorithms,
    )


def draw(data: Data, figure: Figure) -> None:
    names = data.algorithms.order(data.runs["algorithm"])
    figure.set_size_inches(style.COLUMN_INCHES, 0.7 + 0.42 * len(names))
    axes = figure.subplots()
    for row, name in enumerate(names):
        tint, mark = data.algorithms.color(name), data.algorithms.marker(name)
        searched = data.searched.loc[data.searched["algorithm"] == name, "test"].astype(float)
        again = data.runs.loc[data.runs["algorithm"] == name, "test"].astype(float)
        for values, at in ((searched, row - 0.16), (again, row + 0.16)):
            axes.scatter(values, [at] * len(values), s=9, color=tint, alpha=0.3, linewidths=0)
        axes.plot([searched.mean(), again.mean()], [row - 0.16, row + 0.16], color=tint, linewidth=0.9)
        axes.plot(searched.mean(), row - 0.16, marker=mark, color=tint, markersize=5.5)
        axes.plot(again.mean(), row + 0.16, marker=mark, color=tint, markersize=5, markerfacecolor="white")
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    factor, unit = wording.scale_of(data.metric), wording.unit_of(data.metric)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v * factor:.4g}{unit}"))
    axes.set_xlabel(f"test {data.metric} (filled: searched; hollow: retrained)")
