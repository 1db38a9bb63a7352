"""For each budget: the searches that may be best, those shown worse, those equivalent, and the real runs that would decide."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import norm

from tuneoff.replay.errors import LEVEL, Estimate, difference, mean_of
from tuneoff.replay.runner import Case
from tuneoff.replay.table import Table

BEST, EQUIVALENT, OPEN, WORSE = "predicted best", "equivalent", "open", "worse"
POWER = 0.8
MOST_PROPOSALS = 3
FEWEST_REPEATS = 6
"""Paired repeats below which no two-sided signed-rank test can reach .05."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A search at one budget. gap: its score minus that of the predicted best, which has none. dollars: of one search."""

    case: Case
    score: Estimate
    gap: Estimate | None
    status: str
    device_seconds: float
    dollars: float


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """Two searches whose order is open, and the paired repeats that would show it with a power of 80 %, or show that they
    differ by less than the margin. difference: the one that so many repeats can see."""

    first: Standing
    second: Standing
    repeats: int
    difference: float
    device_seconds: float
    dollars: float


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """standings: best first. replaced_repeats: real paired repeats of every search that would leave errors as small as these;
    replaced_device_seconds: what they would cost."""

    budget: str
    margin: float
    standings: tuple[Standing, ...]
    proposals: tuple[Proposal, ...]
    replaced_repeats: int | None
    replaced_device_seconds: float
    replaced_dollars: float

    def with_status(self, *statuses: str) -> tuple[Standing, ...]:
        return tuple(standing for standing in self.standings if standing.status in statuses)


def judge(table: Table, cases: Sequence[Case], margin: float, split_se: float = 0.0) -> Verdict:
    """cases: of one budget. margin: in units of the score. With k searches beside the best, each is compared at a level of
    1 - 0.05 / k (Bonferroni): the verdict as a whole keeps to 95 %."""
    samples = {id(case): case.sample() for case in cases}
    ranked = sorted(cases, key=lambda case: -samples[id(case)].value)
    best, level = ranked[0], 1 - (1 - LEVEL) / max(1, len(ranked) - 1)
    standings = []
    for case in ranked:
        gap = None if case is best else difference(samples[id(case)], samples[id(best)], table)
        seconds = case.mean("wall_seconds") * case.scenario.devices
        standings.append(
            Standing(
                case=case,
                score=mean_of(samples[id(case)], table, split_se),
                gap=gap,
                status=BEST if gap is None else status_of(gap, margin, level),
                device_seconds=seconds,
                dollars=case.scenario.price.dollars(seconds),
            )
        )
    repeats = _replaced(standings)
    total = sum(standing.device_seconds for standing in standings)
    return Verdict(
        budget=best.scenario.budget_text,
        margin=margin,
        standings=tuple(standings),
        proposals=tuple(_proposals(standings, margin)),
        replaced_repeats=repeats,
        replaced_device_seconds=(repeats or 0) * total,
        replaced_dollars=best.scenario.price.dollars((repeats or 0) * total),
    )


def status_of(gap: Estimate, margin: float, level: float = LEVEL) -> str:
    """Of a search whose score differs by `gap` from the best's. Equivalent goes before worse: a difference that is shown, but
    smaller than the margin, is not worth anything."""
    low, high = gap.interval(level)
    if -margin < low and high < margin:
        return EQUIVALENT
    return WORSE if high < 0 else OPEN


def _replaced(standings: Sequence[Standing]) -> int | None:
    """The median over the comparisons of the repeats n with repeat_sd / sqrt(n) equal to the predicted standard error."""
    found = sorted(
        (standing.gap.repeat_sd / standing.gap.se) ** 2 for standing in standings if standing.gap and standing.gap.se > 0
    )
    return math.ceil(found[len(found) // 2]) if found else None


def _proposals(standings: Sequence[Standing], margin: float) -> list[Proposal]:
    """Open searches against the best, the cheapest to decide first. A predicted difference below the margin is taken for the
    margin: to find out whether it matters."""
    best, made = standings[0], []
    for other in standings[1:]:
        if other.status != OPEN or other.gap is None:
            continue
        seen = max(abs(other.gap.value), margin)
        repeats = repeats_needed(other.gap.repeat_sd, seen)
        seconds = repeats * (best.device_seconds + other.device_seconds)
        dollars = repeats * (best.dollars + other.dollars)
        made.append(
            Proposal(first=best, second=other, repeats=repeats, difference=seen, device_seconds=seconds, dollars=dollars)
        )
    return sorted(made, key=lambda proposal: proposal.device_seconds)[:MOST_PROPOSALS]


def repeats_needed(sd_of_differences: float, difference_to_see: float) -> int:
    """Paired repeats for a power of 80 % at .05, two-sided, by the normal approximation; never fewer than a test needs."""
    z = float(norm.ppf((1 + LEVEL) / 2) + norm.ppf(POWER))
    return max(FEWEST_REPEATS, math.ceil((z * sd_of_differences / difference_to_see) ** 2 - 1e-9))
