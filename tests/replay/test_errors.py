from __future__ import annotations

import numpy as np
import pytest

from tests.replay.known import smooth_table
from tuneoff.replay.errors import Estimate, Sample, difference, mean_of, split_error
from tuneoff.replay.verdict import EQUIVALENT, OPEN, WORSE, repeats_needed, status_of


def sample(draws, whole=(), winners=None):
    return Sample(draws=np.array(draws, dtype=float), whole=np.array(whole, dtype=float), winners=winners or {0: 1.0})


def test_the_three_errors_of_a_mean_are_told_apart():
    rng = np.random.default_rng(0)
    levels = 0.8 + 0.02 * rng.standard_normal((400, 1))
    found = mean_of(sample(levels + 0.05 * rng.standard_normal((400, 25))), smooth_table(12))
    assert found.table_se == pytest.approx(0.02, rel=0.15)
    assert found.replay_se < 0.005
    assert found.repeat_sd == pytest.approx(0.05, rel=0.05)
    assert found.rows_se == pytest.approx(np.sqrt(0.8 * 0.2 / 1000), rel=0.01)
    assert found.se == pytest.approx(np.sqrt(found.table_se**2 + found.replay_se**2 + found.rows_se**2))


def test_more_replays_shrink_the_replays_error_and_not_the_tables():
    rng = np.random.default_rng(1)
    levels = 0.02 * rng.standard_normal((100, 1))
    few, many = (mean_of(sample(levels + 0.05 * rng.standard_normal((100, n))), smooth_table(12)) for n in (10, 1000))
    assert many.table_se == pytest.approx(few.table_se, rel=0.3)
    whole = [mean_of(sample(levels, 0.1 * rng.standard_normal(n)), smooth_table(12)).replay_se for n in (100, 10_000)]
    assert whole[0] / whole[1] == pytest.approx(10, rel=0.2)


def test_what_two_searches_share_cancels_in_their_difference():
    rng = np.random.default_rng(2)
    shared = 0.05 * rng.standard_normal((30, 20))
    a, b = sample(0.8 + shared + 0.001 * rng.standard_normal((30, 20))), sample(0.79 + shared)
    found = difference(a, b, smooth_table(12))
    assert found.value == pytest.approx(0.01, abs=0.001)
    assert found.se < 0.001
    assert found.rows_se == 0, "the same trials win"


def test_searches_that_other_trials_win_differ_by_the_test_rows():
    a, b = sample(np.full((5, 5), 0.8), winners={1: 1.0}), sample(np.full((5, 5), 0.8), winners={2: 1.0})
    assumed = difference(a, b, smooth_table(12))
    assert assumed.rows_se == pytest.approx(np.sqrt(0.8 * 0.2 / 2 * 2 / 1000)), "half of the disagreement, twice"
    spread = sample(np.full((5, 5), 0.8), winners=dict.fromkeys(range(10), 0.1))
    assert difference(a, spread, smooth_table(12)).rows_se < assumed.rows_se


def test_a_whole_table_gives_the_value_and_its_halves_the_error():
    halves = [[0.7] * 4, [0.8] * 4]
    found = mean_of(sample(halves, [0.8, 0.82]), smooth_table(12))
    assert found.value == pytest.approx(0.81)
    assert found.table_se == pytest.approx(np.std([0.7, 0.8], ddof=1))


def test_splits_that_differ_in_level_add_to_the_error_of_a_mean():
    table = smooth_table(40, splits=4)
    rows, splits = np.arange(40), np.array([int(t.split) for t in table.trials])
    rng = np.random.default_rng(3)
    noise = 0.01 * rng.standard_normal(40)
    assert split_error(table, noise, rows) == pytest.approx(0.0, abs=0.003)
    assert split_error(table, noise + 0.05 * np.array([1, -1, 1, -1])[splits], rows) == pytest.approx(0.0289, abs=0.005)
    assert split_error(smooth_table(40), noise, rows) is None


def test_an_error_that_is_known_is_not_widened_for_being_estimated_from_few_worlds():
    known = Estimate(value=0.8, replay_se=0.0001, table_se=0.0, rows_se=0.01, freedom=2.0, repeat_sd=0.02)
    assert known.half_width() == pytest.approx(1.96 * 0.01, rel=0.01)
    guessed = Estimate(value=0.8, replay_se=0.0, table_se=0.01, rows_se=0.0, freedom=2.0, repeat_sd=0.02)
    assert guessed.half_width() == pytest.approx(4.303 * 0.01, rel=0.01)


def estimate(value, se):
    return Estimate(value=value, replay_se=se, table_se=0.0, rows_se=0.0, freedom=1000, repeat_sd=0.02)


@pytest.mark.parametrize(
    ("value", "se", "expected"),
    [(-0.05, 0.01, WORSE), (-0.002, 0.001, EQUIVALENT), (-0.015, 0.01, OPEN), (-0.004, 0.001, EQUIVALENT), (0.0, 0.05, OPEN)],
)
def test_a_search_is_worse_equivalent_or_open_given_all_errors(value, se, expected):
    assert status_of(estimate(value, se), margin=0.01) == expected


def test_repeats_for_a_power_of_eighty_per_cent():
    assert repeats_needed(0.02, 0.01) == 32  # (1.96 + 0.84)^2 x 4
    assert repeats_needed(0.001, 0.01) == 6, "never fewer than a signed-rank test needs"
