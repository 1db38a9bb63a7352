from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tuneoff.report.statistics import comparison as c

scores = st.lists(st.sampled_from([0.5, 0.6, 0.61, 0.7, 0.75]), min_size=1, max_size=9)


def test_probability_of_improvement_by_hand() -> None:
    assert c.probability_of_improvement([2, 4], [1, 3, 4]) == pytest.approx((1 + 2 + 0.5) / 6)


@given(scores, scores)
def test_probability_of_improvement_is_mann_whitneys_u(a: list[float], b: list[float]) -> None:
    u = stats.mannwhitneyu(a, b, method="asymptotic").statistic if len(set(a + b)) > 1 else len(a) * len(b) / 2
    assert c.probability_of_improvement(a, b) == pytest.approx(u / (len(a) * len(b)))


@given(scores, scores)
def test_the_interval_is_mirrored_on_swap(a: list[float], b: list[float]) -> None:
    there = c.probability_of_improvement_interval(a, b, resamples=50)
    back = c.probability_of_improvement_interval(b, a, resamples=50)
    assert (there.low, there.estimate, there.high) == pytest.approx((1 - back.high, 1 - back.estimate, 1 - back.low))
    assert there == c.probability_of_improvement_interval(a[::-1], b, resamples=50)


def test_the_interval_is_sure_where_every_run_wins() -> None:
    made = c.probability_of_improvement_interval([5, 6, 7], [1, 2, 3])
    assert (made.low, made.high) == (1, 1)


def test_wilcoxon_by_hand() -> None:
    assert c.wilcoxon([1, 2, 3, 4, 5]) == pytest.approx(2 / 32)
    assert c.wilcoxon([1, 2, 3, 4, 5, 6]) == pytest.approx(2 / 64)
    assert c.wilcoxon([-1, 2, 3, 4, 5, 6]) == pytest.approx(4 / 64)
    assert c.wilcoxon([0, 0]) == 1


@given(st.lists(st.integers(-50, 50).filter(bool), min_size=3, max_size=15, unique_by=abs))
def test_wilcoxon_is_scipys_exact_one_without_ties(differences: list[int]) -> None:
    assert c.wilcoxon(differences) == pytest.approx(stats.wilcoxon(differences, method="exact").pvalue)


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=9))
def test_wilcoxon_is_exact_with_ties(differences: list[int]) -> None:
    """Against counting out all signs."""
    given_ = np.array([d for d in differences if d])
    if not len(given_):
        return
    ranks = stats.rankdata(np.abs(given_))
    centre = abs(ranks[given_ > 0].sum() - ranks.sum() / 2)
    signs = np.array(np.meshgrid(*[[0, 1]] * len(given_))).reshape(len(given_), -1)
    want = (np.abs(ranks @ signs - ranks.sum() / 2) >= centre - 1e-9).mean()
    assert c.wilcoxon(differences) == pytest.approx(min(1, want))


def test_equal_differences_tie_in_spite_of_floating_point() -> None:
    assert c.wilcoxon([0.3 - 0.2, 0.1, -(0.8 - 0.7)]) == c.wilcoxon([1, 1, -1])


def test_holm_by_hand() -> None:
    assert c.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert c.holm([0.9, 0.9]) == [1, 1]
    assert c.holm([]) == []


def test_holm_is_statsmodels() -> None:
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    for n in range(1, 9):
        p_values = list(np.random.default_rng(n).uniform(0, 0.2, n))
        assert c.holm(p_values) == pytest.approx(list(multitest.multipletests(p_values, method="holm")[1]))


@pytest.mark.parametrize(
    ("only_a", "only_b", "p"), [(7, 0, 2 / 128), (8, 1, 20 / 512), (9, 2, 134 / 2048), (3, 3, 1), (0, 0, 1)]
)
def test_mcnemar_by_hand(only_a: int, only_b: int, p: float) -> None:
    assert c.mcnemar(only_a, only_b) == pytest.approx(p)
    assert c.mcnemar(only_b, only_a) == pytest.approx(p)


def test_discordant_examples_are_found_with_and_without_labels() -> None:
    rng = np.random.default_rng(0)
    labels, a, b = (rng.integers(0, 2, 139) for _ in range(3))
    want = c.discordant(a, b, labels)
    assert c.discordant_of_two_classes(a, b, int((a == labels).sum()), int((b == labels).sum())) == want
    with pytest.raises(ValueError, match="differ"):
        c.discordant_of_two_classes(a, a, 80, 90)


def test_a_paired_interval_by_hand() -> None:
    made = c.paired_accuracy_interval(15, 8, 139)
    half = 1.959964 * np.sqrt(23 - 49 / 139) / 139
    assert (made.low, made.high) == pytest.approx((7 / 139 - half, 7 / 139 + half), abs=1e-6)


