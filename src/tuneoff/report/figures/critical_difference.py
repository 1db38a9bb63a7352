"""Average ranks and their critical difference (Demšar 2006): which searches rank apart over the repeats.

Three searches or more over ten common repeats or more, at equal cost as in the verdicts; the untuned default is left out.
A bar joins searches whose average ranks differ by less than Nemenyi's critical difference; Friedman's p is in the title.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from tuneoff.report.algorithms import Algorithms
from tuneoff.report.cells import Block
from tuneoff.report.curves import Searches
from tuneoff.report.figures import _style as style
from tuneoff.report.frames import Frames
from tuneoff.report.statistics.ranks import average_ranks, critical_difference, friedman

LEAST_BLOCKS, LEAST_ALGORITHMS = 10, 3


@dataclass(frozen=True, kw_only=True)
class Data:
    """ranks: by algorithm, ascending, 1 is best. groups: (lowest, highest) rank of each run not told apart."""

    ranks: pd.Series
    distance: float
    p: float
    repeats: int
    algorithms: Algorithms

    @property
    def groups(self) -> list[tuple[float, float]]:
        values = list(self.ranks)
        joined: list[tuple[float, float]] = []
        for i, low in enumerate(values):
            within = [v for v in values[i:] if v - low < self.distance]
            if len(within) > 1 and (not joined or within[-1] > joined[-1][1]):
                joined.append((low, within[-1]))
        return joined


def data(block: Block, frames: Frames) -> Data | None:  # noqa: ARG001 - every figure takes its block
    searches = Searches.of(frames)
    scores = searches.table()
    names = list(scores.columns)
    if len(names) < LEAST_ALGORITHMS or len(scores) < LEAST_BLOCKS:
        return None
    ranks = pd.Series(average_ranks(scores.to_numpy()), index=names).sort_values(kind="stable")
    return Data(
        ranks=ranks,
        distance=critical_difference(len(names), len(scores)),
        p=friedman(scores.to_numpy()),
        repeats=len(scores),
        algorithms=frames.algorithms,
    )


def draw(data: Data, figure: Figure) -> None:
    figure.set_size_inches(style.COLUMN_INCHES, 1.0 + 0.22 * len(data.ranks))
    axes = figure.subplots()
    count = len(data.ranks)
    for i, (name, rank) in enumerate(data.ranks.items()):
        tint, row = data.algorithms.color(str(name)), count - 1 - i  # the left ones hang lowest, so that no line crosses a name
        axes.plot([rank, rank], [0, row + 1], color=tint, linewidth=0.9)
        axes.plot(rank, 0, marker=data.algorithms.marker(str(name)), color=tint, markersize=5, clip_on=False)
        axes.annotate(
            f"{name} {rank:.2f}",
            (rank, row + 1),
            (3, 0),
            textcoords="offset points",
            color=tint,
            va="center",
            fontsize=7.5,
            annotation_clip=False,
        )
    for level, (low, high) in enumerate(data.groups):
        axes.plot([low - 0.03, high + 0.03], [0.3 + 0.22 * level] * 2, color=style.INK, linewidth=2.6, solid_capstyle="butt")
    axes.set_xlim(1, count)
    axes.set_ylim(count + 0.6, 0)
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.set_xticks(np.arange(1, count + 1))
    axes.set_xlabel(
        f"average rank over {data.repeats} repeats (1 is best); bar: not told apart, "
        f"CD = {data.distance:.2f}, Friedman p = {data.p:.2g}"
    )
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.spines["top"].set_visible(True)
