from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

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


# Worlds of means 0.70, 0.75, 0.80, 0.85, 0.90 (mean square between them 0.00625), each of two replays 0.1 apart (0.005 within,
# so 0.0025 of the variance of a mean).
WORLDS = [[0.65, 0.75], [0.70, 0.80], [0.75, 0.85], [0.80, 0.90], [0.85, 0.95]]


def test_the_errors_of_a_mean_by_hand() -> None:
    found = mean_of(sample(WORLDS), smooth_table(12), split_se=0.02)
    assert found.value == pytest.approx(0.8)
    assert found.table_se == pytest.approx(np.sqrt(0.00625 - 0.0025 + 0.02**2))
    assert found.replay_se == pytest.approx(np.sqrt(0.00625 / 5))
    assert found.repeat_sd == pytest.approx(np.sqrt(0.005))
    assert found.rows_se == pytest.approx(np.sqrt(0.8 * 0.2 / 1000))
    # Satterthwaite: (0.00375 + 0.00125)^2 / (0.00625^2 / 4 + 0.0025^2 / 5)
    assert found.freedom == pytest.approx(0.005**2 / (0.00625**2 / 4 + 0.0025**2 / 5))
    assert 2 < found.freedom < 4


def test_with_the_whole_table_its_own_replays_give_value_error_and_spread() -> None:
    found = mean_of(sample(WORLDS, [0.80, 0.84, 0.88]), smooth_table(12))
    assert found.value == pytest.approx(0.84)
    assert found.replay_se == pytest.approx(np.sqrt(0.0016 / 3))
    assert found.repeat_sd == pytest.approx(0.04)
    assert found.table_se == pytest.approx(np.sqrt(0.00375))
    assert sample(WORLDS, [0.80, 0.84, 0.88]).repeat_sd == pytest.approx(0.04)
    assert sample(WORLDS).repeat_sd == pytest.approx(np.sqrt(0.005))
    assert sample(WORLDS).value == pytest.approx(0.8)


def test_degrees_of_freedom_are_from_two_to_the_worlds_less_one() -> None:
    noisy = [[0.5, 0.9], [0.6, 0.8], [0.55, 0.86]]
    assert mean_of(sample(noisy), smooth_table(12)).freedom == 2
    assert mean_of(sample([[v, v] for v in (0.7, 0.8, 0.85, 0.9)]), smooth_table(12)).freedom == 3
    same = mean_of(sample([[0.7, 0.7]] * 5), smooth_table(12))
    assert (same.freedom, same.table_se, same.replay_se) == (4, 0, 0)


def test_one_world_and_one_replay_have_no_error_that_could_be_estimated() -> None:
    one_world = mean_of(sample([[0.7, 0.8]]), smooth_table(12))
    assert (one_world.table_se, one_world.replay_se, one_world.freedom) == (0, 0, 2)
    assert one_world.repeat_sd == pytest.approx(np.sqrt(0.005))
    one_each = mean_of(sample([[0.7], [0.8], [0.9]]), smooth_table(12))
    assert one_each.table_se == pytest.approx(0.1)
    assert one_each.repeat_sd == 0


@pytest.mark.parametrize(("score", "rows_se"), [(0.0, 0.0), (1.0, 0.0), (1.5, 0.0), (-0.2, 0.0), (0.5, np.sqrt(0.25 / 1000))])
def test_only_a_share_has_the_error_of_its_test_rows(score: float, rows_se: float) -> None:
    assert mean_of(sample(np.full((3, 3), score)), smooth_table(12)).rows_se == pytest.approx(rows_se)
    assert mean_of(sample(np.full((3, 3), score)), replace(smooth_table(12), test_rows=None)).rows_se == 0


