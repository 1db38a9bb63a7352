"""Multi-label: each row has any number of labels of a fixed list, none included."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tuneoff.plugins import register
from tuneoff.task.base import UNLABELLED, Task, TaskError, TextSplit
from tuneoff.task.kinds.contracts import LABEL_SETS, SHARE, Answers, Kind, Metric, Outputs, Targets

LEAST = 10
"""Rows of a stratum. Smaller ones are joined, so that a label of a few rows never stands in the way of a cut."""
SHOWN_LABELS = 6


@register("kind", "multilabel")
class MultiLabel(Kind):
    """One output (a logit) a label; a label is given where its probability is above a half. Targets are int64 (n, labels), 0
    or 1; UNLABELLED throughout where they are hidden."""

    targets: ClassVar[str] = LABEL_SETS
    loss: ClassVar[str] = "binary_cross_entropy"

    def n_outputs(self, task: Task) -> int:
        return len(task.label_names)

    def check(self, task: Task) -> None:
        k = len(task.label_names)
        for split, rows in task.splits.items():
            if rows.label.dtype.kind != "i" or rows.label.shape != (len(rows), k):
                raise TaskError(
                    f"task {task.name}: the targets of {split} are {rows.label.dtype} of shape {rows.label.shape}, but "
                    f"multilabel needs int64 of shape {(len(rows), k)}, a column a label"
                )
            hidden = split != "train" and (rows.label == UNLABELLED).all()
            wrong = ((rows.label != 0) & (rows.label != 1)).any(axis=1)
            if wrong.any() and not hidden:
                row = int(wrong.argmax())
                raise TaskError(
                    f"task {task.name}: row {row} of {split} has the targets {rows.label[row].tolist()}, but each must be 0 or "
                    f"1, or all of the split {UNLABELLED} where they are hidden (not in train)"
                )

    def strata(self, task: Task, targets: Targets) -> tuple[NDArray[np.int64], tuple[str, ...]]:
        """Rows by their rarest label, so that rare labels keep their shares; rows without a label by themselves.

        Strata of fewer than LEAST rows are one; where that is small too, it goes with the largest.
        """
        k = len(task.label_names)
        frequency = np.where(targets == 1, targets.sum(axis=0), np.inf)
        stratum = np.where(targets.any(axis=1), frequency.argmin(axis=1), k)
        names = [*task.label_names, "(no label)", "(rare labels)"]
        sizes = np.bincount(stratum, minlength=k + 2)
        stratum[sizes[stratum] < LEAST] = k + 1
        if 0 < (stratum == k + 1).sum() < LEAST:
            stratum[stratum == k + 1] = sizes.argmax()
        used, compact = np.unique(stratum, return_inverse=True)
        return compact.astype(np.int64), tuple(names[index] for index in used)

    def predict(self, outputs: Outputs) -> Targets:
        return (outputs > 0).astype(np.int64)

    def mean_loss(self, outputs: Outputs, targets: Targets) -> float:
        """Binary cross-entropy in nats, mean over rows and labels."""
        x = outputs.astype(np.float64)
        return float((np.maximum(x, 0) - x * targets + np.log1p(np.exp(-np.abs(x)))).mean())

    def count(self, predicted: Targets, n_outputs: int) -> tuple[int, ...]:
        """Of each set of labels that was predicted, the most frequent first. One count alone is a collapsed network: it gives
        every row the same labels."""
        return tuple(sorted(np.unique(predicted, axis=0, return_counts=True)[1].tolist(), reverse=True))

    def recorded(self, predicted: Targets) -> tuple[float, ...] | None:
        return None

    def constants(self, targets: Targets, n_outputs: int, positive: int | None) -> Iterable[Outputs]:
        """The most frequent set, best by subset accuracy; the j most frequent labels for each j, of which one is best by
        micro-F1, and one (all that occur) by macro-F1."""
        sets, counts = np.unique(targets, axis=0, return_counts=True)
        order = np.argsort(-targets.sum(axis=0), kind="stable")
        prefixes = np.zeros((n_outputs, n_outputs), dtype=np.int64)
        for j in range(n_outputs):
            prefixes[j, order[: j + 1]] = 1
        answers = np.vstack([sets[counts.argmax()], prefixes])
        return list(np.where(answers == 1, 1.0, -1.0).astype(np.float32))

    def facts(self, task: Task, rows: TextSplit) -> dict[str, Any]:
        if not rows.labelled:
            return {"label_counts": [0] * len(task.label_names), "labels_per_row": None}
        return {"label_counts": rows.label.sum(axis=0).tolist(), "labels_per_row": float(rows.label.sum(axis=1).mean())}

    def legend(self, task: Task) -> str:
        return f"Labels, any number a row: {', '.join(f'{i} = {name}' for i, name in enumerate(task.label_names))}."

    def columns(self, task: Task, rows: TextSplit) -> Mapping[str, str]:
        if not rows.labelled:
            return {"labels": "hidden", "a row": "-"}
        counts = rows.label.sum(axis=0).tolist()
        more = " ..." if len(counts) > SHOWN_LABELS else ""
        listed = " / ".join(map(str, counts[:SHOWN_LABELS]))
        return {"labels": listed + more, "a row": f"{rows.label.sum(axis=1).mean():.2f}"}


@register("metric", "micro_f1")
class MicroF1(Metric):
    """F1 over all labels of all rows together: harmonic mean of precision and recall; 0 where none is present nor predicted."""

    targets: ClassVar[str] = LABEL_SETS
    unit: ClassVar[str] = SHARE

    def score(self, answers: Answers) -> float:
        return _f1(int((answers.targets & answers.predicted).sum()), int(answers.targets.sum() + answers.predicted.sum()))


@register("metric", "subset_accuracy")
class SubsetAccuracy(Metric):
    """Share of rows whose labels are all right, and no other was given."""

    targets: ClassVar[str] = LABEL_SETS
    unit: ClassVar[str] = SHARE

    def score(self, answers: Answers) -> float:
        return float((answers.targets == answers.predicted).all(axis=1).mean())


def macro_f1(targets: Targets, predicted: Targets) -> float:
    """Unweighted mean of the labels' F1, over those that are present or predicted; 0 where none is. Shapes (n, labels)."""
    hits, sizes = (targets & predicted).sum(axis=0), targets.sum(axis=0) + predicted.sum(axis=0)
    return float(np.mean(2 * hits[sizes > 0] / sizes[sizes > 0])) if (sizes > 0).any() else 0.0


def _f1(hits: int, size: int) -> float:
    return 2 * hits / size if size else 0.0
