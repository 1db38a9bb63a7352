"""The contracts of a kind of task and of a metric, and the rules of scoring that follow a task to its trials."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tuneoff.evaluation import Score
from tuneoff.task.base import Task, TextSplit

CLASSES, NUMBERS, LABEL_SETS = "classes", "numbers", "sets of labels"
"""Targets: int64 indices of classes, (n,); float64 numbers, (n,); or sets of labels, int64 (n, labels) of 0 and 1."""
SHARE, PLAIN = "share", "plain"
"""Units: a share of 1 is written in per cent and its differences in points; a plain number as it is."""

Targets = NDArray[Any]
Outputs = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Answers:
    """A network's answers to n examples.

    targets, predicted: of one shape, both classes, both numbers or both sets of labels. outputs: (n, n_outputs), from which
    `predicted` was read. positive: the class that a metric with `needs_positive` is about; None where no metric of the task
    is about one.
    """

    targets: Targets
    predicted: Targets
    outputs: Outputs
    positive: int | None = None


@dataclass(frozen=True)
class Metric(ABC):
    """One number that says how good answers are. A subclass registers with `plugins.register("metric", NAME)`."""

    name: str
    targets: ClassVar[str] = CLASSES
    also: ClassVar[tuple[str, ...]] = ()
    """Other targets that it compares."""
    unit: ClassVar[str] = PLAIN
    limits: ClassVar[tuple[float, float]] = (-math.inf, math.inf)
    """The lowest and highest possible value; a share's are 0 and 1 in any case."""
    higher_is_better: ClassVar[bool] = True
    needs_positive: ClassVar[bool] = False

    def compares(self, targets: str) -> bool:
        return targets in (self.targets, *self.also)

    @property
    def known_targets(self) -> str:
        return " or ".join((self.targets, *self.also))

    @abstractmethod
    def score(self, answers: Answers) -> float:
        """A finite number for any answers, one constant prediction included."""


@dataclass(frozen=True)
class Kind(ABC):
    """One kind of task. A subclass registers with `plugins.register("kind", NAME)`.

    targets: CLASSES, NUMBERS or LABEL_SETS. loss: name of the loss that training minimises, see training.losses.
    """

    name: str
    targets: ClassVar[str]
    loss: ClassVar[str]

    @abstractmethod
    def n_outputs(self, task: Task) -> int:
        """Numbers that the network gives for each example."""

    @abstractmethod
    def check(self, task: Task) -> None:
        """Raises TaskError where a target of any split is not one that the kind can have; it names the row."""

    @abstractmethod
    def strata(self, task: Task, targets: Targets) -> tuple[NDArray[np.int64], tuple[str, ...]]:
        """The stratum of each row, (n,), whose shares a cut keeps, and the strata's names."""

    @abstractmethod
    def predict(self, outputs: Outputs) -> Targets:
        """(n, n_outputs) -> answers of the targets' type and shape."""

    @abstractmethod
    def mean_loss(self, outputs: Outputs, targets: Targets) -> float:
        """The loss that training minimises, in float64."""

    @abstractmethod
    def count(self, predicted: Targets, n_outputs: int) -> tuple[int, ...]:
        """How often each answer was given: each class, or each set of labels that was predicted; () for numbers. The largest
        count is that of all examples where the network has collapsed."""

    def recorded(self, predicted: Targets) -> tuple[float, ...] | None:
        """A number an example, for the records of test scores; None where an answer is no number."""
        return tuple(predicted.tolist())

    @abstractmethod
    def constants(self, targets: Targets, n_outputs: int, positive: int | None) -> Iterable[Outputs]:
        """Outputs (n_outputs,) of the constant answers of which one is best by any usual metric."""

    @abstractmethod
    def facts(self, task: Task, rows: TextSplit) -> dict[str, Any]:
        """Facts about one part of a split, for a run's header, JSON-ready."""

    @abstractmethod
    def legend(self, task: Task) -> str:
        """The targets of a task, in one sentence."""

    @abstractmethod
    def columns(self, task: Task, rows: TextSplit) -> Mapping[str, str]:
        """Heads and texts of a table with a row a split."""


@dataclass(frozen=True, kw_only=True)
class Scoring:
    """The rules by which a task's answers are scored. Crosses to workers with the kind and the metrics themselves.

    metrics: the first is maximised by searches. positive: see Answers.
    """

    kind: Kind
    n_outputs: int
    metrics: tuple[Metric, ...]
    positive: int | None = None

    @property
    def metric(self) -> str:
        """Name of the metric that searches maximise."""
        return self.metrics[0].name

    @property
    def loss(self) -> str:
        """Name of the loss that training minimises."""
        return self.kind.loss

    def score(self, outputs: Outputs, targets: Targets, *, keep_predictions: bool) -> Score:
        """outputs: (n, n_outputs); targets: (n,), or (n, n_outputs) for sets of labels."""
        predicted = self.kind.predict(outputs)
        return Score(
            metrics=self._metrics(outputs, targets, predicted),
            loss=self.kind.mean_loss(outputs, targets),
            n_examples=len(targets),
            predicted_counts=self.kind.count(predicted, self.n_outputs),
            predictions=self.kind.recorded(predicted) if keep_predictions else None,
        )

    def constant_scores(self, targets: Targets) -> dict[str, float]:
        """The best score of one and the same answer to all examples, by metric: what a result must exceed to be one."""
        found = []
        for answer in self.kind.constants(targets, self.n_outputs, self.positive):
            outputs = np.tile(answer, (len(targets), 1))
            found.append(self._metrics(outputs, targets, self.kind.predict(outputs)))
        return {m.name: (max if m.higher_is_better else min)(f[m.name] for f in found) for m in self.metrics}

    def _metrics(self, outputs: Outputs, targets: Targets, predicted: Targets) -> dict[str, float]:
        answers = Answers(targets=targets, predicted=predicted, outputs=outputs, positive=self.positive)
        return {metric.name: metric.score(answers) for metric in self.metrics}
