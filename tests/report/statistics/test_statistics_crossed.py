"""Repeats and test rows: the sums of squares by hand, and intervals that hold the truth where rows matter."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tuneoff.report.statistics.crossed import (
    RowSquares,
    crossed_interval,
    row_variance,
    squares_of_difference,
    squares_of_right,
)
from tuneoff.report.statistics.power import pairs_needed, rows_needed
from tuneoff.report.statistics.summary import mean_interval

TABLE = np.array([[1, 0, 0, 1], [1, 0, -1, 1], [1, 1, 0, 0]])
"""Right minus right: 3 repeats of 4 rows. Means .5, .25, .5; of the rows 1, 1/3, -1/3, 2/3."""


def test_the_variance_of_the_rows_is_that_of_the_anova_by_hand() -> None:
    """Grand mean 5/12. SS(row) = 3 (1 + 1/9 + 1/9 + 4/9 - 4 (5/12)^2) = 35/12, MS = 35/36. SS(repeat) = 4 (1/24) = 1/6.
    SS(total) = 7 - 12 (5/12)^2 = 59/12. SS(rest) = 59/12 - 35/12 - 2/12 = 11/6, MS = 11/36. (35/36 - 11/36) / 12 = 1/18."""
    assert row_variance(TABLE.mean(axis=1), RowSquares.of(TABLE)) == pytest.approx(1 / 18)


def test_the_interval_joins_both_half_widths() -> None:
    """Means .5, .25, .5: mean 5/12, variance of the mean (1/48) / 3 = 1/144; t with 2 degrees 4.3027; rows 1.96 sqrt(1/18)."""
    made = crossed_interval(TABLE.mean(axis=1), RowSquares.of(TABLE))
    half = np.hypot(stats.t.ppf(0.975, 2) / 12, stats.norm.ppf(0.975) * np.sqrt(1 / 18))
    assert (made.estimate, made.high - made.estimate, made.estimate - made.low) == pytest.approx((5 / 12, half, half))


def test_without_rows_it_is_students() -> None:
    scores = [0.1, 0.3, 0.2]
    made, students = crossed_interval(scores), mean_interval(scores)
    assert (made.low, made.high) == pytest.approx((students.low, students.high))
    assert np.isnan(crossed_interval([0.1], RowSquares.of([[1, 0]])).low)


def test_the_labels_are_not_needed_for_two_classes() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 30)
    first, second = rng.integers(0, 2, (2, 5, 30))
    right = [(made == labels).astype(float) for made in (first, second)]
    by_labels = RowSquares.of(right[0] - right[1])
    assert squares_of_difference(first, second) == by_labels
    alone = squares_of_right(first, right[0].mean(axis=1))
    assert (alone.rows, alone.of_means, alone.of_all) == pytest.approx((30, (right[0].mean(axis=0) ** 2).sum(), right[0].sum()))


def test_searches_that_are_right_on_the_same_rows_are_no_less_sure() -> None:
    """Rows that differ by nothing but chance add nothing: the estimate is 0 in about half of such tables, never negative."""
    rng = np.random.default_rng(1)
    tables = rng.choice([-1, 0, 1], p=[0.1, 0.8, 0.1], size=(200, 6, 50))
    made = [row_variance(t.mean(axis=1), RowSquares.of(t)) for t in tables]
    assert min(made) == 0
    assert 60 < sum(v == 0 for v in made) < 140


def test_it_covers_where_students_interval_does_not() -> None:
    """Two searches that differ on fixed rows, seen on 277 of a population of them: 12 repeats of each make Student too sure."""
    rng = np.random.default_rng(2)
    covered = {"crossed": 0, "student": 0}
    for _ in range(300):
        row = rng.normal(0, 1, 277)
        right = [row + rng.normal(0, 0.5, 277) + rng.normal(0, 0.5, (12, 277)) > -0.8 for _ in range(2)]
        gap = right[0].mean(axis=1) - right[1].mean(axis=1)
        squares = squares_of_difference(*(r.astype(int) for r in right))
        covered["crossed"] += not crossed_interval(gap, squares).excludes(0)
        covered["student"] += not mean_interval(gap).excludes(0)
    assert covered["crossed"] / 300 >= 0.93
    assert covered["student"] / 300 < 0.85


def test_rows_limit_what_repeats_can_show() -> None:
    """(1.96 + .84)^2 = 7.85. To see .01 a variance of 1.274e-5 is allowed: sd .01 needs 8 repeats, 16 beside half of it."""
    assert pairs_needed(0.01, 0.01) == 8
    allowed = 0.01**2 / (stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) ** 2
    assert pairs_needed(0.01, 0.01, floor=allowed / 2) == 16
    assert pairs_needed(0.01, 0.01, floor=1.001 * allowed) is None
    assert rows_needed(277, 0.999 * allowed, 0.01) == 554, "twice the rows: half of the variance"
