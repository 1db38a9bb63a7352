"""The verdict on a pair of searches: which is better, by how much, on what evidence, as numbers and as a sentence.

The rule is the same for every pair. Searches are compared on the test score of their incumbents, repeat by repeat, at
equal cost (with the untuned default: at full cost, see questions). One is *better* only where the paired signed-rank
test, corrected by Holm for all pairs of its question, is below .05 and the 95 % interval of the mean difference excludes 0.
Two are *equivalent* where the repeats would allow a test and that interval lies within the margin (two one-sided tests at
2.5 % each, Schuirmann 1987). Everything else is *undecided*, with the repeats that are missing. The interval is for repeats and
test rows both, where the rows' predictions are recorded (statistics.crossed). One run each never decides, whatever the scores.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tuneoff.price import format_dollars
from tuneoff.report import wording
from tuneoff.report.curves import EQUAL_COST
from tuneoff.report.statistics.comparison import holm, wilcoxon
from tuneoff.report.statistics.crossed import RowSquares, crossed_interval, row_variance
from tuneoff.report.statistics.power import fewest_for_wilcoxon, pairs_needed, rows_needed
from tuneoff.report.statistics.summary import Interval, sd
from tuneoff.report.wording import size
from tuneoff.task.units import KNOWN_MARGIN

ALPHA = 0.05
MARGIN = KNOWN_MARGIN
"""Differences below it don't matter, unless the reader says otherwise: one point."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """margin: differences below it don't matter, in the metric's own unit, above 0. assumed: nobody has said so, and nothing is
    known of the metric's scale. looks: how often the study is judged before it ends, each time at an equal share of ALPHA, so
    that all looks together keep to it (Bonferroni)."""

    margin: float = MARGIN
    looks: int = 1
    assumed: bool = False

    @property
    def alpha(self) -> float:
        return ALPHA / self.looks

    def fewest(self, comparisons: int = 1) -> int:
        """The fewest paired repeats with which the signed-rank test can show anything."""
        return fewest_for_wilcoxon(comparisons, self.alpha)


RULE = Rule()
ROW_METRIC = "accuracy"
"""The metric that is a mean over test rows, so that their chance is known from the predictions."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two searches' test scores, paired by repeat. scores: shape (n,) each, in the metric's own unit.

    cost_ratio: first's charge over second's, before any cut. more_dollars: first's mean price minus second's where each is
    taken at its full cost, None where the dearer one was cut off. budget: in epochs, where both had the same, or "". note:
    what was left out, as a clause, or "". squares: of the test rows' outcomes, None where they are not known. same: repeats in
    which both have the same winner, one training run made twice.
    """

    first: str
    second: str
    first_scores: tuple[float, ...]
    second_scores: tuple[float, ...]
    cost_ratio: float = 1.0
    more_dollars: float | None = None
    budget: str = ""
    note: str = ""
    squares: RowSquares | None = None
    same: int = 0

    @property
    def differences(self) -> list[float]:
        return [a - b for a, b in zip(self.first_scores, self.second_scores, strict=True)]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """`first` is the one with the higher mean. better: its name where that holds, else None. equivalent: within the margin."""

    first: str
    second: str
    better: str | None
    equivalent: bool
    difference: Interval
    """first - second, mean over repeats; the interval is statistics.crossed's, within the metric's range."""
    means: tuple[float, float]
    """Mean test scores of first and second over the paired repeats."""
    p: float
    """Holm-adjusted; 1 where there is no test."""
    p_alone: float
    """As if this pair were the only one."""
    repeats: int
    more_repeats: int | None
    """Further repeats that would show a difference of the margin, 0 where none is missing, None where no number of them would
    (see more_rows) or the spread is unknown."""
    more_rows: int | None
    """Test rows that it takes in all, where those there are can't show a difference of the margin in any number of repeats."""
    same: int
    """Repeats in which the winner of both is one training run made twice."""
    apart: int
    """Repeats in which first has the higher score."""
    rows_counted: bool
    """Whether the interval allows for the chance of the test rows."""
    cost_ratio: float
    """first's charge over second's."""
    more_dollars: float | None
    """first's price minus second's where both are at full cost."""
    budget: str
    note: str
    sentence: str


