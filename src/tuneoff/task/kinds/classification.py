"""Classification: each row has one class of a fixed list."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tuneoff.plugins import register
from tuneoff.task.base import UNLABELLED, Task, TaskError, TextSplit
from tuneoff.task.kinds.contracts import CLASSES, LABEL_SETS, SHARE, Answers, Kind, Metric, Outputs, Targets
from tuneoff.task.kinds.multilabel import macro_f1

SHOWN_CLASSES = 6


@register("kind", "classification")
class Classification(Kind):
    """One output (a logit) a class; the answer is the class with the largest."""

    targets: ClassVar[str] = CLASSES
    loss: ClassVar[str] = "cross_entropy"

    def n_outputs(self, task: Task) -> int:
        return len(task.label_names)

    def check(self, task: Task) -> None:
        """Raises TaskError for an index outside the list of classes; UNLABELLED is allowed."""
        n = len(task.label_names)
        for split, rows in task.splits.items():
            wrong = (rows.label != UNLABELLED) & ((rows.label < 0) | (rows.label >= n))
            if wrong.any():
                row = int(wrong.argmax())
                raise TaskError(
                    f"task {task.name}: row {row} of {split} has the label index {int(rows.label[row])}, but the task has "
                    f"{n} labels: it must be from 0 to {n - 1}, or {UNLABELLED} for a hidden label"
                )

    def strata(self, task: Task, targets: Targets) -> tuple[NDArray[np.int64], tuple[str, ...]]:
        """The classes."""
        return targets, task.label_names

    def predict(self, outputs: Outputs) -> Targets:
        predicted: Targets = outputs.argmax(axis=1)
        return predicted

    def mean_loss(self, outputs: Outputs, targets: Targets) -> float:
        """Cross-entropy in nats."""
        shifted = outputs.astype(np.float64) - outputs.max(axis=1, keepdims=True)
        log_likelihood = shifted[np.arange(len(targets)), targets] - np.log(np.exp(shifted).sum(axis=1))
        return float(-log_likelihood.mean())

    def count(self, predicted: Targets, n_outputs: int) -> tuple[int, ...]:
        return tuple(np.bincount(predicted, minlength=n_outputs).tolist())

    def constants(self, targets: Targets, n_outputs: int, positive: int | None) -> Iterable[Outputs]:
        """The most frequent class, and the one that a metric is about."""
        answers = {int(np.bincount(targets).argmax())} | ({positive} if positive is not None else set())
        return [np.eye(n_outputs, dtype=np.float32)[answer] for answer in sorted(answers)]

    def facts(self, task: Task, rows: TextSplit) -> dict[str, Any]:
        return {"majority_rate": majority_rate(rows), "label_counts": list(label_counts(rows, len(task.label_names)))}

    def legend(self, task: Task) -> str:
        return f"Labels: {', '.join(f'{i} = {name}' for i, name in enumerate(task.label_names))}."

    def columns(self, task: Task, rows: TextSplit) -> Mapping[str, str]:
        rate = majority_rate(rows)
        if rate is None:
            return {"labels": "hidden", "majority": "-"}
        counts = label_counts(rows, len(task.label_names))
        more = " ..." if len(counts) > SHOWN_CLASSES else ""
        return {"labels": " / ".join(map(str, counts[:SHOWN_CLASSES])) + more, "majority": f"{100 * rate:.1f} %"}


def label_counts(rows: TextSplit, n_classes: int) -> tuple[int, ...]:
    """Shape (n_classes,); hidden labels are not counted."""
    return tuple(np.bincount(rows.label[rows.label != UNLABELLED], minlength=n_classes).tolist())


def majority_rate(rows: TextSplit) -> float | None:
    """Accuracy of always predicting the split's own most frequent class; None where labels are hidden."""
    return float(np.bincount(rows.label).max() / len(rows)) if rows.labelled else None


def rarer_class(label: NDArray[np.int64]) -> int:
    """The rarer of the classes 0 and 1; 1 where both are as frequent."""
    return int((label == 1).sum() <= (label == 0).sum())


@register("metric", "accuracy")
class Accuracy(Metric):
    """Share of right answers."""

    unit: ClassVar[str] = SHARE

    def score(self, answers: Answers) -> float:
        return float((answers.targets == answers.predicted).mean())


@register("metric", "f1")
class F1(Metric):
    """Harmonic mean of precision and recall of the positive class; 0 where that is neither present nor predicted."""

    unit: ClassVar[str] = SHARE
    needs_positive: ClassVar[bool] = True

    def score(self, answers: Answers) -> float:
        present, predicted = answers.targets == answers.positive, answers.predicted == answers.positive
        size = int(present.sum() + predicted.sum())
        return 2 * int((present & predicted).sum()) / size if size else 0.0


@register("metric", "objective")
class AccuracyPlusF1(Metric):
    """Accuracy plus F1: transformers' own search maximises the sum of what compute_metrics returns, which is this for GLUE's
    MRPC and QQP."""

    limits: ClassVar[tuple[float, float]] = (0.0, 2.0)
    needs_positive: ClassVar[bool] = True

    def score(self, answers: Answers) -> float:
        return Accuracy("accuracy").score(answers) + F1("f1").score(answers)


@register("metric", "macro_f1")
class MacroF1(Metric):
    """Unweighted mean of the classes' F1, over the classes (or labels, of several a row) that are present or predicted."""

    also: ClassVar[tuple[str, ...]] = (LABEL_SETS,)
    unit: ClassVar[str] = SHARE

    def score(self, answers: Answers) -> float:
        if answers.targets.ndim == 2:
            return macro_f1(answers.targets, answers.predicted)
        from sklearn.metrics import f1_score

        return float(f1_score(answers.targets, answers.predicted, average="macro", zero_division=0.0))


@register("metric", "matthews")
class Matthews(Metric):
    """Matthews' correlation coefficient, from -1 to 1; 0 where one class only is present or predicted."""

    limits: ClassVar[tuple[float, float]] = (-1.0, 1.0)

    def score(self, answers: Answers) -> float:
        from sklearn.metrics import matthews_corrcoef

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the coefficient is 0 by convention
            return float(matthews_corrcoef(answers.targets, answers.predicted))
