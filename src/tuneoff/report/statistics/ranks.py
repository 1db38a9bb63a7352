"""Three algorithms or more over many blocks (Demšar 2006). A block is a repeat, or a task."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from tuneoff.report.statistics.summary import Floats


def average_ranks(scores: ArrayLike) -> Floats:
    """scores: shape (blocks, algorithms), higher is better. -> shape (algorithms,), 1 is best, ties share ranks."""
    return np.asarray(stats.rankdata(-_table(scores), axis=1).mean(axis=0), dtype=np.float64)


def friedman(scores: ArrayLike) -> float:
    """p of Friedman's test that all algorithms rank alike. scores: shape (blocks, algorithms >= 3)."""
    table = _table(scores)
    if table.shape[1] < 3:
        raise ValueError(f"Friedman's test needs 3 algorithms or more, got {table.shape[1]}")
    if (np.ptp(table, axis=1) == 0).all():
        return 1.0
    return float(stats.friedmanchisquare(*table.T).pvalue)


def critical_difference(algorithms: int, blocks: int, alpha: float = 0.05) -> float:
    """Nemenyi's: average ranks further apart than q_alpha sqrt(k (k + 1) / 6 N) differ."""
    q = float(stats.studentized_range.ppf(1 - alpha, algorithms, np.inf)) / np.sqrt(2)
    return float(q * np.sqrt(algorithms * (algorithms + 1) / (6 * blocks)))


def _table(scores: ArrayLike) -> Floats:
    table = np.asarray(scores, dtype=np.float64)
    if table.ndim != 2 or 0 in table.shape or not np.isfinite(table).all():
        raise ValueError(f"scores must be a full table of blocks x algorithms, got shape {table.shape}")
    return table
