"""The number of repeats that a verdict needs."""

from __future__ import annotations

import math

from tuneoff.report.statistics.distributions import normal_quantile


def repeats_needed(
    sd: float, difference: float, *, paired: bool = False, correlation: float = 0.5, alpha: float = 0.05, power: float = 0.8
) -> int:
    """Runs per arm to see `difference` with this power, two-sided, by the normal approximation.

    n = 2 (1 - rho) (z_(1 - alpha/2) + z_power)^2 (sd / difference)^2, with rho = 0 for unpaired arms. sd: of the runs
    of one arm, in the unit of the difference.
    """
    return _needed(2 * (1 - (correlation if paired else 0.0)) * sd**2, difference, alpha, power)


def pairs_needed(
    sd_of_differences: float, difference: float, *, floor: float = 0.0, alpha: float = 0.05, power: float = 0.8
) -> int | None:
    """Paired repeats to see `difference`, from the sd of the paired differences themselves.

    floor: variance of the mean difference that no number of repeats takes away (that of the test rows); None where it alone is
    too much.
    """
    z = _quantiles(difference, alpha, power)
    left = (difference / z) ** 2 - floor
    return _whole(sd_of_differences**2 / left) if left > 0 else None


def rows_needed(rows: int, variance: float, difference: float, *, alpha: float = 0.05, power: float = 0.8) -> int:
    """Test rows of which the chance takes half of what a `difference` allows; `variance` is that of the mean over `rows`."""
    z = _quantiles(difference, alpha, power)
    return math.ceil(2 * rows * variance * (z / difference) ** 2)


def fewest_for_wilcoxon(comparisons: int = 1, alpha: float = 0.05) -> int:
    """The fewest paired repeats with which a two-sided signed-rank test can get below alpha at all.

    Its smallest p is 2^(1 - n): 6 for one comparison; more where Holm multiplies by the number of comparisons.
    """
    n = 1
    while comparisons * 2.0 ** (1 - n) >= alpha:
        n += 1
    return n


def _needed(variance: float, difference: float, alpha: float, power: float) -> int:
    return _whole(variance * (_quantiles(difference, alpha, power) / difference) ** 2)


def _quantiles(difference: float, alpha: float, power: float) -> float:
    if difference <= 0:
        raise ValueError(f"the difference to see is {difference}, but it must be above 0")
    return normal_quantile(1 - alpha / 2) + normal_quantile(power)


def _whole(repeats: float) -> int:
    return max(2, math.ceil(repeats - 1e-9))
