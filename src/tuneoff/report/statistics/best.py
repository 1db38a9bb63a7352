"""How probable it is that a search is the best, or near it, from paired repeats."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from tuneoff.report.statistics.summary import Floats


def probability_best(scores: ArrayLike, draws: int = 10_000, seed: int = 0) -> Floats:
    """P(its mean is the highest), shape (k,), by a bootstrap over repeats; ties share. scores: (n, k), finite, n >= 2.

    A draw takes n repeats with replacement, the same for every search (Efron 1979). A bootstrap mean of n values varies by
    a factor sqrt((n - 1) / n) too little, so deviations from the observed mean are scaled up by its inverse. Still
    optimistic at small n: read 0.9 from 5 repeats as "likely", not as a test.
    """
    means = _bootstrap_means(scores, draws, np.random.default_rng(seed))
    won = means == means.max(axis=1, keepdims=True)
    return np.asarray((won / won.sum(axis=1, keepdims=True)).mean(axis=0), dtype=np.float64)


def probability_near_best(
    leads: ArrayLike, row_variances: ArrayLike, margin: float, draws: int = 10_000, seed: int = 0
) -> float:
    """P(no other search's mean is above this one's by more than `margin`), by the same bootstrap, test rows allowed for.

    leads: shape (n, k), what each other search scored above this one in each repeat. row_variances: shape (k,), what the test
    rows add to the variance of each mean lead (statistics.crossed), drawn as normal and independent of each other.
    """
    rng = np.random.default_rng(seed)
    means = _bootstrap_means(leads, draws, rng)
    spread = np.sqrt(np.asarray(row_variances, dtype=np.float64))
    if spread.shape != means.shape[1:]:
        raise ValueError(f"row_variances must be of shape {means.shape[1:]}, one a search, got {spread.shape}")
    noisy = means + rng.standard_normal(means.shape) * spread
    return float((noisy <= margin).all(axis=1).mean())


def _bootstrap_means(scores: ArrayLike, draws: int, rng: np.random.Generator) -> Floats:
    """Shape (draws, k)."""
    given = np.asarray(scores, dtype=np.float64)
    if given.ndim != 2 or len(given) < 2 or not np.isfinite(given).all():
        raise ValueError(f"scores must be finite, of shape (repeats >= 2, searches), got shape {given.shape}")
    n = len(given)
    shares = rng.multinomial(n, np.full(n, 1 / n), size=draws) / n
    observed = given.mean(axis=0)
    return np.asarray(np.round(observed + (shares @ given - observed) * np.sqrt(n / (n - 1)), 12), dtype=np.float64)
