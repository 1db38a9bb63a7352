"""Anytime curves without look-ahead: at cost t, the incumbent known at or before t."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tuneoff.report.algorithms import Algorithms
from tuneoff.report.frames import HPARAM, Frames

Floats = NDArray[np.float64]
EQUAL_COST = 1.1
"""Charges within this ratio count as equal; beyond it, the dearer search is cut off at the cheaper one's cost."""
UNITS = {
    "epochs": ("epochs_spent", "epochs_trained", 1.0),
    "minutes": ("charged_seconds", "charged_seconds", 1 / 60),
    "dollars": ("dollars", "dollars", 1.0),
}
"""Unit of cost -> the evaluations' column, the cells' column, and what both are multiplied by."""
_SCALES = {**UNITS, "seconds": ("charged_seconds", "charged_seconds", 1.0)}


@dataclass(frozen=True, kw_only=True)
class Steps:
    """A right-continuous step function: from cost[i] on, the value is value[i]; before cost[0] there is none.

    cost: shape (n,), ascending. value: shape (n,), NaN where it is unknown. end: the cost at which the search ended.
    """

    cost: Floats
    value: Floats
    end: float

    def place(self, cost: Floats | float) -> NDArray[np.intp]:
        """Which step holds at the given costs, same shape; -1 before the first. A finished search keeps its incumbent."""
        return np.asarray(np.searchsorted(self.cost, cost, side="right") - 1)

    def at(self, cost: Floats | float) -> Floats:
        """Values at the given costs, same shape; NaN before the first."""
        padded = np.concatenate([self.value, [np.nan]])
        return np.asarray(padded[self.place(cost)], dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class Band:
    """Mean, lowest and highest of one algorithm's repeats at each cost. All of shape (m,).

    It begins at the latest first point of a repeat and ends where the first repeat ended: every point is of all `repeats`.
    """

    cost: Floats
    mean: Floats
    low: Floats
    high: Floats
    repeats: int


def steps_by_cell(done: Frames, value: str, unit: str) -> dict[str, Steps]:
    """Each cell's results as they stood: column `value` ("validation" or "test"), by cost in one of UNITS or charged seconds.

    done: evaluations in known order, as in every frame. "test" follows the protocol's rule of which weights are tested
    (records.incumbent.reported_evaluations). A cell without a result has no step. Raises KeyError for another unit.
    """
    column, ends, factor = _SCALES[unit]
    stood = done.evaluations["is_reported" if value == "test" else "is_incumbent"].to_numpy(dtype=bool)
    best = done.evaluations.loc[stood, ["cell", "elapsed_seconds", column, value]]
    best = best.sort_values("elapsed_seconds", kind="stable")
    costs, values = (best[name].to_numpy(np.float64) for name in (column, value))
    rows = best.groupby("cell").indices
    none = np.empty(0, dtype=np.intp)
    return {
        str(cell): Steps(cost=costs[own] * factor, value=values[own], end=float(end) * factor)
        for cell, end in zip(done.cells["cell"], done.cells[ends], strict=True)
        for own in [rows.get(cell, none)]
    }


def band(repeats: Sequence[Steps]) -> Band | None:
    """The repeats together, over the costs at which each of them has a value and none has ended.

    None where there is no such cost: a repeat without a value, or one that ended before another's first.
    """
    if not repeats:
        return None
    end = min(s.end for s in repeats)
    cost = np.unique(np.concatenate([*(s.cost for s in repeats), [end]]))
    cost = cost[cost <= end]
    values = np.stack([s.at(cost) for s in repeats])
    known = np.isfinite(values).all(axis=0)
    if not known.any():
        return None
    values = values[:, known]
    return Band(
        cost=cost[known], mean=values.mean(axis=0), low=values.min(axis=0), high=values.max(axis=0), repeats=len(repeats)
    )


def bands(done: Frames, value: str, unit: str) -> dict[str, Band]:
    """By algorithm: `value` ("validation" or "test") of the result as it stood, by cost in one of UNITS."""
    steps, cells = steps_by_cell(done, value, unit), done.cells
    made: dict[str, Band] = {}
    for name in done.algorithms.order(cells["algorithm"]):
        joined = band([steps[cell] for cell in cells.loc[cells["algorithm"] == name, "cell"]])
        if joined is not None:
            made[name] = joined
    return made


@dataclass(frozen=True, kw_only=True)
class Run:
    """A finished cell and its cost. budget: as it was given, "" without one."""

    cell: str
    budget: str
    epochs: float
    charged_seconds: float
    dollars: float
    per_device_hour_usd: float


@dataclass(frozen=True, kw_only=True)
class Result:
    """A search's result as it stood. predictions: shape (test rows,), None where they are not recorded or of more than two
    classes. winner: the trial, its hyperparameters and how far it was trained; equal for two searches whose winners are one
    training run."""

    score: float
    predictions: NDArray[np.int8] | None
    winner: tuple[Any, ...]

    def same_model(self, other: Result) -> bool:
        """Whether the two are results of one and the same training run, made twice: winner, score and predictions agree."""
        if self.winner != other.winner or self.score != other.score:
            return False
        a, b = self.predictions, other.predictions
        return a is None or b is None or bool(np.array_equal(a, b))


NO_RESULT = Result(score=float("nan"), predictions=None, winner=())


@dataclass(frozen=True, kw_only=True)
class Searches:
    """The finished searches of one block. steps, epoch_steps: by cell, test score of the incumbent by charged device-seconds
    and by epochs trained. results: by cell, one for each step. runs: by algorithm, in the order of tables, and repeat.
    """

    algorithms: Algorithms
    cells: pd.DataFrame
    steps: Mapping[str, Steps]
    epoch_steps: Mapping[str, Steps]
    results: Mapping[str, Sequence[Result]]
    runs: Mapping[str, Mapping[int, Run]]

    @classmethod
    def of(cls, frames: Frames) -> Searches:
        done = frames.finished()
        runs: dict[str, dict[int, Run]] = {name: {} for name in done.algorithms.order(done.cells["algorithm"])}
        columns = [
            "algorithm",
            "repeat",
            "cell",
            "budget",
            "epochs_trained",
            "charged_seconds",
            "dollars",
            "per_device_hour_usd",
        ]
        for row in done.cells.sort_values("repeat")[columns].itertuples(index=False):
            name, repeat, cell, budget, epochs, seconds, dollars, price = row
            runs[name][int(repeat)] = Run(
                cell=str(cell),
                budget=str(budget),
                epochs=float(epochs),
                dollars=float(dollars),
                charged_seconds=float(seconds),
                per_device_hour_usd=float(price),
            )
        return cls(
            algorithms=done.algorithms,
            cells=done.cells,
            steps=steps_by_cell(done, "test", "seconds"),
            runs=runs,
            epoch_steps=steps_by_cell(done, "test", "epochs"),
            results=_results(done),
        )

    @property
    def names(self) -> list[str]:
        return list(self.runs)

    @property
    def untuned(self) -> str | None:
        """The untuned baseline among them, or None."""
        return self.algorithms.untuned(self.names)

    @property
    def tuned(self) -> list[str]:
        """All but untuned baselines."""
        return [name for name in self.names if not self.algorithms.is_untuned(name)]

    def named(self, name: str) -> Mapping[int, Run]:
        """The runs of one algorithm, by repeat."""
        return self.runs[name]

    def common(self, names: Sequence[str]) -> list[int]:
        """The repeats that all of these algorithms have."""
        return sorted(set.intersection(*(set(self.runs[name]) for name in names))) if names else []

    def result(self, cell: str, limit: float) -> Result:
        """The result at equal cost: the last one where the search cost about `limit` or less.

        Otherwise the one known at or before `limit` (charged device-seconds); NO_RESULT where there is none.
        """
        return self._taken(cell, self.steps[cell], limit)

    def score(self, cell: str, limit: float) -> float:
        """Test score of `result`, NaN where there is none."""
        return self.result(cell, limit).score

    def _taken(self, cell: str, steps: Steps, limit: float) -> Result:
        place = int(steps.place(steps.end if steps.end <= EQUAL_COST * limit else limit))
        return self.results[cell][place] if place >= 0 else NO_RESULT

    def equal_budget(self, names: Sequence[str]) -> str:
        """The budget in epochs that every run of these algorithms had, or ""."""
        budgets = {run.budget for name in names for run in self.runs[name].values()}
        only = budgets.pop() if len(budgets) == 1 else ""
        return only if only.startswith("epochs:") else ""

    def at_equal_cost(self, runs: Sequence[Run], in_epochs: bool) -> list[Result]:
        """The result of each where the cheapest of them ended, in epochs trained or in charged device-seconds.

        Those that spent no more than EQUAL_COST times as much keep their result.
        """
        if in_epochs:
            least = min(run.epochs for run in runs)
            return [self._taken(run.cell, self.epoch_steps[run.cell], least) for run in runs]
        limit = min(run.charged_seconds for run in runs)
        return [self.result(run.cell, limit) for run in runs]

    def scores(self, limit: float = float("inf"), names: Sequence[str] | None = None) -> pd.DataFrame:
        """A row a repeat that all have, a column an algorithm (default: all), each at `limit` or its end; no gaps."""
        chosen = self.names if names is None else names
        common = self.common(chosen)
        return pd.DataFrame(
            [[self.score(self.runs[n][k].cell, limit) for n in chosen] for k in common],
            index=common,
            columns=list(chosen),
            dtype=np.float64,
        ).dropna()

    def table(self) -> pd.DataFrame:
        """A row a repeat that all have, a column an algorithm, each row at equal cost (see at_equal_cost); no gaps.

        Without the untuned default: it does not search, and at the cost of its one trial the others have no score yet.
        """
        names, common = self.tuned, self.common(self.tuned)
        in_epochs = bool(self.equal_budget(names))
        rows = [[r.score for r in self.at_equal_cost([self.runs[n][repeat] for n in names], in_epochs)] for repeat in common]
        return pd.DataFrame(rows, index=common, columns=names, dtype=np.float64).dropna()


def _results(done: Frames) -> dict[str, list[Result]]:
    """Each cell's results as they stood, in the order of its steps."""
    stood = done.evaluations[done.evaluations["is_reported"].to_numpy(dtype=bool)]
    stood = stood.sort_values("elapsed_seconds", kind="stable")
    hparams = [name for name in stood.columns if name.startswith(HPARAM)]
    made: dict[str, list[Result]] = {str(cell): [] for cell in done.cells["cell"]}
    columns = ["cell", "test", "test_predictions", "n_classes", "trial_id", "evaluation", "parent_trial_id", *hparams]
    for cell, test, predictions, classes, *winner in stood[columns].itertuples(index=False, name=None):
        two = isinstance(predictions, tuple) and classes == 2
        made[str(cell)].append(
            Result(
                score=float(test),
                predictions=np.asarray(predictions, dtype=np.int8) if two else None,
                winner=tuple(None if pd.isna(value) else value for value in winner),
            )
        )
    return made
