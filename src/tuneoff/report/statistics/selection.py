"""The effects of choosing by validation score on that score."""

from __future__ import annotations

from math import comb

import numpy as np
from numpy.typing import ArrayLike

from tuneoff.report.statistics.distributions import normal_quantile
from tuneoff.report.statistics.summary import Interval, accuracy_se, as_scores, mean_interval


def selection_optimism(validation: ArrayLike, test: ArrayLike) -> Interval:
    """Validation - test of the incumbent over repeats, with Student's interval. Both of shape (n,), paired."""
    return mean_interval(as_scores(validation) - as_scores(test))


def single_run_optimism(validation: float, test: float, n_validation: int, n_test: int, level: float = 0.95) -> Interval:
    """The same for one run, of accuracies: the interval of two independent proportions (Wald)."""
    half = normal_quantile((1 + level) / 2) * float(np.hypot(accuracy_se(validation, n_validation), accuracy_se(test, n_test)))
    return Interval(estimate=validation - test, low=validation - test - half, high=validation - test + half, level=level)


def expected_largest_normal(n: int) -> float:
    """E[max of n standard normals]: 1.42 (8), 1.82 (18), 2.04 (30), 2.25 (50).

    The integral of x n phi(x) Phi(x)^(n - 1).
    """
    from scipy import integrate, stats

    value, _ = integrate.quad(lambda x: x * n * stats.norm.pdf(x) * stats.norm.cdf(x) ** (n - 1), -10, 10)
    return float(value)


def largest_inflation(accuracy: float, n_validation: int, candidates: int) -> float:
    """The most that the best of `candidates` equally good ones exceeds its true accuracy by, in expectation."""
    return accuracy_se(accuracy, n_validation) * expected_largest_normal(candidates)


def expected_validation_maximum(scores: ArrayLike, n: int) -> float:
    """E[best of n trials], unbiased, from N >= n trials of random search (Tang et al. 2020, against Dodge et al. 2019).

    The mean over all subsets of size n: sum over i >= n of v_(i) C(i - 1, n - 1) / C(N, n), v sorted ascending. Right
    for independent trials only: for searches that learn, average incumbents over repeats instead.
    """
    ordered = np.sort(as_scores(scores))
    total = len(ordered)
    if not 1 <= n <= total:
        raise ValueError(f"n is {n}, but it must be from 1 to the {total} trials there are")
    subsets = comb(total, n)
    weights = np.array([comb(i - 1, n - 1) / subsets for i in range(1, total + 1)])
    return float(weights @ ordered)
