"""The best choice of a search by budget: the expected score of each by then, and its probability of being the best."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tuneoff.price import format_dollars
from tuneoff.report import wording
from tuneoff.report.curves import EQUAL_COST, Floats, Searches, steps_by_cell
from tuneoff.report.frames import Frames
from tuneoff.report.statistics.best import probability_best
from tuneoff.report.statistics.summary import mean_interval

BUDGETS = 24
SHARES = (0.25, 0.5, 1.0)
"""Of the largest budget: the ones that a table shows."""
NEIGHBOURS = 2
"""So many budgets on each side are averaged into a smoothed probability."""
CERTAIN, CHANCE = 0.95, 0.05
"""A search leads where it is the best with probability CERTAIN; below CHANCE it is out of the running."""
FEWEST_REPEATS = 3


@dataclass(frozen=True, kw_only=True)
class BestByBudget:
    """At each of m budgets, for k searches over the n repeats that all of them have. No look-ahead.

    budget: shape (m,), ascending. expected, low, high, best: shape (m, k): mean test score of the incumbent, Student's
    interval around it, probability of being the best. NaN where a search has no incumbent yet in some repeat, or ended
    before (more than EQUAL_COST): nothing is extrapolated. The untuned default ends with its one trial and keeps its score.
    """

    unit: str
    names: tuple[str, ...]
    repeats: int
    budget: Floats
    expected: Floats
    low: Floats
    high: Floats
    best: Floats

    @property
    def smoothed(self) -> Floats:
        """`best`, each the mean over its neighbours among the budgets at which the same searches have a score; shape (m, k)."""
        made = np.full(self.best.shape, np.nan)
        known = np.isfinite(self.best)
        for i in range(len(self.best)):
            near = [
                j
                for j in range(max(0, i - NEIGHBOURS), min(len(self.best), i + NEIGHBOURS + 1))
                if (known[j] == known[i]).all()
            ]
            made[i, known[i]] = self.best[near].mean(axis=0)[known[i]]
        return made

    def leader(self, i: int) -> str | None:
        """The search that leads at budget i, or None."""
        chances = self.smoothed[i]
        top = int(np.nanargmax(chances))
        return self.names[top] if chances[top] >= CERTAIN else None

    def running(self, i: int) -> list[str]:
        """The searches that may be the best at budget i, the most probable first."""
        chances = np.nan_to_num(self.smoothed[i])
        return [self.names[j] for j in np.argsort(-chances, kind="stable") if chances[j] >= CHANCE]

    def certain_from(self) -> int | None:
        """The budget from which on one and the same search leads up to the largest; None where none does there."""
        last = self.leader(len(self.budget) - 1)
        if last is None:
            return None
        i = len(self.budget) - 1
        while i > 0 and self.leader(i - 1) == last:
            i -= 1
        return i

    def shown(self) -> list[int]:
        """The budgets that a table shows: a quarter, half and all of the largest, and where the leader becomes certain."""
        places = [int(np.abs(self.budget - share * self.budget[-1]).argmin()) for share in SHARES]
        start = self.certain_from()
        return sorted({*places, *([] if start is None else [start])})


def best_by_budget(frames: Frames, unit: str, metric: str) -> BestByBudget | None:
    """None with fewer than two searches or FEWEST_REPEATS common repeats, or where no two have a score before the last budget.

    frames: of one block. Raises KeyError where `unit` is not one of UNITS.
    """
    searches = Searches.of(frames)
    names, common = searches.names, searches.common(searches.names)
    if len(names) < 2 or len(common) < FEWEST_REPEATS:
        return None
    steps = steps_by_cell(frames.finished(), "test", unit)
    runs = [[steps[searches.runs[name][repeat].cell] for name in names] for repeat in common]
    ends = [min(row[j].end for row in runs) for j in range(len(names))]
    starts = sorted(max(row[j].cost[0] if len(row[j].cost) else np.inf for row in runs) for j in range(len(names)))
    kept = np.array([np.inf if searches.algorithms.is_untuned(name) else end for name, end in zip(names, ends, strict=True)])
    last = sorted(kept)[-2]
    if not starts[1] < last < np.inf:
        return None
    budget = np.unique([*np.geomspace(starts[1], last, BUDGETS), *(x * last for x in SHARES if starts[1] < x * last)])
    scores = np.array([[steps.at(budget) for steps in row] for row in runs]).transpose(2, 0, 1)
    known = np.isfinite(scores).all(axis=1) & (budget[:, None] <= EQUAL_COST * kept)
    usable = known.sum(axis=1) >= 2
    if not usable.any():
        return None
    budget, scores, known = budget[usable], scores[usable], known[usable]
    best, expected, low, high = (np.full(known.shape, np.nan) for _ in range(4))
    for i, columns in enumerate(known):
        best[i, columns] = probability_best(scores[i][:, columns])
        for j in np.flatnonzero(columns):
            found = mean_interval(scores[i][:, j]).within(*wording.metric_range(metric))
            expected[i, j], low[i, j], high[i, j] = found.estimate, found.low, found.high
    return BestByBudget(
        unit=unit, names=tuple(names), repeats=len(common), budget=budget, expected=expected, low=low, high=high, best=best
    )


def sentence(choice: BestByBudget, device: str) -> str:
    """From which budget on one search leads, if any does."""
    start = choice.certain_from()
    most = budget_text(choice.unit, float(choice.budget[-1]), device)
    if start is None:
        return f"At no budget up to {most} is one search the best with a probability of {CERTAIN:.0%} up to the end."
    name = choice.leader(start)
    return f"From {budget_text(choice.unit, float(choice.budget[start]), device)} to {most} {name} leads."


def budget_text(unit: str, amount: float, device: str) -> str:
    if unit == "dollars":
        return f"${format_dollars(amount)}"
    return f"{amount:.3g} {'epochs' if unit == 'epochs' else f'{device}-minutes'}"
