"""Regression: each row has a number, such as the similarity of two sentences."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tuneoff.plugins import register
from tuneoff.task.base import Task, TaskError, TextSplit
from tuneoff.task.kinds.contracts import NUMBERS, Answers, Kind, Metric, Outputs, Targets

STRATA = 5


@register("kind", "regression")
class Regression(Kind):
    """One output, which is the answer. Targets are float64; NaN is a hidden one."""

    targets: ClassVar[str] = NUMBERS
    loss: ClassVar[str] = "mean_squared_error"

    def n_outputs(self, task: Task) -> int:
        return 1

    def check(self, task: Task) -> None:
        for split, rows in task.splits.items():
            if rows.label.dtype.kind != "f":
                raise TaskError(
                    f"task {task.name}: the targets of {split} are {rows.label.dtype}, but regression needs float64"
                )
            wrong = np.isinf(rows.label) | (np.isnan(rows.label) & (split == "train"))
            if wrong.any():
                row = int(wrong.argmax())
                raise TaskError(
                    f"task {task.name}: row {row} of {split} has the target {rows.label[row]}, but it must be finite"
                )

    def strata(self, task: Task, targets: Targets) -> tuple[NDArray[np.int64], tuple[str, ...]]:
        """Fifths by rank, lowest first; fewer where there are fewer than 10 rows."""
        count = max(1, min(STRATA, len(targets) // 2))
        rank = np.argsort(np.argsort(targets, kind="stable"), kind="stable")
        return rank * count // len(targets), tuple(f"quantile {number + 1} of {count}" for number in range(count))

    def predict(self, outputs: Outputs) -> Targets:
        return outputs[:, 0].astype(np.float64)

    def mean_loss(self, outputs: Outputs, targets: Targets) -> float:
        """Mean squared error."""
        return float(((outputs[:, 0].astype(np.float64) - targets) ** 2).mean())

    def count(self, predicted: Targets, n_outputs: int) -> tuple[int, ...]:
        return ()

    def constants(self, targets: Targets, n_outputs: int, positive: int | None) -> Iterable[Outputs]:
        """The mean, best by squared error, and the median, best by absolute error."""
        return [np.array([answer], dtype=np.float32) for answer in (targets.mean(), np.median(targets))]

    def facts(self, task: Task, rows: TextSplit) -> dict[str, Any]:
        if not rows.labelled:
            return {"targets": None}
        of = rows.label
        return {"targets": {"mean": float(of.mean()), "sd": float(of.std()), "min": float(of.min()), "max": float(of.max())}}

    def legend(self, task: Task) -> str:
        return "Targets: numbers."

    def columns(self, task: Task, rows: TextSplit) -> Mapping[str, str]:
        if not rows.labelled:
            return {"targets": "hidden", "mean ± sd": "-"}
        low, high = rows.label.min(), rows.label.max()
        return {"targets": f"{low:g} to {high:g}", "mean ± sd": f"{rows.label.mean():.3g} ± {rows.label.std():.3g}"}


def _correlation(a: Targets, b: Targets) -> float:
    """Pearson's; 0 where one of them is constant."""
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return float((a * b).sum()) / scale if scale > 1e-12 else 0.0


@register("metric", "pearson")
class Pearson(Metric):
    """Pearson's correlation of answers and targets, from -1 to 1; 0 for a constant answer."""

    targets: ClassVar[str] = NUMBERS
    limits: ClassVar[tuple[float, float]] = (-1.0, 1.0)

    def score(self, answers: Answers) -> float:
        return _correlation(answers.targets, answers.predicted)


@register("metric", "spearman")
class Spearman(Metric):
    """Correlation of ranks, those of ties averaged, from -1 to 1; 0 for a constant answer."""

    targets: ClassVar[str] = NUMBERS
    limits: ClassVar[tuple[float, float]] = (-1.0, 1.0)

    def score(self, answers: Answers) -> float:
        from scipy.stats import rankdata

        return _correlation(rankdata(answers.targets), rankdata(answers.predicted))


@register("metric", "rmse")
class RootMeanSquaredError(Metric):
    """Root mean squared error, in the unit of the targets."""

    targets: ClassVar[str] = NUMBERS
    limits: ClassVar[tuple[float, float]] = (0.0, math.inf)
    higher_is_better: ClassVar[bool] = False

    def score(self, answers: Answers) -> float:
        return float(np.sqrt(((answers.targets - answers.predicted) ** 2).mean()))


@register("metric", "mae")
class MeanAbsoluteError(Metric):
    """Mean absolute error, in the unit of the targets."""

    targets: ClassVar[str] = NUMBERS
    limits: ClassVar[tuple[float, float]] = (0.0, math.inf)
    higher_is_better: ClassVar[bool] = False

    def score(self, answers: Answers) -> float:
        return float(np.abs(answers.targets - answers.predicted).mean())
