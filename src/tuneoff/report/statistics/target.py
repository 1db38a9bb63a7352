"""The cost of reaching a score that was fixed beforehand."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from tuneoff.report.statistics.summary import Floats


def cost_to_target(cost: ArrayLike, value: ArrayLike, target: float) -> float:
    """The least cost at which an incumbent had reached the target; infinite where none did.

    cost, value: shape (n,), in any one unit of cost (seconds, epochs, dollars); NaN values never reach it.
    """
    costs, values = np.asarray(cost, dtype=np.float64), np.asarray(value, dtype=np.float64)
    reached = costs[values >= target]
    return float(reached.min()) if len(reached) else float("inf")


def performance_profile(costs: ArrayLike, factors: ArrayLike) -> Floats:
    """Share of blocks in which each algorithm was within `factor` of the cheapest (Dolan and Moré 2002).

    costs: shape (algorithms, blocks), infinite where the target was not reached. factors: shape (m,), >= 1.
    -> shape (algorithms, m). A block that nobody solved counts against all.
    """
    table = np.asarray(costs, dtype=np.float64)
    best = table.min(axis=0)
    solved = np.isfinite(table) & np.isfinite(best)
    ratios = np.full(table.shape, np.inf)
    np.divide(table, best, out=ratios, where=solved & (best > 0))
    ratios[solved & (best == 0)] = np.where(table == 0, 1.0, np.inf)[solved & (best == 0)]
    return np.asarray((ratios[:, :, None] <= np.asarray(factors)[None, None, :]).mean(axis=1), dtype=np.float64)
