from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tuneoff.report.statistics import summary
from tuneoff.report.statistics.summary import Interval, bootstrap_interval, iqm, mean_interval


def test_mean_and_sd_by_hand() -> None:
    assert summary.mean([1, 2, 3, 6]) == 3
    assert summary.sd([1, 2, 3, 6]) == pytest.approx(np.sqrt(14 / 3))
    assert np.isnan(summary.sd([1.0]))


def test_the_interquartile_mean_drops_a_quarter_at_each_end() -> None:
    assert iqm([100, 2, 3, -50]) == 2.5
    assert iqm([0, 1, 2, 3, 4, 5, 6, 100]) == pytest.approx(3.5)
    assert iqm([1, 2, 6]) == 3
    values = np.random.default_rng(0).normal(size=37)
    assert iqm(values) == pytest.approx(stats.trim_mean(values, 0.25))


def test_the_optimality_gap_by_hand() -> None:
    assert summary.optimality_gap([0.5, 0.9, 1.2], 1.0) == pytest.approx(1 - (0.5 + 0.9 + 1.0) / 3)


@pytest.mark.parametrize("values", [[], [1.0, float("nan")], [[1.0]]])
def test_scores_must_be_there_and_finite(values: list[float]) -> None:
    with pytest.raises(ValueError, match="finite"):
        summary.mean(values)


def test_the_bootstrap_agrees_with_scipys() -> None:
    values = np.random.default_rng(1).normal(size=30)
    ours = bootstrap_interval([values], np.random.default_rng(2), resamples=20_000)
    theirs = stats.bootstrap(
        (values,), np.mean, method="percentile", n_resamples=20_000, rng=np.random.default_rng(3)
    ).confidence_interval
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.02)
    assert ours.estimate == pytest.approx(values.mean())


def test_strata_are_drawn_again_on_their_own() -> None:
    """Two tasks without spread inside have no uncertainty, however far apart they are."""
    made = bootstrap_interval([[0.1] * 5, [0.9] * 5], np.random.default_rng(0))
    assert (made.low, made.estimate, made.high) == pytest.approx((0.5, 0.5, 0.5))


def test_the_same_generator_gives_the_same_interval() -> None:
    first, second = (bootstrap_interval([[1, 2, 4]], np.random.default_rng(7), summary.row_iqms) for _ in range(2))
    assert first == second


def test_students_interval_agrees_with_scipys() -> None:
    values = [0.61, 0.66, 0.64, 0.70]
    low, high = stats.ttest_1samp(values, 0).confidence_interval()
    made = mean_interval(values)
    assert (made.low, made.high) == pytest.approx((low, high))
    assert np.isnan(mean_interval([0.5]).low)


def test_students_interval_covers_where_the_percentile_bootstrap_does_not() -> None:
    """Why verdicts use Student's: at 5 runs it covers about 95 %, the percentile bootstrap about 83 %."""
    rng, student, percentile, rounds = np.random.default_rng(5), 0, 0, 1000
    for _ in range(rounds):
        values = rng.normal(size=5)
        made, boot = mean_interval(values), bootstrap_interval([values], rng, resamples=400)
        student += not made.excludes(0)
        percentile += not boot.excludes(0)
    assert student / rounds == pytest.approx(0.95, abs=0.025)
    assert percentile / rounds < 0.88


def test_an_interval_turns_round() -> None:
    assert -Interval(estimate=1, low=0, high=3) == Interval(estimate=-1, low=-3, high=0)


@pytest.mark.parametrize(("p", "n", "points"), [(0.7, 277, 2.75), (0.8, 1725, 0.96)])
def test_the_standard_error_of_one_accuracy(p: float, n: int, points: float) -> None:
    assert 100 * summary.accuracy_se(p, n) == pytest.approx(points, abs=0.01)


@pytest.mark.parametrize(
    ("interval", "want"),
    [((0.3, -1.0, 1.6), (0, 1)), ((0.3, 0.2, 0.4), (0.2, 0.4)), ((0.3, -0.5, 0.4), (0, 0.4)), ((0.3, 0.2, 1.5), (0.2, 1))],
)
def test_an_interval_is_cut_to_the_possible_values(interval: tuple[float, float, float], want: tuple[float, float]) -> None:
    estimate, low, high = interval
    cut = Interval(estimate=estimate, low=low, high=high, level=0.9).within(0, 1)
    assert (cut.estimate, cut.low, cut.high, cut.level) == (estimate, *want, 0.9)


def test_an_unknown_interval_stays_unknown() -> None:
    cut = mean_interval([0.5]).within(0, 1)
    assert np.isnan(cut.low)
    assert np.isnan(cut.high)


def test_cutting_an_interval_leaves_its_coverage_as_it_is() -> None:
    """Scores near the upper end of their range, three runs each."""
    rng = np.random.default_rng(8)
    whole = [mean_interval(rng.uniform(0.9, 1.0, 3)) for _ in range(500)]
    cut = [made.within(0, 1) for made in whole]
    assert any(made.high > 1 for made in whole)
    assert [made.excludes(0.95) for made in whole] == [made.excludes(0.95) for made in cut]


def test_a_fresh_value_has_the_prediction_interval_of_a_textbook() -> None:
    """0.75 against 0.70 ... 0.74: gap 0.03, sd 0.0158114, t(.975, 4) = 2.776445, standard error sd sqrt(1.2)."""
    made = summary.fresh_value_interval(0.75, [0.70, 0.71, 0.72, 0.73, 0.74])
    half = 2.776445 * 0.01581139 * np.sqrt(1.2)
    assert (made.estimate, made.low, made.high) == pytest.approx((0.03, 0.03 - half, 0.03 + half), abs=1e-7)
    lone = summary.fresh_value_interval(0.75, [0.7])
    assert lone.estimate == pytest.approx(0.05)
    assert np.isnan(lone.low)


def test_two_runs_are_enough_for_an_interval() -> None:
    """Of 1 and 3: sd sqrt(2), t(.975, 1) = 12.706205."""
    made = mean_interval([1.0, 3.0])
    assert (made.low, made.high) == pytest.approx((2 - 12.706205, 2 + 12.706205), abs=1e-5)
    fresh = summary.fresh_value_interval(4.0, [1.0, 3.0])
    half = 12.706205 * np.sqrt(2) * np.sqrt(1.5)
    assert (fresh.estimate, fresh.low, fresh.high) == pytest.approx((2, 2 - half, 2 + half), abs=1e-5)


def test_excluding_needs_a_bound_strictly_beyond() -> None:
    made = Interval(estimate=1, low=0, high=2)
    assert not made.excludes(0)
    assert not made.excludes(2)
    assert made.excludes(-0.1)
    assert made.excludes(2.1)
