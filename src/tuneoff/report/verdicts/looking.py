"""One look at a study that goes on until decided: who is out, and which pairs are still open.

A study is judged after numbers of repeats that are fixed beforehand, each time at an equal share of the level (Rule.looks), so
that looking again does not make a false verdict more probable than 5 % over all looks together (Bonferroni's bound, whatever
the looks have in common). A look sees the repeats before it and nothing else, so the same records give the same looks again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tuneoff.report.curves import Searches
from tuneoff.report.verdicts.pairing import all_verdicts
from tuneoff.report.verdicts.pairwise import Rule, Verdict
from tuneoff.report.verdicts.recommendation import worse_by_margin


@dataclass(frozen=True, kw_only=True)
class Look:
    """After `repeats` of each of `searches`. dropped: those shown to be worse than the best by more than the margin. open:
    pairs of the others that are neither better, equivalent nor one search."""

    repeats: int
    searches: tuple[str, ...]
    dropped: tuple[str, ...]
    open: tuple[Verdict, ...]

    @property
    def left(self) -> tuple[str, ...]:
        return tuple(name for name in self.searches if name not in self.dropped)

    @property
    def decided(self) -> bool:
        return not self.open


def look(searches: Searches, names: Sequence[str], repeats: int, metric: str, rule: Rule) -> Look:
    """names: of the searches that are still in."""
    seen = until(searches, names, repeats)
    scores = seen.scores()
    out: set[str] = set()
    if len(scores) >= rule.fewest():
        best = str(scores.mean().idxmax())
        out = worse_by_margin(seen, seen.names, best, metric, rule)
    left = [name for name in seen.names if name not in out]
    pairs = all_verdicts(until(searches, left, repeats), metric, rule=rule)
    undecided = [v for v in pairs if v.better is None and not v.equivalent and not (v.repeats and v.same == v.repeats)]
    return Look(
        repeats=repeats, searches=tuple(names), dropped=tuple(name for name in names if name in out), open=tuple(undecided)
    )


def until(searches: Searches, names: Sequence[str], repeats: int) -> Searches:
    """These searches alone, and their repeats below this number."""
    return replace(
        searches,
        cells=searches.cells[searches.cells["algorithm"].isin(names) & (searches.cells["repeat"] < repeats)],
        runs={
            name: {k: run for k, run in runs.items() if k < repeats} for name, runs in searches.runs.items() if name in names
        },
    )
