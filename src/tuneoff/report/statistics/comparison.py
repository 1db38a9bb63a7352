"""Is A better than B? Two searches over repeats, or two single models on one test set."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from tuneoff.report.statistics.distributions import fair_coin_tail, mid_ranks, normal_quantile
from tuneoff.report.statistics.summary import Floats, Interval, as_scores


def probability_of_improvement(a: ArrayLike, b: ArrayLike) -> float:
    """P(a run of A beats a run of B), ties half: the Mann-Whitney U of A over n_A n_B. a: shape (n_A,); b: (n_B,)."""
    return float(_improvement(as_scores(a)[None, :], as_scores(b)[None, :])[0])


def probability_of_improvement_interval(
    a: ArrayLike, b: ArrayLike, seed: int = 0, level: float = 0.95, resamples: int = 5000
) -> Interval:
    """Percentile bootstrap over the runs of each. A claim that A is better needs `low` above 0.5.

    Exactly mirrored when A and B change places: the draws belong to the values, not to the places. That is why it
    takes a seed, not a generator whose state would depend on earlier calls.
    """
    first, second = np.sort(as_scores(a)), np.sort(as_scores(b))
    if tuple(first) > tuple(second):
        flipped = probability_of_improvement_interval(b, a, seed, level, resamples)
        return Interval(estimate=1 - flipped.estimate, low=1 - flipped.high, high=1 - flipped.low, level=level)
    rng = np.random.default_rng(seed)
    drawn = [x[rng.integers(len(x), size=(resamples, len(x)))] for x in (first, second)]
    tail = (1 - level) / 2
    low, high = np.quantile(_improvement(*drawn), [tail, 1 - tail])
    if tuple(first) == tuple(second):
        low, high = (low + 1 - high) / 2, (high + 1 - low) / 2
    return Interval(estimate=probability_of_improvement(first, second), low=float(low), high=float(high), level=level)


def _improvement(a: Floats, b: Floats) -> Floats:
    """a: shape (m, n_A), b: shape (m, n_B) -> shape (m,)."""
    wins = (a[:, :, None] > b[:, None, :]).mean(axis=(1, 2))
    ties = (a[:, :, None] == b[:, None, :]).mean(axis=(1, 2))
    return np.asarray(wins + ties / 2, dtype=np.float64)


def wilcoxon(differences: ArrayLike, decimals: int = 12) -> float:
    """Two-sided p of Wilcoxon's signed-rank test, exact with ties too; zeros are dropped (Wilcoxon 1945).

    differences: shape (n,), paired. Ranks are doubled so that mid-ranks are whole, and the null distribution of their
    signed sum is counted out. Below 6 non-zero differences p can't go under .05. Differences are rounded to
    `decimals` so that equal ones tie in spite of floating point.
    """
    given = np.round(as_scores(differences), decimals)
    given = given[given != 0]
    if len(given) == 0:
        return 1.0
    ranks = np.round(2 * mid_ranks(np.abs(given))).astype(int)
    ways = np.ones(1)
    for rank in ranks:
        grown = np.zeros(len(ways) + rank)
        grown[: len(ways)] += ways / 2
        grown[rank:] += ways / 2
        ways = grown
    positive = int(ranks[given > 0].sum())
    extreme = min(positive, int(ranks.sum()) - positive)
    return float(min(1.0, 2 * ways[: extreme + 1].sum()))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's (1979) adjusted p-values, in the order given: reject where below alpha, and the family keeps to alpha."""
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, i in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = highest
    return adjusted


def mcnemar(only_a: int, only_b: int) -> float:
    """Two-sided p of McNemar's exact test: of the examples that one model alone got right, how many fell to each."""
    return min(1.0, 2 * fair_coin_tail(min(only_a, only_b), only_a + only_b)) if only_a + only_b else 1.0


def discordant(a: ArrayLike, b: ArrayLike, labels: ArrayLike) -> tuple[int, int]:
    """Examples that A alone, and that B alone, got right. All of shape (n,): predicted classes and true ones."""
    right_a, right_b = np.asarray(a) == np.asarray(labels), np.asarray(b) == np.asarray(labels)
    return int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum())


def discordant_of_two_classes(a: ArrayLike, b: ArrayLike, correct_a: int, correct_b: int) -> tuple[int, int]:
    """`discordant` without the labels: with two classes, of two different predictions exactly one is right.

    a, b: shape (n,). Raises ValueError where the counts of correct ones contradict the predictions.
    """
    differing = int((np.asarray(a) != np.asarray(b)).sum())
    excess = correct_a - correct_b
    if abs(excess) > differing or (differing + excess) % 2:
        raise ValueError(f"{differing} predictions differ, so {correct_a} and {correct_b} can't both be right counts")
    return (differing + excess) // 2, (differing - excess) // 2


def paired_accuracy_interval(only_a: int, only_b: int, n: int, level: float = 0.95) -> Interval:
    """Accuracy of A minus that of B on the same n examples: Wald's interval for paired proportions."""
    difference = (only_a - only_b) / n
    se = np.sqrt(only_a + only_b - (only_a - only_b) ** 2 / n) / n
    half = normal_quantile((1 + level) / 2) * float(se)
    return Interval(estimate=difference, low=difference - half, high=difference + half, level=level)


def unpaired_accuracy_interval(correct_a: int, correct_b: int, n_a: int, n_b: int, level: float = 0.95) -> Interval:
    """Accuracy of A minus that of B: Newcombe's (1998) method 10, from Wilson's interval of each."""
    p_a, p_b = correct_a / n_a, correct_b / n_b
    low_a, high_a = _wilson(p_a, n_a, level)
    low_b, high_b = _wilson(p_b, n_b, level)
    below = float(np.hypot(p_a - low_a, high_b - p_b))
    above = float(np.hypot(high_a - p_a, p_b - low_b))
    return Interval(estimate=p_a - p_b, low=p_a - p_b - below, high=p_a - p_b + above, level=level)


def two_proportion_z(correct_a: int, correct_b: int, n_a: int, n_b: int) -> float:
    """The z of two independent accuracies, with the pooled proportion under the null."""
    pooled = (correct_a + correct_b) / (n_a + n_b)
    se = np.sqrt(pooled * (1 - pooled) * (1 / n_a + 1 / n_b))
    return float((correct_a / n_a - correct_b / n_b) / se) if se > 0 else 0.0


def _wilson(p: float, n: int, level: float) -> tuple[float, float]:
    z = normal_quantile((1 + level) / 2)
    middle, spread = p + z * z / (2 * n), z * float(np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)))
    return (middle - spread) / (1 + z * z / n), (middle + spread) / (1 + z * z / n)
