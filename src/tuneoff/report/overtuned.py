"""How often, and by how much, each search's result was worse on test than one that it had held before, by budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tuneoff.report.curves import Steps, steps_by_cell
from tuneoff.report.frames import Frames
from tuneoff.report.statistics.overtuning import overtuning_by, share_interval
from tuneoff.report.statistics.summary import Interval

SHARES = (0.25, 0.5, 1.0)
"""Of each search's own cost in epochs."""
WORDS = {0.25: "a quarter", 0.5: "a half", 1.0: "all"}
TINY = 1e-9


@dataclass(frozen=True, kw_only=True)
class Overtuned:
    """One search at one share of its cost.

    amounts: of each repeat that has a result with a test score by then, 0 where that is its best so far. results: how many
    had stood by then, mean over those repeats. below_default, compared: in how many of how many repeats with an untuned
    default the result is worse than that default's.
    """

    algorithm: str
    share: float
    amounts: tuple[float, ...]
    results: float
    below_default: int
    compared: int

    @property
    def count(self) -> int:
        return sum(amount > TINY for amount in self.amounts)

    @property
    def interval(self) -> Interval:
        """Of the share of repeats."""
        return share_interval(self.count, len(self.amounts))

    @property
    def when(self) -> float:
        """Mean amount of those that are overtuned; NaN where none is."""
        known = [amount for amount in self.amounts if amount > TINY]
        return float(np.mean(known)) if known else float("nan")


def overtuned(frames: Frames) -> list[Overtuned]:
    """One for each search and each of SHARES, in the order of tables; none for a search without test scores."""
    done = frames.finished()
    steps, cells, names = steps_by_cell(done, "test", "epochs"), done.cells, done.algorithms
    untuned = names.untuned(list(cells["algorithm"]))
    baseline = {
        int(repeat): float(test)
        for name, repeat, test in zip(cells["algorithm"], cells["repeat"], cells["test"], strict=True)
        if name == untuned and np.isfinite(test)
    }
    found = []
    for name in names.order(cells["algorithm"]):
        own = cells[cells["algorithm"] == name].sort_values("repeat")
        runs = [(int(repeat), steps[str(cell)]) for repeat, cell in zip(own["repeat"], own["cell"], strict=True)]
        made = [_at(name, share, runs, {} if name == untuned else baseline) for share in SHARES]
        found += [one for one in made if one is not None]
    return found


def _at(name: str, share: float, runs: Sequence[tuple[int, Steps]], baseline: dict[int, float]) -> Overtuned | None:
    amounts, results, below, compared = [], [], 0, 0
    for repeat, run in runs:
        budget = share * run.end + TINY
        amount = overtuning_by(run.cost, run.value, budget)
        if not np.isfinite(amount):
            continue
        known = run.value[(run.cost <= budget) & np.isfinite(run.value)]
        amounts.append(amount)
        results.append(len(known))
        if repeat in baseline:
            compared += 1
            below += bool(known[-1] < baseline[repeat] - TINY)
    if not amounts:
        return None
    return Overtuned(
        algorithm=name,
        share=share,
        amounts=tuple(amounts),
        results=float(np.mean(results)),
        below_default=below,
        compared=compared,
    )
