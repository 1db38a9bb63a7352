"""Performance profile (Dolan and Moré 2002): how often each search was nearly the cheapest to beat the default.

Height at factor f: the share of repeats in which the search reached the untuned default's median test score for at most
f times what the cheapest search paid in that repeat. At 1: how often it was the cheapest. Where a curve levels off: how
often it got there at all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from tuneoff.report.algorithms import Algorithms
from tuneoff.report.cells import Block
from tuneoff.report.curves import Floats, Searches
from tuneoff.report.figures import _style as style
from tuneoff.report.frames import Frames
from tuneoff.report.statistics.target import cost_to_target, performance_profile

FEWEST_REPEATS = 5
FACTORS = np.geomspace(1, 10, 200)


@dataclass(frozen=True, kw_only=True)
class Data:
    """shares: by algorithm, shape (len(FACTORS),)."""

    shares: dict[str, Floats]
    repeats: int
    algorithms: Algorithms


def data(block: Block, frames: Frames) -> Data | None:  # noqa: ARG001 - every figure takes its block
    searches = Searches.of(frames)
    names = searches.tuned
    target = searches.cells.loc[searches.cells["algorithm"] == searches.untuned, "test"].median()
    if len(names) < 2 or not np.isfinite(target):
        return None
    common = searches.common(names)
    costs = np.array(
        [
            [
                cost_to_target(searches.steps[c].cost, searches.steps[c].value, float(target))
                for c in (searches.named(n)[k].cell for k in common)
            ]
            for n in names
        ]
    )
    if len(common) < FEWEST_REPEATS or not np.isfinite(costs).any():
        return None
    shares = dict(zip(names, performance_profile(costs, FACTORS), strict=True))
    return Data(shares=shares, repeats=len(common), algorithms=frames.algorithms)


def draw(data: Data, figure: Figure) -> None:
    figure.set_size_inches(style.COLUMN_INCHES, 2.4)
    axes = figure.subplots()
    for name, shares in data.shares.items():
        axes.step(FACTORS, shares, where="post", color=data.algorithms.color(name))
    axes.set_xscale("log")
    axes.set_xlim(1, FACTORS[-1])
    axes.set_xticks([1, 2, 5, 10], ["1", "2", "5", "10"])
    axes.minorticks_off()
    axes.set_ylim(-0.02, 1.04)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1])
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    style.end_labels(axes, [(name, float(s[-1]), data.algorithms.color(name)) for name, s in data.shares.items()])
    axes.set_xlabel("times the cheapest search's cost to the default's score")
    axes.set_ylabel(f"share of {data.repeats} repeats")
