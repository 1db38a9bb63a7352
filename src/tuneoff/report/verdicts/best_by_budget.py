"""The best choice of a search by budget: the expected score of each by then, and its probability of being the best."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

import numpy as np

from tuneoff.price import format_dollars
from tuneoff.report import wording
from tuneoff.report.curves import EQUAL_COST, Floats, Searches, steps_by_cell
from tuneoff.report.frames import Frames
from tuneoff.report.statistics.best import probability_best
from tuneoff.report.statistics.ranks import tied_for_best
from tuneoff.report.statistics.summary import mean_interval

BUDGETS = 24
FEWEST_REPEATS = 3


@dataclass(frozen=True, kw_only=True)
class Lead:
    """names: who leads, several where tied. first, last: budgets. least, most: probability of being the best, of each."""

    names: tuple[str, ...]
    first: float
    last: float
    least: float
    most: float


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

    def leaders(self) -> list[Lead]:
        """Runs of budgets at which the same search, or the same tied ones, are most probably the best."""
        top = [tuple(tied_for_best(row)) for row in self.best]
        found = []
        for indices, run in groupby(range(len(top)), key=lambda i: top[i]):
            rows = list(run)
            chances = self.best[rows, indices[0]]
            found.append(
                Lead(
                    names=tuple(self.names[i] for i in indices),
                    first=float(self.budget[rows[0]]),
                    last=float(self.budget[rows[-1]]),
                    least=float(chances.min()),
                    most=float(chances.max()),
                )
            )
        return found


def best_by_budget(frames: Frames, unit: str, metric: str) -> BestByBudget | None:
    """None with fewer than two searches or FEWEST_REPEATS common repeats, or where two never have a score at one budget.

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
    budget = np.geomspace(starts[1], last, BUDGETS)
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


def sentences(choice: BestByBudget, device: str) -> list[str]:
    """Who leads from which budget to which, and how sure that is; a tie is called one."""
    found = []
    for lead in choice.leaders():
        ends = [budget_text(choice.unit, amount, device) for amount in (lead.first, lead.last)]
        where = f"At {ends[0]}" if ends[0] == ends[1] else f"From {ends[0]} to {ends[1]}"
        tied = "tied, each with a " if len(lead.names) > 1 else ""
        chance = _range(lead.least, lead.most)
        found.append(f"{where}: {wording.listed(lead.names)} ({tied}probability of being the best {chance}).")
    return found


def budget_text(unit: str, amount: float, device: str) -> str:
    if unit == "dollars":
        return f"${format_dollars(amount)}"
    return f"{amount:.3g} {'epochs' if unit == 'epochs' else f'{device}-minutes'}"


def _range(low: float, high: float) -> str:
    return f"{low:.2f}" if round(low, 2) == round(high, 2) else f"{low:.2f} to {high:.2f}"