def test_newcombes_interval_is_the_one_in_his_paper() -> None:
    """Newcombe 1998, table II, (a): 56/70 - 48/80, method 10: 0.0524 to 0.3339."""
    made = c.unpaired_accuracy_interval(56, 48, 70, 80)
    assert (made.low, made.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_the_published_seven_examples_are_a_z_of_less_than_one() -> None:
    assert c.two_proportion_z(98, 91, 139, 139) == pytest.approx(0.90, abs=0.005)
    assert c.two_proportion_z(5, 5, 5, 5) == 0


@pytest.mark.parametrize(("only_a", "only_b"), [(10, 3), (7, 7), (0, 5), (12, 0), (1, 0)])
def test_mcnemar_is_scipys_binomial_test(only_a: int, only_b: int) -> None:
    assert c.mcnemar(only_a, only_b) == pytest.approx(stats.binomtest(only_a, only_a + only_b).pvalue)


def test_mcnemar_is_statsmodels() -> None:
    tables = pytest.importorskip("statsmodels.stats.contingency_tables")
    assert c.mcnemar(9, 2) == pytest.approx(tables.mcnemar([[50, 9], [2, 39]], exact=True).pvalue)


@pytest.mark.parametrize(("a", "b", "n_a", "n_b"), [(56, 48, 70, 80), (9, 3, 10, 10), (10, 0, 10, 20), (98, 91, 139, 139)])
def test_newcombes_interval_is_statsmodels(a: int, b: int, n_a: int, n_b: int) -> None:
    proportion = pytest.importorskip("statsmodels.stats.proportion")
    low, high = proportion.confint_proportions_2indep(a, n_a, b, n_b, method="newcomb", compare="diff")
    made = c.unpaired_accuracy_interval(a, b, n_a, n_b)
    assert (made.estimate, made.low, made.high) == pytest.approx((a / n_a - b / n_b, low, high))
    assert -1 <= made.low <= made.high <= 1


def test_the_z_of_two_proportions_is_statsmodels() -> None:
    proportion = pytest.importorskip("statsmodels.stats.proportion")
    assert c.two_proportion_z(56, 48, 70, 80) == pytest.approx(proportion.proportions_ztest([56, 48], [70, 80])[0])


def test_the_interval_of_an_improvement_is_the_bootstraps_by_scipy() -> None:
    a, b = [0.5, 0.6, 0.62, 0.7, 0.74], [0.48, 0.55, 0.61, 0.63, 0.69, 0.72]

    def won(x: np.ndarray, y: np.ndarray, axis: int = -1) -> np.ndarray:
        return (x[..., :, None] > y[..., None, :]).mean(axis=(-2, -1))

    theirs = stats.bootstrap(
        (a, b), won, method="percentile", n_resamples=20_000, rng=np.random.default_rng(1), vectorized=True
    )
    ours = c.probability_of_improvement_interval(a, b, resamples=20_000)
    interval = theirs.confidence_interval
    assert (ours.low, ours.high) == pytest.approx((interval.low, interval.high), abs=0.03)
    narrow = c.probability_of_improvement_interval(a, b, level=0.5)
    assert ours.low < narrow.low < narrow.estimate < narrow.high < ours.high
    assert narrow.level == 0.5


def test_ties_count_half_in_each_resample_of_its_own() -> None:
    """Whole numbers with many ties: the Mann-Whitney U of every resample, by scipy."""
    a, b = [1.0, 2.0, 2.0, 4.0], [2.0, 2.0, 3.0]
    rng = np.random.default_rng(0)
    first, second = (np.array(x)[rng.integers(len(x), size=(300, len(x)))] for x in (a, b))
    u = [stats.mannwhitneyu(x, y).statistic / 12 for x, y in zip(first, second, strict=True)]
    made = c.probability_of_improvement_interval(a, b, resamples=300)
    assert (made.low, made.high) == pytest.approx(tuple(np.quantile(u, [0.025, 0.975])))


def test_equal_runs_have_an_interval_that_is_even_around_one_half() -> None:
    made = c.probability_of_improvement_interval([0.1, 0.2, 0.3], [0.3, 0.2, 0.1])
    assert made.estimate == 0.5
    assert made.low == pytest.approx(1 - made.high)
    assert made.low < 0.5


def test_discordant_counts_that_contradict_each_other_are_refused() -> None:
    assert c.discordant_of_two_classes([0, 1, 1], [1, 0, 1], 2, 2) == (1, 1)
    assert c.discordant_of_two_classes([0, 1, 1], [1, 0, 1], 3, 1) == (2, 0)
    assert c.discordant_of_two_classes([0, 1, 1], [1, 0, 1], 1, 3) == (0, 2)
    with pytest.raises(ValueError, match="can't both be right"):
        c.discordant_of_two_classes([0, 1, 1], [1, 0, 1], 2, 1)
    with pytest.raises(ValueError, match="can't both be right"):
        c.discordant_of_two_classes([0, 1, 1], [1, 0, 1], 3, 0)


def test_discordant_examples_by_hand() -> None:
    assert c.discordant([0, 1, 1, 0], [0, 0, 0, 1], [0, 1, 1, 1]) == (2, 1)
