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


def pairs_needed(sd_of_differences: float, difference: float, *, alpha: float = 0.05, power: float = 0.8) -> int:
    """Paired repeats to see `difference`, from the sd of the paired differences themselves."""
    return _needed(sd_of_differences**2, difference, alpha, power)


def fewest_for_wilcoxon(comparisons: int = 1, alpha: float = 0.05) -> int:
    """The fewest paired repeats with which a two-sided signed-rank test can get below alpha at all.

    Its smallest p is 2^(1 - n): 6 for one comparison; more where Holm multiplies by the number of comparisons.
    """
    n = 1
    while comparisons * 2.0 ** (1 - n) >= alpha:
        n += 1
    return n


def _needed(variance: float, difference: float, alpha: float, power: float) -> int:
    if difference <= 0:
        raise ValueError(f"the difference to see is {difference}, but it must be above 0")
    z = normal_quantile(1 - alpha / 2) + normal_quantile(power)
    return max(2, math.ceil(z**2 * variance / difference**2 - 1e-9))
