"""Statements about single runs: two tuned models on one test set, and the published table of three rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import pandas as pd

from tuneoff.report import wording
from tuneoff.report.curves import EQUAL_COST
from tuneoff.report.statistics import comparison
from tuneoff.report.verdicts.pairwise import ALPHA, difference


@dataclass(frozen=True, kw_only=True)
class SingleRun:
    """A row of a results table: one run, `correct` of the test examples right, at `cost` in any unit."""

    name: str
    correct: int
    cost: float


PUBLISHED = (
    SingleRun(name="grid", correct=91, cost=45),
    SingleRun(name="bayesopt", correct=93, cost=104),
    SingleRun(name="pbt", correct=98, cost=48),
)
"""Grid search, Bayesian optimisation with early stop, PBT on RTE, by GPU-minutes (Ray and Hugging Face 2020)."""
PUBLISHED_EXAMPLES = 139


def judge_single_runs(rows: Sequence[SingleRun] = PUBLISHED, n: int = PUBLISHED_EXAMPLES) -> list[str]:
    """The statements that a table of one run each supports: a sentence a pair, then the conclusion.

    Only the counts are known, so each pair gets the interval of two independent proportions, and how often the two
    models may disagree at most for McNemar's test to tell even these two *models* apart.
    """
    sentences = [_pair_sentence(a, b, n) for a, b in combinations(rows, 2)]
    if len(rows) < 2:
        return ["There is nothing to compare."]
    return [
        *sentences,
        "One run each: no search is shown to be better than another, as luck of seed and of selection is not measured at all.",
    ]


def _pair_sentence(a: SingleRun, b: SingleRun, n: int) -> str:
    high, low = sorted((a, b), key=lambda r: (-r.correct, r.name))
    excess = high.correct - low.correct
    interval = comparison.unpaired_accuracy_interval(high.correct, low.correct, n, n)
    z = comparison.two_proportion_z(high.correct, low.correct, n, n)
    text = (
        f"{high.name} and {low.name} are undecided: {high.correct} against {low.correct} of {n}, difference "
        f"{difference(interval, 'accuracy')}, z = {z:.2f}"
    )
    most = most_disagreements(excess)
    text += (
        f"; even as two fixed models they would differ (McNemar, p < {ALPHA:g}) only if they disagree on at most "
        f"{most} of the {n} examples."
        if most
        else f"; even as two fixed models no pattern of {excess} net examples would set them apart."
    )
    ratio = max(high.cost, low.cost) / min(high.cost, low.cost)
    if ratio > EQUAL_COST:
        dear, cheap = (high, low) if high.cost > low.cost else (low, high)
        text += f" Nor was the cost equal: {dear.name} spent {ratio:.1f} times what {cheap.name} did."
    return text


def most_disagreements(excess: int) -> int | None:
    """The most examples on which two models may disagree for a net `excess` to be significant; None if it never is."""
    only_b = 0
    while comparison.mcnemar(excess + only_b, only_b) < ALPHA:
        only_b += 1
    return excess + 2 * (only_b - 1) if only_b else None


def single_runs_sentence(name_a: str, a: pd.Series | None, name_b: str, b: pd.Series | None) -> str | None:
    """McNemar on two incumbents' recorded predictions: about these two models, not about the searches.

    a, b: rows of the evaluations frame, scored by accuracy. None where predictions are missing, of unequal number,
    or of more than two classes (without the labels, which examples were right is known for two classes only).
    """
    if a is None or b is None or not _comparable(a, b):
        return None
    n = int(a["n_test"])
    counts = comparison.discordant_of_two_classes(
        a["test_predictions"], b["test_predictions"], round(a["test"] * n), round(b["test"] * n)
    )
    if counts[0] < counts[1]:
        name_a, name_b, counts = name_b, name_a, (counts[1], counts[0])
    p = comparison.mcnemar(*counts)
    interval = comparison.paired_accuracy_interval(*counts, n)
    told = "can be told apart" if p < ALPHA else "can't be told apart"
    return (
        f"As two fixed models, the winners of {name_a} and {name_b} {told}: {counts[0]} against {counts[1]} of "
        f"{wording.counted(n, 'example')} right where the other is wrong, {difference(interval, 'accuracy')}, "
        f"McNemar p = {p:.2g}. That says nothing about the searches, which need repeats."
    )


def _comparable(a: pd.Series, b: pd.Series) -> bool:
    first, second = a["test_predictions"], b["test_predictions"]
    both = isinstance(first, tuple) and isinstance(second, tuple) and len(first) == len(second)
    return both and a["n_classes"] == b["n_classes"] == 2
