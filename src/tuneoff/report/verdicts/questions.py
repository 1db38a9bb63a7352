"""The questions that a study answers: is tuning worth it, which search, what did the defects of 2020 cost.

A pair answers one of them. *Is tuning worth it?* sets each search, at its full cost, against the untuned default: at the
cost of the default's one trial a search has hardly begun. *Which search?* sets searches against each other at equal cost.
*What did the defects of 2020 cost?* is a pair of an algorithm and its replica as published.

Holm's correction runs over the pairs with the default, and over all others. So that a study without any difference still has
a false verdict in at most one case of twenty over both together, Friedman's test of all algorithms has to come before, as
Demšar (2006) asks: no p is below its. It is taken over the repeats that all have; where those are too few, all pairs are
one family.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from tuneoff.report import wording
from tuneoff.report.algorithms import Algorithms
from tuneoff.report.statistics.power import fewest_for_wilcoxon
from tuneoff.report.statistics.ranks import friedman
from tuneoff.report.verdicts.pairwise import RULE, Pair, Rule, Verdict, difference, judge

TUNING, SEARCH, DEFECT = "tuning", "search", "defect"
HEADINGS: Mapping[str, str] = {
    TUNING: "Is tuning worth it?",
    DEFECT: "What did the defects of 2020 cost?",
    SEARCH: "Which search?",
}
"""In the order of the page."""


def question(first: str, second: str, algorithms: Algorithms) -> str:
    """The question that a comparison of these two answers, by their roles; which of them is first does not matter."""
    if algorithms.is_untuned(first) or algorithms.is_untuned(second):
        return TUNING
    return SEARCH if algorithms.replica_pair(first, second) is None else DEFECT


def judge_by_question(
    pairs: Sequence[Pair], metric: str, scores: pd.DataFrame, algorithms: Algorithms, rule: Rule = RULE
) -> list[Verdict]:
    """One verdict a pair, in the order given. scores: a row a repeat that all algorithms have, a column an algorithm."""
    tuning = [question(p.first, p.second, algorithms) == TUNING for p in pairs]
    if len(set(tuning)) < 2 or scores.shape[1] < 3 or len(scores) < fewest_for_wilcoxon():
        return judge(pairs, metric, rule=rule)
    least = friedman(scores.to_numpy())
    made: dict[int, Verdict] = {}
    for family in (True, False):
        places = [i for i, own in enumerate(tuning) if own == family]
        made |= zip(places, judge([pairs[i] for i in places], metric, least, rule), strict=True)
    return [made[i] for i in range(len(pairs))]


def defect_sentence(verdict: Verdict, metric: str, algorithms: Algorithms) -> str:
    """The loss as one signed number, whichever of the two had the higher mean. verdict: on an algorithm and its replica."""
    pair = algorithms.replica_pair(verdict.first, verdict.second)
    assert pair is not None, "the verdict answers another question"
    original, replica = pair
    loss = verdict.difference if verdict.first == original else -verdict.difference
    said = {original: "shown to be a loss", replica: "shown to be a gain", None: "neither loss nor gain is shown"}
    if not verdict.repeats:
        return f"Cost of the defects of 2020: unknown, no repeat has a test score for both {original} and {replica}."
    tests = f", signed-rank p = {verdict.p_alone:.2g} by itself, {verdict.p:.2g} corrected for all pairs of searches"
    alone = tests if verdict.repeats > 1 else ""
    return (
        f"Cost of the defects of 2020 ({original} minus {replica}, on test, at equal cost): {difference(loss, metric)}, "
        f"{wording.counted(verdict.repeats, 'paired repeat')}{alone}; {said[verdict.better]}."
    )
