"""Scores as text, by the unit that their metric declares; the differences that hardly matter."""

from __future__ import annotations

import math

import pytest

from tuneoff.task.units import has_scale, number, significant, usual_margin, written


@pytest.mark.parametrize(
    ("value", "metric", "text"),
    [
        (0.6543, "accuracy", "65.4 %"),
        (0.6543, "micro_f1", "65.4 %"),
        (0.6543, "pearson", "0.654"),
        (1.5, "objective", "1.500"),
        (1234.56, "minus_rmse", "1235"),
        (-0.6543, "minus_loss", "-0.6543"),
        (0.0, "minus_loss", "0"),
        (None, "accuracy", "–"),
        (math.nan, "pearson", "–"),
    ],
)
def test_a_score_is_written_in_its_own_unit(value: float | None, metric: str, text: str) -> None:
    assert written(value, metric) == text


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(1234.56, 3, "1235"), (12.3456, 3, "12.3"), (0.0012345, 3, "0.00123"), (1.2345e-9, 3, "1.23e-09"), (-9.996, 3, "-10.00")],
)
def test_significant_digits_take_no_exponent_but_for_tiny_numbers(value: float, digits: int, text: str) -> None:
    assert significant(value, digits) == text


def test_numbers_side_by_side_have_as_many_digits_after_the_point() -> None:
    assert [number(x, "minus_mae", digits=3, beside=(12.34, 1.234, 0.1)) for x in (12.34, 1.234, 0.1)] == ["12.3", "1.2", "0.1"]
    assert number(0.1, "minus_mae", sign="+") == "+0.1000"
    assert [number(x, "minus_mae", beside=(2.0, math.nan)) for x in (2.0, math.nan)] == ["2.000", "nan"]


def test_what_hardly_matters_is_known_where_the_range_is() -> None:
    assert [usual_margin(m) for m in ("accuracy", "subset_accuracy", "pearson", "matthews", "objective")] == [0.01] * 5
    assert [usual_margin(m) for m in ("minus_rmse", "rmse", "of a plugin")] == [None] * 3
    assert not has_scale("mae")
