"""Which search to choose with a given budget: what each is expected to score by then, and how probably it is the best."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import pandas as pd

from tuneoff.price import format_dollars
from tuneoff.report import wording
from tuneoff.report.curves import EQUAL_COST, UNITS, UNTUNED, Floats, Searches, steps_by_cell
from tuneoff.report.frames import Frames
from tuneoff.report.reading import Block
from tuneoff.report.statistics.best import probability_best
from tuneoff.report.statistics.summary import mean_interval
from tuneoff.report.table import Table, caption

BUDGETS = 24
SHOWN = 6
FEWEST_REPEATS = 3


@dataclass(frozen=True, kw_only=True)
class Choice:
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

    def leaders(self) -> list[tuple[str, float, float, float, float]]:
        """Runs of budgets at which one search is the most probable best: (name, first, last, least and largest probability)."""
        top = [int(np.nanargmax(row)) for row in self.best]
        found = []
        for index, run in groupby(range(len(top)), key=lambda i: top[i]):
            rows = list(run)
            chances = self.best[rows, index]
            found.append(
                (
                    self.names[index],
                    float(self.budget[rows[0]]),
                    float(self.budget[rows[-1]]),
                    float(chances.min()),
                    float(chances.max()),
                )
            )
        return found


def choose(frames: Frames, unit: str) -> Choice | None:
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
    kept = np.array([np.inf if name == UNTUNED else end for name, end in zip(names, ends, strict=True)])
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
            found = mean_interval(scores[i][:, j])
            expected[i, j], low[i, j], high[i, j] = found.estimate, found.low, found.high
    return Choice(
        unit=unit, names=tuple(names), repeats=len(common), budget=budget, expected=expected, low=low, high=high, best=best
    )


def sentences(choice: Choice, device: str) -> list[str]:
    """Who leads from which budget to which, and how sure that is."""
    found = []
    for name, first, last, least, most in choice.leaders():
        ends = [_budget(choice.unit, amount, device) for amount in (first, last)]
        where = f"At {ends[0]}" if ends[0] == ends[1] else f"From {ends[0]} to {ends[1]}"
        found.append(f"{where}: {name} (probability of being the best {_range(least, most)}).")
    return found


def choice_table(block: Block, frames: Frames) -> Table | None:
    """A row a budget, in each unit: mean test score and, in brackets, the probability of being the best; then crossovers."""
    priced = frames.finished().cells["per_device_hour_usd"].nunique() == 1
    made = [choose(frames, unit) for unit in UNITS if unit != "dollars" or priced]
    choices = [c for c in made if c is not None]
    if not choices:
        return None
    names, device = choices[0].names, wording.device_label(frames.cells["device_kind"])
    rows = [row for choice in choices for row in _rows(choice, block.metric, device)]
    notes = [
        f"Test score of the incumbent known by then, mean of {choices[0].repeats} repeats; in round brackets the "
        "probability that the search is the best of those with a score (bootstrap over the repeats, in pairs), in square "
        "ones Student's interval. –: no score in some repeat yet, or the search ended before. What is likely, not what is "
        "shown: from few repeats such probabilities are too sure of themselves."
    ]
    return Table(
        title=f"{block.task} with {block.model}: which search to choose with a budget",
        rows=tuple(rows),
        columns=("Budget", "Best", "Its mean [95 %]", *names),
        caption=caption(block, frames.cells),
        notes=(*notes, *(said for choice in choices for said in sentences(choice, device))),
        numbers=pd.concat([_numbers(choice) for choice in choices], ignore_index=True),
    )


def _rows(choice: Choice, metric: str, device: str) -> Iterator[tuple[str, ...]]:
    for i in np.unique(np.linspace(0, len(choice.budget) - 1, SHOWN).round().astype(int)):
        shown = [
            f"{wording.score([mean], metric)} ({chance:.2f})" if np.isfinite(chance) else "–"
            for mean, chance in zip(choice.expected[i], choice.best[i], strict=True)
        ]
        top = int(np.nanargmax(choice.best[i]))
        low, high = (
            wording.score([float(bound[i, top])], metric).removesuffix(wording.unit_of(metric))
            for bound in (choice.low, choice.high)
        )
        yield (
            _budget(choice.unit, float(choice.budget[i]), device),
            choice.names[top],
            f"{wording.score([float(choice.expected[i, top])], metric)} [{low}, {high}]",
            *shown,
        )


def _numbers(choice: Choice) -> pd.DataFrame:
    """A row a budget and search."""
    m, k = choice.best.shape
    return pd.DataFrame(
        {
            "unit": choice.unit,
            "budget": np.repeat(choice.budget, k),
            "algorithm": list(choice.names) * m,
            "repeats": choice.repeats,
            "expected_test": choice.expected.ravel(),
            "low": choice.low.ravel(),
            "high": choice.high.ravel(),
            "probability_best": choice.best.ravel(),
        }
    )


def _budget(unit: str, amount: float, device: str) -> str:
    if unit == "dollars":
        return f"${format_dollars(amount)}"
    return f"{amount:.3g} {'epochs' if unit == 'epochs' else f'{device}-minutes'}"


def _range(low: float, high: float) -> str:
    return f"{low:.2f}" if round(low, 2) == round(high, 2) else f"{low:.2f} to {high:.2f}"
