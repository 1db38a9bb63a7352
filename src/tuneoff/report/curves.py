"""Anytime curves without look-ahead: at cost t, the incumbent known at or before t."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tuneoff.report import wording
from tuneoff.report.frames import Frames

Floats = NDArray[np.float64]
UNTUNED = "default"
EQUAL_COST = 1.1
"""Charges within this ratio count as equal; beyond it, the dearer search is cut off at the cheaper one's cost."""
UNITS = {"epochs": ("epochs_spent", "epochs_trained", 1.0), "minutes": ("charged_seconds", "charged_seconds", 1 / 60),
         "dollars": ("dollars", "dollars", 1.0)}
"""Unit of cost -> the evaluations' column, the cells' column, and what both are multiplied by."""


@dataclass(frozen=True, kw_only=True)
class Steps:
    """A right-continuous step function: from cost[i] on, the value is value[i]; before cost[0] there is none.

    cost: shape (n,), ascending. value: shape (n,), NaN where it is unknown. end: the cost at which the search ended.
    """

    cost: Floats
    value: Floats
    end: float

    def at(self, cost: Floats | float) -> Floats:
        """Values at the given costs, same shape; NaN before the first. A finished search keeps its incumbent."""
        index = np.searchsorted(self.cost, cost, side="right") - 1
        padded = np.concatenate([self.value, [np.nan]])
        return np.asarray(padded[index], dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class Band:
    """Repeats of one algorithm on a common cost axis. All of shape (m,); they begin where every repeat has a value."""

    cost: Floats
    mean: Floats
    low: Floats
    high: Floats
    repeats: int


def incumbent_steps(evaluations: pd.DataFrame, value: str, cost: str, end: float) -> Steps:
    """One cell's results as they stood: column `value` ("validation" or "test") of each, by column `cost`.

    evaluations: in known order. "test" follows the protocol's rule of which weights are tested (reading.reported).
    """
    stood = evaluations["is_reported" if value == "test" else "is_incumbent"].astype(bool)
    best = evaluations[stood].sort_values("elapsed_seconds", kind="stable")
    return Steps(cost=best[cost].to_numpy(np.float64), value=best[value].to_numpy(np.float64), end=end)


def band(repeats: Sequence[Steps]) -> Band | None:
    """Mean, lowest and highest of the repeats at every cost where one of them changes; None without a common value."""
    usable = [s for s in repeats if len(s.cost)]
    if not usable or len(usable) < len(repeats):
        return None
    cost = np.unique(np.concatenate([*(s.cost for s in usable), [max(s.end for s in usable)]]))
    values = np.stack([s.at(cost) for s in usable])
    known = np.isfinite(values).all(axis=0)
    if not known.any():
        return None
    values = values[:, known]
    return Band(cost=cost[known], mean=values.mean(axis=0), low=values.min(axis=0), high=values.max(axis=0),
                repeats=len(usable))


@dataclass(frozen=True, kw_only=True)
class Searches:
    """The finished searches of one block. steps: test score of the incumbent by charged device-seconds, by cell."""

    cells: pd.DataFrame
    steps: Mapping[str, Steps]

    @classmethod
    def of(cls, frames: Frames) -> Searches:
        done = frames.finished()
        own = {str(name): part for name, part in done.evaluations.groupby("cell")}
        empty = done.evaluations.iloc[:0]
        return cls(cells=done.cells, steps={
            cell: incumbent_steps(own.get(cell, empty), "test", "charged_seconds", float(charge))
            for cell, charge in zip(done.cells["cell"], done.cells["charged_seconds"], strict=True)})

    @property
    def names(self) -> list[str]:
        return wording.order(self.cells["algorithm"])

    def named(self, name: str) -> pd.DataFrame:
        """The cells of one algorithm, by repeat."""
        return self.cells[self.cells["algorithm"] == name].set_index("repeat").sort_index()

    def score(self, cell: str, limit: float) -> float:
        """Test score at equal cost: the last incumbent's where the search cost about `limit` or less.

        Otherwise that of the incumbent known at or before `limit` (charged device-seconds); NaN where there is none.
        """
        steps = self.steps[cell]
        return float(steps.at(steps.end if steps.end <= EQUAL_COST * limit else limit))

    def table(self) -> pd.DataFrame:
        """A row a repeat that all have, a column an algorithm, each row at its cheapest search's cost; no gaps.

        Without the untuned default: it is no search, and at the cost of its one trial the others have nothing yet.
        """
        rows, searching = {}, self.cells[self.cells["algorithm"] != UNTUNED]
        names = wording.order(searching["algorithm"])
        for repeat, own in searching.groupby("repeat"):
            if len(own) == len(names):
                limit = float(own["charged_seconds"].min())
                scores = zip(own["algorithm"], own["cell"], strict=True)
                rows[repeat] = {name: self.score(cell, limit) for name, cell in scores}
        return pd.DataFrame.from_dict(rows, orient="index", columns=names).dropna()
