"""What stopping early cost, from the stopped trials that went on."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tuneoff.report.statistics.stopping import AuditedSearch, stopping_regret, wrongly_stopped


def search(stopped: int, *excess: float, share: float = 0.5) -> AuditedSearch:
    return AuditedSearch(stopped=stopped, excess=np.array(excess, dtype=np.float64), share=share)


def test_where_every_stopped_trial_went_on_nothing_is_left_to_chance() -> None:
    searches = [search(3, 0.02, -0.1, 0.05, share=1.0), search(2, -0.01, -np.inf, share=1.0)]
    number, regret = wrongly_stopped(searches), stopping_regret(searches)
    assert (number.estimate, number.low, number.high) == (2, 2, 2)
    assert (regret.estimate, regret.low, regret.high) == pytest.approx((0.025,) * 3), "a search loses its best trial, once"


def test_of_those_that_did_not_go_on_as_many_win_by_share() -> None:
    found = wrongly_stopped([search(10, 0.02, -0.1, -0.1, -0.1)])
    assert found.estimate == pytest.approx(1 + 6 / 4)
    assert found.low == 1, "one did"
    assert found.high == pytest.approx(7), "three did not"


def test_trials_are_weighted_by_the_inverse_of_their_probability() -> None:
    """One of two at a share of 0.2 stands for five each, none of four at 0.8 for 1.25 each."""
    searches = [search(10, 0.02, -0.1, share=0.2), search(5, -0.1, -0.1, -0.1, -0.1, share=0.8)]
    assert wrongly_stopped(searches).estimate == pytest.approx(1 + 9 * 5 / (2 * 5 + 4 * 1.25))


def test_without_a_winner_the_regret_has_no_upper_end() -> None:
    found = stopping_regret([search(10, -0.02, -0.1)])
    assert (found.estimate, found.low) == (0, 0)
    assert math.isnan(found.high)


def test_where_all_that_went_on_won_the_others_are_still_drawn() -> None:
    found = stopping_regret([search(4, 0.02, 0.04)])
    assert 0.04 <= found.low <= found.estimate <= found.high < 1


def test_the_interval_is_that_of_both_posteriors() -> None:
    """One trial of two won, by 0.01; of the other two M win with a share from Beta(1.5, 1.5), by an exponential size whose mean
    is 0.01 over a Gamma(1): the same mixture, drawn otherwise."""
    found = stopping_regret([search(4, 0.01, -0.1)])
    rng = np.random.default_rng(7)
    share, mean = rng.beta(1.5, 1.5, 200_000), 0.01 / rng.standard_gamma(1.0, 200_000)
    sizes = rng.exponential(1, (2, 200_000)) * mean * (rng.random((2, 200_000)) < share)
    drawn = np.maximum(0.01, sizes.max(axis=0))
    assert found.low == pytest.approx(np.quantile(drawn, 0.025))
    assert found.high == pytest.approx(np.quantile(drawn, 0.975), rel=0.15)


def test_without_a_trial_that_went_on_nothing_is_known() -> None:
    assert math.isnan(wrongly_stopped([search(10)]).estimate)
    assert math.isnan(stopping_regret([search(10)]).estimate)
    assert math.isnan(stopping_regret([]).estimate)


def test_the_interval_holds_what_was_lost_in_19_of_20_studies() -> None:
    """Six searches of 12 stopped trials, a tenth of which would have won, by an exponential excess: 100 studies."""
    rng, held, wide = np.random.default_rng(3), 0, 0
    for _ in range(100):
        truth, searches = [], []
        for _ in range(6):
            excess = np.where(rng.random(12) < 0.1, rng.exponential(0.01, 12), -0.05)
            searches.append(AuditedSearch(stopped=12, excess=excess[rng.random(12) < 0.5], share=0.5))
            truth.append(max(0.0, excess.max()))
        found = stopping_regret(searches)
        wide += not found.high < 0.1
        held += found.low <= np.mean(truth) and not found.high < np.mean(truth)
    assert held >= 90
    assert wide <= 10, "and says something"
