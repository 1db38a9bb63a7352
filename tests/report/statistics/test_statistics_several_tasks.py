"""Means over tasks, and their two sources of chance, against values by hand and against statsmodels' mixed model."""

from __future__ import annotations

import numpy as np
import pytest

from tuneoff.report.statistics.several_tasks import mean_over_tasks, nested_bootstrap, random_tasks, ranks_by_repeat


def test_ranks_within_each_repeat_ties_at_their_mean() -> None:
    ranks = ranks_by_repeat([[0.9, 0.8, 0.7], [0.5, 0.6, 0.6], [0.4, 0.4, 0.4]])
    assert ranks.tolist() == [[1, 2, 3], [3, 1.5, 1.5], [2, 2, 2]]
    with pytest.raises(ValueError, match="full table"):
        ranks_by_repeat([[0.9, np.nan]])


def test_each_task_counts_once_however_many_models_and_repeats_it_has() -> None:
    one = [np.array([[1.0], [3.0]]), np.array([[5.0]])]  # means of blocks 2 and 5: 3.5
    other = [np.array([[0.5]])]
    assert mean_over_tasks([one, other]) == pytest.approx([2.0])


def test_the_random_effects_by_hand() -> None:
    """Means 1, 2 and 6: their mean 3, sd sqrt(7), standard error sqrt(7 / 3) = 1.5275, t(.975, 2) = 4.3027. Within: each task's
    two values are 1 off their mean, so that the variance is 6 / 3 = 2; between: 7 - 2 / 2 = 6."""
    made = random_tasks([[0, 2], [1, 3], [5, 7]])
    assert made.interval.estimate == pytest.approx(3)
    assert (made.interval.low, made.interval.high) == (pytest.approx(3 - 6.5724, abs=1e-3), pytest.approx(3 + 6.5724, abs=1e-3))
    assert made.within_sd == pytest.approx(2**0.5)
    assert made.between_sd == pytest.approx(6**0.5)
    assert made.p == pytest.approx(0.1881, abs=1e-3)  # t = 1.9640 with 2 degrees of freedom: 1 - t / sqrt(2 + t^2)
    assert made.tasks == 3


def test_tasks_that_differ_by_no_more_than_their_repeats_have_no_variance_of_their_own() -> None:
    assert random_tasks([[0, 10], [1, 9], [2, 9]]).between_sd == 0


def test_one_task_or_one_repeat_leaves_unknown_what_it_does_not_show() -> None:
    one = random_tasks([[1.0, 2.0]])
    assert np.isnan([one.p, one.interval.low, one.between_sd]).all()
    assert one.within_sd == pytest.approx(0.5**0.5)
    single = random_tasks([[1.0], [2.0], [3.0]])
    assert np.isnan(single.within_sd)
    assert single.between_sd == pytest.approx(1)
    assert random_tasks([[0.0], [0.0]]).p == 1
    assert random_tasks([[1.0], [1.0]]).p == 0
    for wrong in ([], [[]], [[1.0, np.nan]], [[1.0], []], [[[1.0, 2.0]]]):
        with pytest.raises(ValueError, match="finite"):
            random_tasks(wrong)


def test_it_is_the_mixed_model_s_where_repeats_are_as_many() -> None:
    """Its mean, standard error and variances (REML), where that between tasks is above 0."""
    mixed = pytest.importorskip("statsmodels.regression.mixed_linear_model")
    rng = np.random.default_rng(3)
    values = rng.normal(0, 1, size=(6, 1)) * 2 + rng.normal(0, 1, size=(6, 5)) + 0.7
    fitted = mixed.MixedLM(values.ravel(), np.ones(30), groups=np.repeat(range(6), 5)).fit()
    made = random_tasks(list(values))
    assert made.interval.estimate == pytest.approx(fitted.fe_params[0])
    assert made.within_sd**2 == pytest.approx(fitted.scale, rel=1e-3)
    assert made.between_sd**2 == pytest.approx(float(fitted.cov_re[0][0]), rel=1e-3)
    half = (made.interval.high - made.interval.low) / 2
    assert half == pytest.approx(2.5706 * fitted.bse_fe[0], rel=1e-3)  # t(.975, 5)


def test_the_bootstrap_of_these_very_tasks_has_the_repeats_standard_error() -> None:
    """Two tasks of 20 repeats, sd 1 about 0 and 10: the mean's is sqrt((1/20 + 1/20) / 4) = 0.158; over tasks much more."""
    rng = np.random.default_rng(0)
    tasks = [[rng.normal(mean, 1, size=(20, 1))] for mean in (0.0, 10.0)]
    low, high = nested_bootstrap(tasks, np.random.default_rng(1), draw_tasks=False)
    assert (high - low)[0] == pytest.approx(2 * 1.96 * 0.158, rel=0.25)
    wide = nested_bootstrap(tasks, np.random.default_rng(1), draw_tasks=True)
    assert (wide[1] - wide[0])[0] > 9


def test_the_bootstrap_keeps_a_repeat_s_numbers_together() -> None:
    values = np.random.default_rng(0).normal(size=(9, 1))
    low, high = nested_bootstrap([[np.hstack([values, -values])]], np.random.default_rng(1), draw_tasks=False)
    assert low[0] == pytest.approx(-high[1])


@pytest.mark.parametrize("tasks", [3, 6])
def test_its_interval_covers_the_mean_over_tasks(tasks: int) -> None:
    rng, covered, studies = np.random.default_rng(tasks), 0, 600
    for _ in range(studies):
        means = rng.normal(0.5, 1.0, size=tasks)
        made = random_tasks([rng.normal(mean, 1.5, size=int(rng.integers(4, 13))) for mean in means])
        covered += made.interval.low <= 0.5 <= made.interval.high
    assert 0.92 < covered / studies < 0.98
