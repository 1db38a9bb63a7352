"""The third table: studies that are judged several times, as until=decided does."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tuneoff.report.verdicts.pairwise import Rule
from verdict_checks.studies import GAP, TRUTHS, Truth, algorithms, expected, scores, verdicts


def measure_looks(studies: int, count: int, truth: Truth, looks: Sequence[int], rule: Rule) -> tuple[float, float]:
    """Shares of studies that have a false verdict at any of the looks: one is called better than its equal, or two are called
    equivalent that are apart by the margin or more."""
    rng = np.random.default_rng([studies, count, len(looks), *(round(1e4 * t) for t in truth)])
    true, better, equivalent = dict(zip(algorithms(count), expected(count, truth), strict=True)), 0, 0
    for _ in range(studies):
        table = scores(rng, count, truth, looks[-1], False)
        told = [(v, abs(true[v.first] - true[v.second])) for n in looks for v in verdicts(table[:, :n], rule)]
        better += any(v.better is not None and gap < 1e-9 for v, gap in told)
        equivalent += any(v.equivalent and gap > rule.margin - 1e-9 for v, gap in told)
    return better / studies, equivalent / studies


def print_looks(studies: int, count: int, looks: Sequence[int]) -> None:
    print(
        f"| truth | looks | level of a look | false verdict in a study | called equivalent though {100 * GAP:g} points "
        "apart, at a margin of as many |"
    )
    print("|---|---|---|---|---|")
    for name, truth in TRUTHS.items():
        for planned in (1, len(looks)):
            rule = Rule(margin=GAP, looks=planned)
            better, equivalent = measure_looks(studies, count, truth, looks, rule)
            apart = f"{100 * equivalent:.1f} %" if truth[1] else "–"
            print(f"| {name} | {', '.join(map(str, looks))} | {rule.alpha:.3g} | {100 * better:.1f} % | {apart} |", flush=True)
