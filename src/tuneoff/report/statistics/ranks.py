"""Three algorithms or more over many blocks (Demšar 2006). A block is a repeat, or a task."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from tuneoff.report.statistics.distributions import chi_squared_tail, mid_ranks
from tuneoff.report.statistics.summary import Floats


def average_ranks(scores: ArrayLike) -> Floats:
    """scores: shape (blocks, algorithms), higher is better. -> shape (algorithms,), 1 is best, ties share ranks."""
    return np.asarray(_ranks(-_table(scores)).mean(axis=0), dtype=np.float64)


def tied_for_best(values: ArrayLike, tolerance: float = 1e-9) -> list[int]:
    """Indices of the highest value and of those within `tolerance` of it; NaN is never among them. values: shape (n,)."""
    given = np.asarray(values, dtype=np.float64)
    known = given[np.isfinite(given)]
    return [] if len(known) == 0 else [int(i) for i in np.flatnonzero(given >= known.max() - tolerance)]


def friedman(scores: ArrayLike) -> float:
    """p of Friedman's test that all algorithms rank alike, with its correction for ties. scores: (blocks, algorithms >= 3)."""
    table = _table(scores)
    if table.shape[1] < 3:
        raise ValueError(f"Friedman's test needs 3 algorithms or more, got {table.shape[1]}")
    if (np.ptp(table, axis=1) == 0).all():
        return 1.0
    n, k = table.shape
    sums = _ranks(table).sum(axis=0)
    tied = sum(float((counts**3 - counts).sum()) for counts in (np.unique(row, return_counts=True)[1] for row in table))
    spread = 12 / (n * k * (k + 1)) * float((sums**2).sum()) - 3 * n * (k + 1)
    return chi_squared_tail(spread / (1 - tied / (n * k * (k * k - 1))), k - 1)


def critical_difference(algorithms: int, blocks: int, alpha: float = 0.05) -> float:
    """Nemenyi's: average ranks further apart than q_alpha sqrt(k (k + 1) / 6 N) differ."""
    from scipy import stats

    q = float(stats.studentized_range.ppf(1 - alpha, algorithms, np.inf)) / np.sqrt(2)
    return float(q * np.sqrt(algorithms * (algorithms + 1) / (6 * blocks)))


def _ranks(table: Floats) -> Floats:
    """Within each row, from 1 for the lowest."""
    return np.stack([mid_ranks(row) for row in table])


def _table(scores: ArrayLike) -> Floats:
    table = np.asarray(scores, dtype=np.float64)
    if table.ndim != 2 or 0 in table.shape or not np.isfinite(table).all():
        raise ValueError(f"scores must be a full table of blocks x algorithms, got shape {table.shape}")
    return table
