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


def test_no_repeats_show_no_difference() -> None:
    with pytest.raises(ValueError, match="above 0"):
        power.pairs_needed(1, 0)
