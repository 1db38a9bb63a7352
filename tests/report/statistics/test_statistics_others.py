"""Ranks, selection, targets, power."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tuneoff.report.statistics import power, ranks, selection, target


def test_average_ranks_by_hand() -> None:
    assert ranks.average_ranks([[0.9, 0.8, 0.7], [0.5, 0.5, 0.9]]).tolist() == [1.75, 2.25, 2.0]


def test_friedman_is_scipys() -> None:
    table = np.random.default_rng(0).normal(size=(12, 4))
    assert ranks.friedman(table) == pytest.approx(stats.friedmanchisquare(*table.T).pvalue)
    assert ranks.friedman([[1, 1, 1], [2, 2, 2]]) == 1
    with pytest.raises(ValueError, match="3 algorithms"):
        ranks.friedman(table[:, :2])
    with pytest.raises(ValueError, match="full table"):
        ranks.friedman([[1, 2, np.nan]])


@pytest.mark.parametrize(("k", "q"), [(2, 1.960), (3, 2.343), (4, 2.569), (5, 2.728), (10, 3.164)])
def test_the_critical_difference_has_demsars_constants(k: int, q: float) -> None:
    assert ranks.critical_difference(k, 20) == pytest.approx(q * np.sqrt(k * (k + 1) / 120), abs=1e-3)


def test_the_critical_difference_parts_what_nemenyi_parts() -> None:
    posthocs = pytest.importorskip("scikit_posthocs")
    table = np.random.default_rng(3).normal((0, 0.3, 0.9, 1.5), size=(15, 4))
    p_values = posthocs.posthoc_nemenyi_friedman(pd.DataFrame(table)).to_numpy()
    average, distance = ranks.average_ranks(table), ranks.critical_difference(4, 15)
    for i, j in combinations(range(4), 2):
        assert (p_values[i, j] < 0.05) == (abs(average[i] - average[j]) > distance)


def test_optimism_over_repeats_and_of_one_run() -> None:
    over = selection.selection_optimism([0.78, 0.80, 0.76], [0.70, 0.75, 0.71])
    assert over.estimate == pytest.approx(0.06)
    assert over.low < 0.06 < over.high
    one = selection.single_run_optimism(108 / 138, 98 / 139, 138, 139)
    assert one.estimate == pytest.approx(0.0776, abs=1e-4)
    assert one.low < 0 < one.high


@pytest.mark.parametrize(("n", "expected"), [(1, 0.0), (2, 0.5642), (8, 1.42), (18, 1.82), (30, 2.04), (50, 2.25)])
def test_the_expected_largest_of_normals(n: int, expected: float) -> None:
    assert selection.expected_largest_normal(n) == pytest.approx(expected, abs=0.005)


def test_the_best_of_eighteen_on_138_examples_inflates_by_four_to_six_points_and_more() -> None:
    assert 100 * selection.largest_inflation(0.74, 138, 18) == pytest.approx(6.8, abs=0.1)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.data())
def test_the_expected_maximum_is_the_mean_over_all_subsets(scores: list[float], data: st.DataObject) -> None:
    n = data.draw(st.integers(1, len(scores)))
    want = np.mean([max(subset) for subset in combinations(scores, n)])
    assert selection.expected_validation_maximum(scores, n) == pytest.approx(want)


def test_the_biased_variant_is_lower() -> None:
    v = np.sort(np.random.default_rng(0).normal(size=20))
    i = np.arange(1, 21)
    biased = float(v @ ((i / 20) ** 10 - ((i - 1) / 20) ** 10))
    assert biased < selection.expected_validation_maximum(v, 10)
    with pytest.raises(ValueError, match="from 1 to the 20"):
        selection.expected_validation_maximum(v, 21)


def test_cost_to_a_target() -> None:
    assert target.cost_to_target([1, 5, 9], [0.6, 0.7, 0.8], 0.7) == 5
    assert target.cost_to_target([1, 5, 9], [0.6, 0.7, np.nan], 0.75) == np.inf
    assert target.cost_to_target([], [], 0.75) == np.inf


def test_a_performance_profile_by_hand() -> None:
    costs = [[1, 4, np.inf, np.inf], [2, 2, 3, np.inf]]
    made = target.performance_profile(costs, [1, 2, 10])
    assert made.tolist() == [[0.25, 0.5, 0.5], [0.5, 0.75, 0.75]]
    assert target.performance_profile([[0, 1], [1, 1]], [1]).tolist() == [[1.0], [0.5]]


@pytest.mark.parametrize(("sd", "difference", "unpaired", "paired"), [(2.4, 2, 23, 12), (2.4, 1, 91, 46), (1, 1, 16, 8)])
def test_the_repeats_that_the_methodology_names(sd: float, difference: float, unpaired: int, paired: int) -> None:
    assert power.repeats_needed(sd, difference) == unpaired
    assert power.repeats_needed(sd, difference, paired=True) == paired
    assert power.pairs_needed(sd, difference) == paired


def test_the_power_is_about_what_it_says() -> None:
    rng, n = np.random.default_rng(0), power.pairs_needed(2.4, 1)
    samples = rng.normal(1, 2.4, size=(2000, n))
    assert (stats.ttest_1samp(samples, 0, axis=1).pvalue < 0.05).mean() == pytest.approx(0.8, abs=0.03)


@pytest.mark.parametrize(("comparisons", "n"), [(1, 6), (3, 7), (6, 8), (10, 9)])
def test_the_fewest_repeats_of_a_signed_rank_test(comparisons: int, n: int) -> None:
    assert power.fewest_for_wilcoxon(comparisons) == n


def test_a_single_comparison_is_what_is_asked_about_by_default() -> None:
    assert power.fewest_for_wilcoxon() == 6


def test_no_repeats_show_no_difference() -> None:
    with pytest.raises(ValueError, match="above 0"):
        power.pairs_needed(1, 0)


def test_one_block_or_one_algorithm_is_a_table_and_none_is_not() -> None:
    assert ranks.average_ranks([[0.1, 0.3, 0.2]]).tolist() == [3, 1, 2]
    assert ranks.average_ranks([[0.1], [0.3]]).tolist() == [1]
    for empty in (np.empty((0, 3)), np.empty((3, 0)), [0.1, 0.2]):
        with pytest.raises(ValueError, match="full table"):
            ranks.average_ranks(empty)


def test_friedman_with_ties_is_scipys() -> None:
    table = np.random.default_rng(4).integers(0, 3, size=(15, 4)) / 10
    assert ranks.friedman(table) == pytest.approx(stats.friedmanchisquare(*table.T).pvalue)


def test_friedman_by_hand() -> None:
    """Four blocks in the same order of three: chi squared = 8 with 2 degrees of freedom, p = exp(-4)."""
    assert ranks.friedman([[1, 2, 3]] * 4) == pytest.approx(np.exp(-4))


def test_ties_for_the_best_are_found_within_a_tolerance() -> None:
    assert ranks.tied_for_best([0.7, 0.70000000001, 0.6, np.nan]) == [0, 1]
    assert ranks.tied_for_best([0.7, 0.71]) == [1]
    assert ranks.tied_for_best([np.nan, np.nan]) == []
    assert ranks.tied_for_best([1.0, 1.5, 2.0], tolerance=0.5) == [1, 2]


def test_the_interval_of_one_runs_optimism_by_hand() -> None:
    """0.8 on 100 against 0.7 on 200: 1.959964 x sqrt(0.8 x 0.2 / 100 + 0.7 x 0.3 / 200)."""
    made = selection.single_run_optimism(0.8, 0.7, 100, 200)
    half = 1.959964 * np.sqrt(0.0016 + 0.00105)
    assert (made.estimate, made.low, made.high) == pytest.approx((0.1, 0.1 - half, 0.1 + half), abs=1e-6)


def test_optimism_over_repeats_is_a_paired_t_interval() -> None:
    validation, test = [0.78, 0.80, 0.76], [0.70, 0.75, 0.71]
    low, high = stats.ttest_rel(validation, test).confidence_interval()
    made = selection.selection_optimism(validation, test)
    assert (made.low, made.high) == pytest.approx((low, high))


def test_the_inflation_is_the_standard_error_times_the_expected_maximum() -> None:
    assert selection.largest_inflation(0.5, 100, 2) == pytest.approx(0.05 / np.sqrt(np.pi))


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_the_number_of_pairs_by_the_textbook_formula(share: float) -> None:
    """ceil((z(.975) + z(power))^2 sd^2 / d^2), with scipy's quantiles."""
    z = stats.norm.ppf(0.975) + stats.norm.ppf(share)
    assert power.pairs_needed(3.0, 0.7, power=share) == max(2, int(np.ceil(z**2 * 9 / 0.49)))
    wide = stats.norm.ppf(0.995) + stats.norm.ppf(share)
    assert power.pairs_needed(3.0, 0.7, power=share, alpha=0.01) == max(2, int(np.ceil(wide**2 * 9 / 0.49)))
    assert power.repeats_needed(3.0, 0.7, power=share) == max(2, int(np.ceil(2 * z**2 * 9 / 0.49)))
    uncorrelated = power.repeats_needed(3.0, 0.7, power=share, paired=True, correlation=0.0)
    assert uncorrelated == power.repeats_needed(3.0, 0.7, power=share)


def test_fewer_than_two_repeats_are_never_enough() -> None:
    assert power.pairs_needed(0.001, 1.0) == 2


@pytest.mark.parametrize("comparisons", [1, 2, 7, 21])
def test_the_fewest_repeats_are_the_fewest_whose_best_p_is_below_alpha(comparisons: int) -> None:
    """Against scipy's exact test on differences that all agree."""
    n = power.fewest_for_wilcoxon(comparisons)
    assert comparisons * stats.wilcoxon(np.arange(1, n + 1), method="exact").pvalue < 0.05
    assert comparisons * stats.wilcoxon(np.arange(1, n), method="exact").pvalue >= 0.05
    assert power.fewest_for_wilcoxon(1, alpha=0.5) == 3


def test_a_target_is_reached_at_equality_and_by_the_cheapest() -> None:
    assert target.cost_to_target([9, 5], [0.9, 0.8], 0.8) == 5
    assert target.cost_to_target([9, 5], [0.9, 0.79], 0.8) == 9


def test_a_profile_counts_a_factor_that_is_met_exactly() -> None:
    assert target.performance_profile([[1.0, 1.0], [2.0, 3.0]], [1.0, 2.0, 3.0])[1].tolist() == [0.0, 0.5, 1.0]
