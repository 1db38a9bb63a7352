"""Anytime curves without look-ahead: at cost t, the incumbent known at or before t."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]


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
    """One cell's incumbents: column `value` ("validation" or "test") of each, by column `cost`."""
    best = evaluations[evaluations["is_incumbent"]].sort_values(["elapsed_seconds", "validation"])
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