def test_the_test_rows_of_a_difference_by_hand() -> None:
    """Shares 0.75 and 0.65: two trials differ on 2 x 0.7 x 0.3 x 0.5 = 0.21 of the rows; winners differ by 0.5 and 0.5."""
    a = sample(np.full((3, 3), 0.75), winners={1: 0.5, 2: 0.5})
    b = sample(np.full((3, 3), 0.65), winners={1: 1.0})
    found = difference(a, b, smooth_table(12))
    assert found.value == pytest.approx(0.1)
    assert found.rows_se == pytest.approx(np.sqrt(0.21 / 2 * 0.5 / 1000))
    assert difference(b, a, smooth_table(12)).value == pytest.approx(-0.1)
    assert difference(a, b, replace(smooth_table(12), test_rows=None)).rows_se == 0
    far = sample(np.full((3, 3), 7.0), winners={2: 1.0})
    assert difference(far, a, smooth_table(12)).rows_se == 0, "no share"
    above = sample(np.full((3, 3), 1.9), winners={2: 1.0})
    assert difference(above, a, smooth_table(12)).rows_se == 0, "(1.9 + 0.75) / 2 is none either"


def test_a_score_that_is_no_share_of_the_rows_has_no_error_of_theirs() -> None:
    table = replace(smooth_table(12), metric="matthews")
    a, b = sample(np.full((3, 3), 0.75), winners={1: 1.0}), sample(np.full((3, 3), 0.65), winners={2: 1.0})
    assert (mean_of(a, table).rows_se, difference(a, b, table).rows_se) == (0, 0)


def test_the_difference_of_whole_tables_is_taken_replay_by_replay() -> None:
    a, b = sample(WORLDS, [0.80, 0.84, 0.88]), sample(WORLDS, [0.79, 0.81, 0.86])
    found = difference(a, b, smooth_table(12))
    assert found.value == pytest.approx(0.02)
    assert found.repeat_sd == pytest.approx(0.01)
    assert found.replay_se == pytest.approx(0.01 / np.sqrt(3))
    assert found.table_se == 0


def test_an_interval_is_as_wide_as_its_level() -> None:
    one = Estimate(value=0.8, replay_se=0.03, table_se=0.04, rows_se=0.0, freedom=5.0, repeat_sd=0.0)
    assert one.se == pytest.approx(0.05)
    assert one.interval() == pytest.approx((0.8 - 2.570582 * 0.05, 0.8 + 2.570582 * 0.05))
    assert one.interval(0.5) == pytest.approx((0.8 - 0.726687 * 0.05, 0.8 + 0.726687 * 0.05))
    mixed = Estimate(value=0.8, replay_se=0.03, table_se=0.04, rows_se=0.05, freedom=5.0, repeat_sd=0.0)
    assert mixed.half_width() == pytest.approx(stats.t.ppf(0.975, 5 * 2**2) * np.sqrt(0.005))
    sure = Estimate(value=0.8, replay_se=0.0, table_se=0.0, rows_se=0.05, freedom=5.0, repeat_sd=0.0)
    assert sure.half_width() == pytest.approx(1.959964 * 0.05)


def test_the_error_of_the_splits_is_that_of_a_one_way_analysis_of_variance() -> None:
    """Three splits of 5, 4 and 4 trials; the ratio of mean squares by scipy."""
    table = smooth_table(13, splits=3)
    rows = np.arange(13)
    residuals = 0.01 * np.random.default_rng(5).standard_normal(13) + np.array([0.05, -0.05, 0.0])[rows % 3]
    groups = [residuals[rows % 3 == k] for k in range(3)]
    within = sum(((g - g.mean()) ** 2).sum() for g in groups) / 10
    between = stats.f_oneway(*groups).statistic * within
    typical = (13 - (25 + 16 + 16) / 13) / 2
    expected = np.sqrt((between - within) / typical * (25 + 16 + 16) / 13**2)
    assert split_error(table, residuals, rows) == pytest.approx(expected)
    alike = np.tile([0.01, -0.01], 6)
    assert split_error(smooth_table(12, splits=3), alike, np.arange(12)) == 0.0
    two = smooth_table(4, splits=2)
    assert split_error(two, np.array([0.1, 0.2, 0.3, 0.4]), np.arange(4)) is not None
    assert split_error(two, np.array([0.1, 0.2, 0.3]), np.arange(3)) is None, "one degree of freedom within"