def judge(pairs: Sequence[Pair], metric: str, least_p: float = 0.0, rule: Rule = RULE) -> list[Verdict]:
    """One verdict a pair, in the order given; all pairs are one family. Names and the order of anything have no say in it.

    least_p: of a test that has to come before; no pair's p is below it.
    """
    oriented = [_oriented(pair) for pair in pairs]
    alone = [wilcoxon(p.differences) if p.differences else 1.0 for p in oriented]
    tested = [max(p, least_p) for p in holm(alone)]
    family = _Family(size=len(pairs), metric=metric, rule=rule)
    return [_verdict(pair, p, one, family) for pair, p, one in zip(oriented, tested, alone, strict=True)]


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


@dataclass(frozen=True, kw_only=True)
class _Family:
    """What the pairs that are judged together share: their number, metric and rule."""

    size: int
    metric: str
    rule: Rule

    @property
    def fewest(self) -> int:
        return self.rule.fewest(self.size)


def _verdict(pair: Pair, p: float, p_alone: float, family: _Family) -> Verdict:
    metric, rule = family.metric, family.rule
    n, nan = len(pair.differences), float("nan")
    squares = pair.squares if metric == ROW_METRIC else None
    level = 1 - rule.alpha
    interval = crossed_interval(sorted(pair.differences), squares, level) if n else Interval(estimate=nan, low=nan, high=nan)
    interval = interval.within(*wording.difference_range(metric))
    better = pair.first if p < rule.alpha and interval.low > 0 else None
    within = -rule.margin < interval.low and interval.high < rule.margin
    more, rows = _missing(pair.differences, squares, family)
    made = Verdict(
        first=pair.first,
        second=pair.second,
        better=better,
        equivalent=within and n >= rule.fewest(),
        difference=interval,
        means=(_mean(pair.first_scores), _mean(pair.second_scores)),
        p=p,
        p_alone=p_alone,
        repeats=n,
        more_repeats=more,
        more_rows=rows,
        same=pair.same,
        apart=sum(d > 0 for d in pair.differences),
        rows_counted=squares is not None,
        cost_ratio=pair.cost_ratio,
        more_dollars=pair.more_dollars,
        budget=pair.budget,
        note=pair.note,
        sentence="",
    )
    return replace(made, sentence=_sentence(made, family))


def _mean(scores: Sequence[float]) -> float:
    return math.fsum(scores) / len(scores) if scores else math.nan


def _missing(differences: Sequence[float], squares: RowSquares | None, family: _Family) -> tuple[int | None, int | None]:
    """(further repeats, None) that show a difference of the margin; (None, rows in all) where no number of repeats can."""
    n = len(differences)
    if n < 2:
        return None, None
    ordered = sorted(differences)
    of_rows = row_variance(ordered, squares) if squares is not None else 0.0
    margin, alpha = family.rule.margin, family.rule.alpha
    needed = pairs_needed(sd(ordered), margin, floor=of_rows, alpha=alpha)
    if needed is None and squares is not None:
        return None, rows_needed(squares.rows, of_rows, margin, alpha=alpha)
    return max(0, max(needed or 0, family.fewest) - n), None


def _sentence(verdict: Verdict, family: _Family) -> str:
    """Opens with the cost at which they are compared, where the scores are not those of the whole searches."""
    return _cut_clause(verdict) + _comparison(verdict, family)


