"""Overtuning (Schneider, Bischl and Feurer 2025): going on with a search made its result worse on test."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from tuneoff.report.statistics.summary import Interval, as_scores


def overtuning(test: ArrayLike) -> float:
    """By how much the last result is worse than the best of those before it; 0 where it is the best, or the only one.

    test: shape (n,), n >= 1, test scores of a search's results in the order in which they stood; higher is better.
    """
    scores = as_scores(test)
    return float(scores.max() - scores[-1])


def overtuning_by(cost: ArrayLike, test: ArrayLike, budget: float) -> float:
    """`overtuning` of what was known at or before a budget; NaN where nothing was.

    cost, test: shape (n,), cost ascending; NaN scores (results that were not scored on test) are left out.
    """
    costs, scores = np.asarray(cost, dtype=np.float64), np.asarray(test, dtype=np.float64)
    known = scores[(costs <= budget) & np.isfinite(scores)]
    return overtuning(known) if len(known) else float("nan")


def share_interval(hits: int, n: int, level: float = 0.95) -> Interval:
    """hits / n with the exact interval of Clopper and Pearson (1934), which covers at least that often at any n."""
    if not 0 <= hits <= n or n < 1:
        raise ValueError(f"{hits} of {n} is no share: n must be 1 or more, and hits from 0 to n")
    tail = (1 - level) / 2
    low = float(special.betaincinv(hits, n - hits + 1, tail)) if hits else 0.0
    high = float(special.betaincinv(hits + 1, n - hits, 1 - tail)) if hits < n else 1.0
    return Interval(estimate=hits / n, low=low, high=high, level=level)
