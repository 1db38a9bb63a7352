"""Overtuning against values worked out by hand."""

from __future__ import annotations

import math

import pytest

from tuneoff.report.statistics.overtuning import overtuning, overtuning_by, share_interval


@pytest.mark.parametrize(
    ("test", "amount"),
    [
        ([0.7], 0.0),
        ([0.6, 0.7, 0.8], 0.0),
        ([0.6, 0.8, 0.7], 0.1),
        ([0.8, 0.6, 0.7], 0.1),
        ([0.8, 0.7, 0.8], 0.0),
        ([-1.5, -1.0, -3.0], 2.0),
    ],
)
def test_it_is_what_the_last_result_lacks_to_the_best_before_it(test: list[float], amount: float) -> None:
    assert overtuning(test) == pytest.approx(amount)


def test_only_what_was_known_at_a_budget_counts() -> None:
    cost, test = [1.0, 2.0, 4.0, 8.0], [0.70, 0.74, math.nan, 0.71]
    assert math.isnan(overtuning_by(cost, test, 0.5))
    assert overtuning_by(cost, test, 1) == 0
    assert overtuning_by(cost, test, 4) == 0, "what was not scored on test is left out"
    assert overtuning_by(cost, test, 8) == pytest.approx(0.03)


def test_no_result_has_no_overtuning() -> None:
    with pytest.raises(ValueError, match="non-empty"):
        overtuning([])


def test_the_exact_interval_of_a_share() -> None:
    """0 of n: 1 - (alpha / 2)^(1 / n). 1 of 12 and 3 of 12: from tables of Clopper and Pearson's limits."""
    none = share_interval(0, 12)
    assert (none.estimate, none.low) == (0, 0)
    assert none.high == pytest.approx(1 - 0.025 ** (1 / 12))
    assert (share_interval(12, 12).low, share_interval(12, 12).high) == (pytest.approx(0.025 ** (1 / 12)), 1)
    one, three = share_interval(1, 12), share_interval(3, 12)
    assert (one.low, one.high) == (pytest.approx(0.00211, abs=1e-5), pytest.approx(0.38480, abs=1e-5))
    assert (three.low, three.high) == (pytest.approx(0.05486, abs=1e-5), pytest.approx(0.57186, abs=1e-5))


@pytest.mark.parametrize(("hits", "n"), [(3, 2), (-1, 2), (0, 0)])
def test_what_is_no_share_is_refused(hits: int, n: int) -> None:
    with pytest.raises(ValueError, match="is no share"):
        share_interval(hits, n)


def test_the_limits_agree_with_the_binomial_s_tails() -> None:
    """At the lower limit 3 or more of 12 happen with 2.5 %, at the upper one 3 or fewer."""
    limits = share_interval(3, 12)

    def at_most(k: int, p: float) -> float:
        return sum(math.comb(12, i) * p**i * (1 - p) ** (12 - i) for i in range(k + 1))

    assert 1 - at_most(2, limits.low) == pytest.approx(0.025)
    assert at_most(3, limits.high) == pytest.approx(0.025)