def _comparison(verdict: Verdict, family: _Family) -> str:
    metric, margin = family.metric, family.rule.margin
    v, clauses = verdict, filter(None, [_cost_clause(verdict), verdict.note])
    tail = "".join(f" {clause[0].upper()}{clause[1:]}." for clause in clauses)
    if v.repeats == 0:
        return f"{v.first} and {v.second} can't be compared: no repeat has a test score for both.{tail}"
    if v.same == v.repeats:
        return (
            f"{v.first} and {v.second} are one search here: the same training run wins in {_of_repeats(v.same, v.repeats)}, "
            f"with the same test score.{tail}"
        )
    gap, n = difference(v.difference, metric), wording.counted(v.repeats, "paired repeat")
    same = f" The same training run wins both in {_of_repeats(v.same, v.repeats)}." if v.same else ""
    if v.better:
        small = f"; that is within the margin of {size(margin, metric)}" if v.equivalent else ""
        return f"{v.better} is better than {v.second} by {gap}, {n}, p = {v.p:.2g}{small}.{same}{tail}"
    if v.equivalent:
        return f"{v.first} and {v.second} are equivalent within {size(margin, metric)}: difference {gap}, {n}.{same}{tail}"
    if v.repeats == 1:
        return (
            f"{v.first} and {v.second} are undecided: {plain_gap(v, metric)}, {gap}; one run each says nothing about "
            f"run-to-run luck, {family.fewest} are needed for a test.{tail}"
        )
    if v.repeats < family.fewest:
        gap = f"{plain_gap(v, metric)}, {gap}"
    return f"{v.first} and {v.second} are undecided: {gap}, {n}; {_outlook(v, family)}.{same}{tail}"


def _of_repeats(some: int, n: int) -> str:
    return f"{some} of {wording.counted(n, 'repeat')}"


def plain_gap(verdict: Verdict, metric: str) -> str:
    """ "71.2 % against 65.0 %"."""
    first, second = (wording.score([mean], metric) for mean in verdict.means)
    return f"{first} against {second}"


def difference(interval: Interval, metric: str) -> str:
    """ "1.8 points [0.6, 3.1]"; without an interval, where there is none."""
    values = (interval.estimate, interval.low, interval.high)
    middle, low, high = (wording.number(x, metric, digits=3, beside=values) for x in values)
    points = " points" if wording.is_share(metric) else ""
    return middle + points + ("" if interval.low != interval.low else f" [{low}, {high}]")


def _outlook(v: Verdict, family: _Family) -> str:
    """The number of repeats that are missing; where the interval alone would have decided, why it did not."""
    point, fewest = size(family.rule.margin, family.metric), family.fewest
    among = f" among {family.size} pairs" if family.size > 1 else ""
    if v.repeats < fewest and (v.difference.excludes(0) or v.apart == v.repeats):
        every = f"{v.first} is ahead in all {v.repeats} repeats; " if v.apart == v.repeats else ""
        return (
            f"{every}a paired signed-rank test{among} needs at least {fewest} repeats, so "
            f"{fewest - v.repeats} more {_are(fewest - v.repeats)} the least that could settle it"
        )
    corrected = f"p = {v.p:.2g} after Holm's correction{among}, and " if v.difference.excludes(0) else ""
    if v.more_rows:
        return f"{corrected}no number of repeats would show {point} on these test rows: about {v.more_rows:,} would be needed"
    if v.more_repeats:
        be = "repeat would be needed" if v.more_repeats == 1 else "repeats would be needed"
        return f"{corrected}{v.more_repeats} more {be} to see {point}"
    return f"{corrected}the repeats suffice to see a difference of {point} four times in five"


def _are(n: int) -> str:
    return "is" if n == 1 else "are"


def _cost_clause(v: Verdict) -> str:
    if v.more_dollars is not None:
        dear, cheap = (v.first, v.second) if v.more_dollars > 0 else (v.second, v.first)
        return f"each at its full cost: {dear} takes ${format_dollars(abs(v.more_dollars))} a search more than {cheap}"
    dear, cheap, ratio = _dearer(v)
    if not v.budget or ratio <= EQUAL_COST:
        return ""
    return f"compared at equal budget, {v.budget}: {dear} was charged {ratio:.1f} times what {cheap} was"


def _cut_clause(v: Verdict) -> str:
    """ "At grid's cost, where pbt, charged 1.5 times as much, is cut off: "."""
    dear, cheap, ratio = _dearer(v)
    if v.more_dollars is not None or v.budget or ratio <= EQUAL_COST:
        return ""
    return f"At {cheap}'s cost, where {dear}, charged {ratio:.1f} times as much, is cut off: "


def _dearer(v: Verdict) -> tuple[str, str, float]:
    """The dearer one, the cheaper one, and how many times as much the dearer one was charged."""
    dear, cheap = (v.first, v.second) if v.cost_ratio > 1 else (v.second, v.first)
    return dear, cheap, max(v.cost_ratio, 1 / v.cost_ratio)
