"""The few distributions and ranks that verdicts need, from scipy.special: importing scipy.stats takes longer than a report."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special


def normal_quantile(p: float) -> float:
    return float(special.ndtri(p))


def student_quantile(p: float, degrees: float) -> float:
    return float(special.stdtrit(degrees, p))


def student_tail(t: float, degrees: float) -> float:
    """P(|T| > t), two-sided."""
    return float(2 * special.stdtr(degrees, -abs(t)))


def chi_squared_tail(x: float, degrees: float) -> float:
    """P(X > x)."""
    return float(special.chdtrc(degrees, x))


def fair_coin_tail(heads: int, tosses: int) -> float:
    """P(`heads` or fewer of `tosses`)."""
    return float(special.bdtr(heads, tosses, 0.5))


def mid_ranks(values: ArrayLike) -> NDArray[np.float64]:
    """Shape (n,) -> ranks from 1, ties at their mean."""
    _, where, counts = np.unique(np.asarray(values, dtype=np.float64), return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[where], dtype=np.float64)


def middle_half_mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Over the last axis: the mean without the lowest and highest quarter, rounded down, as scipy's trim_mean(x, 0.25)."""
    cut = int(0.25 * values.shape[-1])
    kept = np.sort(values, axis=-1)[..., cut : values.shape[-1] - cut]
    return np.asarray(kept.mean(axis=-1), dtype=np.float64)
