"""The probability of each of several searches to be the best, from paired repeats."""

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
    given = np.asarray(scores, dtype=np.float64)
    n, k = given.shape
    if n < 2 or not np.isfinite(given).all():
        raise ValueError(f"scores must be finite, of shape (repeats >= 2, searches), got shape {given.shape}")
    shares = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=draws) / n
    observed = given.mean(axis=0)
    means = np.round(observed + (shares @ given - observed) * np.sqrt(n / (n - 1)), 12)
    won = means == means.max(axis=1, keepdims=True)
    return np.asarray((won / won.sum(axis=1, keepdims=True)).mean(axis=0), dtype=np.float64).reshape(k)
