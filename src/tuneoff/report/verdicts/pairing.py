"""Pairs of searches, repeat by repeat, at equal cost, and the verdicts on them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from tuneoff.report import wording
from tuneoff.report.curves import Result, Searches
from tuneoff.report.statistics.crossed import RowSquares, squares_of_difference
from tuneoff.report.verdicts.pairwise import RULE, Pair, Rule, Verdict
from tuneoff.report.verdicts.questions import TUNING, judge_by_question, question


def all_verdicts(searches: Searches, metric: str, budget_seconds: float | None = None, rule: Rule = RULE) -> list[Verdict]:
    """The verdict on each pair, by question; at a budget, where one is given (see pair_up)."""
    pairs = [pair_up(searches, a, b, budget_seconds) for a, b in combinations(searches.names, 2)]
    scores = searches.scores(budget_seconds or float("inf"))
    return judge_by_question(pairs, metric, scores, searches.algorithms, rule)


def pair_up(
    searches: Searches, first: str, second: str, budget_seconds: float | None = None, *, full_cost: bool = False
) -> Pair:
    """Repeat k of one with repeat k of the other, at the cost of the cheaper of the two, or at a budget's.

    Against the untuned default, without a budget, each is taken at its full cost; with full_cost in any pair. Where both
    searches had the same budget in epochs, cost is counted in epochs, which a busy machine does not change; else in charged
    device-seconds, as budget_seconds is. A search that ended before keeps its result."""
    a, b = searches.named(first), searches.named(second)
    full = full_cost or (budget_seconds is None and question(first, second, searches.algorithms) == TUNING)
    common = sorted(set(a) & set(b))
    limit = float("inf") if full else budget_seconds
    budget = searches.equal_budget((first, second)) if limit is None else ""
    both = [(a[repeat], b[repeat]) for repeat in common]
    results = [
        searches.at_equal_cost(runs, bool(budget)) if limit is None else [searches.result(r.cell, limit) for r in runs]
        for runs in both
    ]
    usable = [(x, y) for x, y in results if np.isfinite([x.score, y.score]).all()]
    charged, dollars = (
        [float(np.mean([getattr(x[k], what) for k in common or x])) for x in (a, b)] for what in ("charged_seconds", "dollars")
    )
    return Pair(
        first=first,
        second=second,
        first_scores=tuple(x.score for x, _ in usable),
        second_scores=tuple(y.score for _, y in usable),
        cost_ratio=charged[0] / charged[1] if min(charged) > 0 else 1.0,
        more_dollars=dollars[0] - dollars[1] if full else None,
        budget=budget,
        note=_left_out(len(set(a) ^ set(b)), len(results) - len(usable)),
        squares=_squares(usable),
        same=sum(x.same_model(y) for x, y in usable),
    )


def _squares(results: Sequence[tuple[Result, Result]]) -> RowSquares | None:
    """None where a result has no predictions of two classes, or not all are of the same number of rows."""
    predicted = [(x.predictions, y.predictions) for x, y in results]
    known = [(x, y) for x, y in predicted if x is not None and y is not None]
    if len(known) < len(predicted) or len({len(one) for pair in known for one in pair}) != 1:
        return None
    return squares_of_difference(np.stack([x for x, _ in known]), np.stack([y for _, y in known]))


def _left_out(without_partner: int, without_score: int) -> str:
    parts = []
    if without_partner:
        parts.append(f"{wording.counted(without_partner, 'repeat')} without a partner left out")
    if without_score:
        parts.append(f"{wording.counted(without_score, 'repeat')} without a test score at that cost left out")
    return "; ".join(parts)
