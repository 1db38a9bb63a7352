"""Three errors of a predicted score, kept apart: of the replays, of the table, of the test rows.

The replays' shrinks with their number. The table's does not: another recording of the same size would have led to another
world; it is the spread of a search's mean over redrawn worlds. The test rows' stands for the finite test set that all trials
share.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from tuneoff.replay.table import Floats, Table

LEVEL = 0.95
FEWEST_DEGREES = 2.0
"""Of freedom, where the replays' noise hides the table's error: an interval is then wide, not infinite."""
ASSUMED_CORRELATION = 0.5
"""Of two good trials' mistakes on the test rows, where their predictions are not known."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A search's test scores at one budget. Searches are paired replay by replay.

    draws: shape (worlds, replays), of redrawn worlds. whole: shape (replays,), of the table as it is; empty where the redrawn
    worlds are draws of what the truth may be, whose mean is then the prediction. winners: how often each recorded trial (or its
    residuals) won, as shares that sum to 1.
    """

    draws: Floats
    whole: Floats
    winners: Mapping[int, float]

    @property
    def value(self) -> float:
        return float(self.whole.mean() if self.whole.size else self.draws.mean())

    @property
    def repeat_sd(self) -> float:
        """Predicted sd between real repeats: within a world, since reality is one."""
        if self.whole.size:
            return float(self.whole.std(ddof=1))
        return float(np.sqrt(self.draws.var(axis=1, ddof=1).mean()))


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A predicted score, or difference of two, with its standard errors. freedom: of the
    first two, see _estimate."""

    value: float
    replay_se: float
    table_se: float
    rows_se: float
    freedom: float
    repeat_sd: float

    @property
    def se(self) -> float:
        return math.sqrt(self.replay_se**2 + self.table_se**2 + self.rows_se**2)

    def half_width(self, level: float = LEVEL) -> float:
        """Of the interval at this level: Student's t, since the first two errors are estimated from few worlds; the test rows'
        is known, which adds to the degrees of freedom (Satterthwaite)."""
        estimated = self.replay_se**2 + self.table_se**2
        freedom = self.freedom * (self.se**2 / estimated) ** 2 if estimated > 0 else math.inf
        return float(student.ppf((1 + level) / 2, freedom)) * self.se

    def interval(self, level: float = LEVEL) -> tuple[float, float]:
        return self.value - self.half_width(level), self.value + self.half_width(level)


def mean_of(sample: Sample, table: Table, split_se: float = 0.0) -> Estimate:
    """Of one search's mean score. split_se: of the table's splits, added to the table's error; see split_error."""
    rows = 0.0
    if table.test_rows and table.share and 0 <= sample.value <= 1:
        rows = math.sqrt(sample.value * (1 - sample.value) / table.test_rows)
    return _estimate(sample.draws, sample.whole, rows, split_se)


def difference(a: Sample, b: Sample, table: Table) -> Estimate:
    """Of a's mean minus b's, replay by replay. The level of the test rows and of the splits cancels; what is left of the rows
    is that other trials win."""
    whole = a.whole - b.whole if a.whole.size else a.whole
    return _estimate(a.draws - b.draws, whole, _rows_of_difference(a, b, table))


def _estimate(draws: Floats, whole: Floats, rows_se: float, extra_table_se: float = 0.0) -> Estimate:
    """By variance components: the means of the worlds vary by the table's error and their own replays'. The degrees of freedom
    are Satterthwaite's (1946), for a difference of two mean squares."""
    worlds, replays = draws.shape
    within = float(draws.var(axis=1, ddof=1).mean()) / replays if replays > 1 else 0.0
    between = float(draws.mean(axis=1).var(ddof=1)) if worlds > 1 else 0.0
    table = max(0.0, between - within)
    if whole.size:
        value, replay, repeats = float(whole.mean()), float(whole.var(ddof=1)) / whole.size, float(whole.std(ddof=1))
    else:
        value, replay, repeats = float(draws.mean()), between / worlds, math.sqrt(within * replays)
    spread = between**2 / max(worlds - 1, 1) + within**2 / max(worlds * (replays - 1), 1)
    known = (table + replay) ** 2 / spread if spread > 0 else math.inf
    return Estimate(
        value=value,
        replay_se=math.sqrt(replay),
        table_se=math.sqrt(table + extra_table_se**2),
        rows_se=rows_se,
        freedom=min(max(known, FEWEST_DEGREES), max(worlds - 1, FEWEST_DEGREES)),
        repeat_sd=repeats,
    )


def _rows_of_difference(a: Sample, b: Sample, table: Table) -> float:
    """Each recorded trial is right or wrong on rows of its own: two of them differ on a share q of the rows, so each adds q / 2
    to the variance of a row, in proportion to how much more often it wins one search than the other."""
    if not table.test_rows or not table.share:
        return 0.0
    p = (a.value + b.value) / 2
    q = table.disagreement
    if q is None:
        q = 2 * p * (1 - p) * (1 - ASSUMED_CORRELATION) if 0 <= p <= 1 else 0.0
    names = {*a.winners, *b.winners}
    concentration = sum((a.winners.get(name, 0.0) - b.winners.get(name, 0.0)) ** 2 for name in names)
    return math.sqrt(q / 2 * concentration / table.test_rows)


def split_error(table: Table, residuals: Floats, rows: np.ndarray) -> float | None:
    """Standard error of the level that the recorded splits share, by one-way analysis of variance; None with fewer than two.

    residuals: (n,) of the last test scores; rows: (n,) the trials' numbers.
    """
    splits = np.array([table.trials[row].split for row in rows])
    names = np.unique(splits)
    sizes = np.array([(splits == name).sum() for name in names])
    if len(names) < 2 or len(rows) - len(names) < 2:
        return None
    means = np.array([residuals[splits == name].mean() for name in names])
    within = sum(float(np.square(residuals[splits == name] - m).sum()) for name, m in zip(names, means, strict=True))
    within /= len(rows) - len(names)
    between = float((sizes * np.square(means - residuals.mean())).sum()) / (len(names) - 1)
    typical = (sizes.sum() - np.square(sizes).sum() / sizes.sum()) / (len(names) - 1)
    tau = max(0.0, (between - within) / typical)
    return math.sqrt(tau * float(np.square(sizes / sizes.sum()).sum()))
