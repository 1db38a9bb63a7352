"""Summaries of runs, and intervals around them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tuneoff.report.statistics.distributions import middle_half_mean, student_quantile

Floats = NDArray[np.float64]
Statistic = Callable[[Floats], Floats]
"""From shape (m, n), m resamples of n runs, to shape (m,)."""


@dataclass(frozen=True, kw_only=True)
class Interval:
    """An estimate and the interval around it, `level` of which cover the truth. NaN bounds: too few values."""

    estimate: float
    low: float
    high: float
    level: float = 0.95

    def __neg__(self) -> Interval:
        return Interval(estimate=-self.estimate, low=-self.high, high=-self.low, level=self.level)

    def within(self, low: float, high: float) -> Interval:
        """The part of it between the least and the largest possible value of what is estimated.

        It covers the truth exactly as often as the whole, since the truth can't lie in what is cut off.
        """
        return Interval(
            estimate=self.estimate,
            low=min(max(self.low, low), high) if self.low == self.low else self.low,
            high=max(min(self.high, high), low) if self.high == self.high else self.high,
            level=self.level,
        )

    def excludes(self, value: float) -> bool:
        return self.low > value or self.high < value


def as_scores(values: ArrayLike) -> Floats:
    """Shape (n,), n >= 1, finite. Raises ValueError otherwise: a missing score is left out by the caller, knowingly."""
    scores = np.asarray(values, dtype=np.float64)
    if scores.ndim != 1 or len(scores) == 0 or not np.isfinite(scores).all():
        raise ValueError(f"scores must be a non-empty list of finite numbers, got {values!r}")
    return scores


def mean(values: ArrayLike) -> float:
    return float(as_scores(values).mean())


def sd(values: ArrayLike) -> float:
    """Sample standard deviation (n - 1); NaN for one value."""
    scores = as_scores(values)
    return float(scores.std(ddof=1)) if len(scores) > 1 else float("nan")


def iqm(values: ArrayLike) -> float:
    """Interquartile mean: the mean of the middle half, over runs (Agarwal et al. 2021). Below 4 values, the mean."""
    return float(middle_half_mean(as_scores(values)))


def optimality_gap(values: ArrayLike, goal: float) -> float:
    """By how much runs fall short of `goal` on average: goal - mean(min(x, goal))."""
    return float(goal - np.minimum(as_scores(values), goal).mean())


def row_means(resamples: Floats) -> Floats:
    return np.asarray(resamples.mean(axis=1), dtype=np.float64)


def row_iqms(resamples: Floats) -> Floats:
    return middle_half_mean(resamples)


def bootstrap_interval(
    strata: Sequence[ArrayLike],
    rng: np.random.Generator,
    statistic: Statistic = row_means,
    level: float = 0.95,
    resamples: int = 5000,
) -> Interval:
    """Percentile bootstrap (Efron 1979), stratified: runs are drawn again within their stratum (a task), then pooled.

    strata: one list of scores a stratum. Covers too rarely for means of a handful of runs (about 84 % instead of 95 %
    at n = 5); `mean_interval` does not.
    """
    groups = [as_scores(stratum) for stratum in strata]
    pooled = np.concatenate(groups)
    drawn = np.concatenate([g[rng.integers(len(g), size=(resamples, len(g)))] for g in groups], axis=1)
    tail = (1 - level) / 2
    low, high = np.quantile(statistic(drawn), [tail, 1 - tail])
    return Interval(estimate=float(statistic(pooled[None, :])[0]), low=float(low), high=float(high), level=level)


def mean_interval(values: ArrayLike, level: float = 0.95) -> Interval:
    """Student's interval for a mean, right at small n where runs are roughly normal; NaN bounds for one value."""
    scores = as_scores(values)
    middle, n = float(scores.mean()), len(scores)
    if n < 2:
        return Interval(estimate=middle, low=float("nan"), high=float("nan"), level=level)
    half = student_quantile((1 + level) / 2, n - 1) * float(scores.std(ddof=1)) / np.sqrt(n)
    return Interval(estimate=middle, low=float(middle - half), high=float(middle + half), level=level)


def fresh_value_interval(value: float, sample: ArrayLike, level: float = 0.95) -> Interval:
    """value - mean(sample), where `value` is one more draw like those of the sample.

    Student's t with n - 1 degrees of freedom and the standard error sd sqrt(1 + 1 / n); NaN bounds where n is 1.
    """
    scores = as_scores(sample)
    gap, n = value - float(scores.mean()), len(scores)
    if n < 2:
        return Interval(estimate=gap, low=float("nan"), high=float("nan"), level=level)
    half = student_quantile((1 + level) / 2, n - 1) * float(scores.std(ddof=1)) * float(np.sqrt(1 + 1 / n))
    return Interval(estimate=gap, low=gap - half, high=gap + half, level=level)


def accuracy_se(accuracy: float, n: int) -> float:
    """Standard error of one accuracy on n examples: sqrt(p (1 - p) / n)."""
    return float(np.sqrt(accuracy * (1 - accuracy) / n))
