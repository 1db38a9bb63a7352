"""Mean ranks and performance profiles over several tasks, side by side; no figure of a study's report."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from tuneoff.report.figures import _style as style
from tuneoff.report.together import FACTORS, Together

MOST_BANDS = 4


def draw(made: Together, figure: Figure) -> None:
    figure.set_size_inches(style.COLUMN_INCHES * (1.5 if made.profile else 1), 0.9 + 0.3 * max(4, len(made.names)))
    if made.profile is None:
        _draw_ranks(made, figure.subplots())
        return
    left, right = figure.subplots(1, 2)
    _draw_ranks(made, left)
    for name, shares in made.profile.items():
        tint = made.algorithms.color(name)
        middle, low, high = (np.array([getattr(one, what) for one in shares]) for what in ("estimate", "low", "high"))
        right.step(FACTORS, middle, where="post", color=tint)
        if len(made.profile) <= MOST_BANDS:
            right.fill_between(FACTORS, low, high, step="post", color=tint, alpha=0.1, linewidth=0)
    right.set_xscale("log")
    right.set_xlim(1, FACTORS[-1])
    right.set_xticks([1, 2, 5, 10], ["1", "2", "5", "10"])
    right.minorticks_off()
    right.set_ylim(-0.02, 1.04)
    right.set_yticks([0, 0.25, 0.5, 0.75, 1])
    right.yaxis.set_major_formatter(PercentFormatter(1))
    style.end_labels(right, [(n, shares[-1].estimate, made.algorithms.color(n)) for n, shares in made.profile.items()])
    right.set_xlabel("times the cheapest's cost to the default's score")


def _draw_ranks(made: Together, axes: Axes) -> None:
    for row, (name, one) in enumerate(made.ranks.items()):
        tint = made.algorithms.color(name)
        axes.plot([one.low, one.high], [row, row], color=tint, linewidth=1.6)
        axes.plot(one.estimate, row, marker=made.algorithms.marker(name), color=tint, markersize=5)
    axes.set_yticks(range(len(made.names)), list(made.ranks))
    axes.set_ylim(len(made.names) - 0.5, -0.5)
    axes.set_xlim(0.9, len(made.names) + 0.1)
    axes.set_xticks(range(1, len(made.names) + 1))
    axes.set_xlabel(f"mean rank over {made.tasks} tasks (1 is best)")
