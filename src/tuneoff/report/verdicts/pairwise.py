"""The verdict on a pair of searches: which is better, by how much, on what evidence, as numbers and as a sentence.

The rule is the same for every pair. Searches are compared on the test score of their incumbents, repeat by repeat, at
equal cost (with the untuned default: at full cost, see questions). One is *better* only where the paired signed-rank
test, corrected by Holm for all pairs of its question, is below .05 and the interval of the mean difference excludes 0.
Everything else is *not separable*, with the repeats it would take to see one point. One run each never separates two
searches, whatever their scores.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tuneoff.price import format_dollars
from tuneoff.report import wording
from tuneoff.report.curves import EQUAL_COST
from tuneoff.report.statistics.comparison import holm, wilcoxon
from tuneoff.report.statistics.power import fewest_for_wilcoxon, pairs_needed
from tuneoff.report.statistics.summary import Interval, mean_interval, sd

ALPHA = 0.05
WORTHWHILE = 0.01
"""The difference that repeats are planned for: one point."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two searches' test scores, paired by repeat. scores: shape (n,) each, in the metric's own unit.

    cost_ratio: first's charge over second's, before any cut. more_dollars: first's mean price minus second's where each is
    taken at its full cost, None where the dearer one was cut off. budget: in epochs, where both had the same, or "". note:
    what was left out, as a clause, or "".
    """

    first: str
    second: str
    first_scores: tuple[float, ...]
    second_scores: tuple[float, ...]
    cost_ratio: float = 1.0
    more_dollars: float | None = None
    budget: str = ""
    note: str = ""

    @property
    def differences(self) -> list[float]:
        return [a - b for a, b in zip(self.first_scores, self.second_scores, strict=True)]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """`first` is the one with the higher mean. better: its name where that holds, else None."""

    first: str
    second: str
    better: str | None
    difference: Interval
    """first - second, mean over repeats; the interval is Student's, within the metric's range."""
    means: tuple[float, float]
    """Mean test scores of first and second over the paired repeats."""
    p: float
    """Holm-adjusted; 1 where there is no test."""
    p_alone: float
    """As if this pair were the only one."""
    repeats: int
    more_repeats: int | None
    """Further repeats that would show a difference of WORTHWHILE, 0 where none is missing, None where the spread is unknown."""
    cost_ratio: float
    """first's charge over second's."""
    more_dollars: float | None
    """first's price minus second's where both are at full cost."""
    budget: str
    note: str
    sentence: str


def judge(pairs: Sequence[Pair], metric: str, least_p: float = 0.0) -> list[Verdict]:
    """One verdict a pair, in the order given; all pairs are one family. Names and the order of anything have no say in it.

    least_p: of a test that has to come before; no pair's p is below it.
    """
    oriented = [_oriented(pair) for pair in pairs]
    alone = [wilcoxon(p.differences) if p.differences else 1.0 for p in oriented]
    tested = [max(p, least_p) for p in holm(alone)]
    return [_verdict(pair, p, one, len(pairs), metric) for pair, p, one in zip(oriented, tested, alone, strict=True)]


def _oriented(pair: Pair) -> Pair:
    """The higher mean first; exact ties by name, where only the wording depends on it."""
    total = sum(sorted(pair.differences))
    if total > 1e-12 or (abs(total) <= 1e-12 and pair.first <= pair.second):
        return pair
    return replace(
        pair,
        first=pair.second,
        second=pair.first,
        first_scores=pair.second_scores,
        second_scores=pair.first_scores,
        cost_ratio=1 / pair.cost_ratio,
        more_dollars=None if pair.more_dollars is None else -pair.more_dollars,
    )


def _verdict(pair: Pair, p: float, p_alone: float, comparisons: int, metric: str) -> Verdict:
    n, nan = len(pair.differences), float("nan")
    interval = mean_interval(sorted(pair.differences)) if n else Interval(estimate=nan, low=nan, high=nan)
    interval = interval.within(*wording.difference_range(metric))
    better = pair.first if p < ALPHA and interval.low > 0 else None
    made = Verdict(
        first=pair.first,
        second=pair.second,
        better=better,
        difference=interval,
        means=(_mean(pair.first_scores), _mean(pair.second_scores)),
        p=p,
        p_alone=p_alone,
        repeats=n,
        more_repeats=_more(pair.differences, comparisons),
        cost_ratio=pair.cost_ratio,
        more_dollars=pair.more_dollars,
        budget=pair.budget,
        note=pair.note,
        sentence="",
    )
    return replace(made, sentence=sentence(made, comparisons, metric))


def _mean(scores: Sequence[float]) -> float:
    return math.fsum(scores) / len(scores) if scores else math.nan


def _more(differences: Sequence[float], comparisons: int) -> int | None:
    n = len(differences)
    if n < 2:
        return None
    return max(0, max(pairs_needed(sd(sorted(differences)), WORTHWHILE), fewest_for_wilcoxon(comparisons)) - n)


def sentence(verdict: Verdict, comparisons: int, metric: str) -> str:
    v, clauses = verdict, filter(None, [_cost_clause(verdict), verdict.note])
    tail = "".join(f" {clause[0].upper()}{clause[1:]}." for clause in clauses)
    if v.repeats == 0:
        return f"{v.first} and {v.second} can't be compared: no repeat has a test score for both.{tail}"
    if v.better:
        return (
            f"{v.better} is better than {v.second} by {difference(v.difference, metric)}, "
            f"{wording.counted(v.repeats, 'paired repeat')}, p = {v.p:.2g}.{tail}"
        )
    gap = difference(v.difference, metric)
    if v.repeats < fewest_for_wilcoxon(comparisons):
        gap = f"{plain_gap(v, metric)}, {gap}"
    if v.repeats == 1:
        return (
            f"{v.first} and {v.second} are not separable: one run each says nothing about run-to-run luck "
            f"(difference {gap}).{tail}"
        )
    return (
        f"{v.first} and {v.second} are not separable: difference {gap}, "
        f"{wording.counted(v.repeats, 'paired repeat')}; {_outlook(v, comparisons, metric)}.{tail}"
    )


def plain_gap(verdict: Verdict, metric: str) -> str:
    """ "71.2 % against 65.0 %"."""
    first, second = (wording.score([mean], metric) for mean in verdict.means)
    return f"{first} against {second}"


def difference(interval: Interval, metric: str) -> str:
    """ "1.8 points [0.6, 3.1]"; without an interval, where there is none."""
    points = wording.is_share(metric)
    form, factor = (".1f" if points else ".3f"), wording.scale_of(metric)
    middle = f"{interval.estimate * factor + 0.0:{form}}" + (" points" if points else "")
    if interval.low != interval.low:
        return middle
    return middle + f" [{interval.low * factor:{form}}, {interval.high * factor:{form}}]"


def _outlook(v: Verdict, comparisons: int, metric: str) -> str:
    """The number of repeats that are missing; where the interval alone would have decided, why it did not."""
    point = "1 point" if wording.is_share(metric) else f"{WORTHWHILE:g}"
    fewest = fewest_for_wilcoxon(comparisons)
    family = f" among {comparisons} pairs" if comparisons > 1 else ""
    if v.difference.excludes(0) and v.repeats < fewest:
        return (
            f"a paired signed-rank test{family} needs at least {fewest} repeats, so "
            f"{fewest - v.repeats} more {_are(fewest - v.repeats)} the least that could settle it"
        )
    corrected = f"p = {v.p:.2g} after Holm's correction{family}, and " if v.difference.excludes(0) else ""
    if v.more_repeats:
        be = "repeat would be needed" if v.more_repeats == 1 else "repeats would be needed"
        return f"{corrected}{v.more_repeats} more {be} to see {point}"
    if max(abs(v.difference.low), abs(v.difference.high)) < WORTHWHILE:
        return f"{corrected}they differ by less than {point}"
    return f"{corrected}the repeats suffice to see a difference of {point} four times in five"


def _are(n: int) -> str:
    return "is" if n == 1 else "are"


def _cost_clause(v: Verdict) -> str:
    if v.more_dollars is not None:
        dear, cheap = (v.first, v.second) if v.more_dollars > 0 else (v.second, v.first)
        return f"each at its full cost: {dear} takes ${format_dollars(abs(v.more_dollars))} a search more than {cheap}"
    ratio = max(v.cost_ratio, 1 / v.cost_ratio)
    if ratio <= EQUAL_COST:
        return ""
    dear, cheap = (v.first, v.second) if v.cost_ratio > 1 else (v.second, v.first)
    if v.budget:
        return f"compared at equal budget, {v.budget}: {dear} was charged {ratio:.1f} times what {cheap} was"
    return f"compared at equal cost: {dear}, charged {ratio:.1f} times what {cheap} was, is cut off at {cheap}'s cost"
