"""A header's split, and scores of stored predictions, from the rows themselves: for tasks whose rows are at hand."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from tuneoff.evaluation import Score
from tuneoff.records.schema import Header
from tuneoff.seeds import derive
from tuneoff.task.base import Task
from tuneoff.task.facts import summarise
from tuneoff.task.kinds import find_metric
from tuneoff.task.kinds.contracts import Answers, Targets
from tuneoff.task.protocol import ProtocolSettings
from tuneoff.task.registry import load_task
from tuneoff.task.settings import TaskSettings
from tuneoff.task.split import make_splits
from tuneoff.verification.discrepancy import Discrepancy, Log, close, named

BUILT_IN = ("entail",)
"""Kinds of task whose rows are part of the package."""
BY_PREDICTIONS = ("accuracy", "f1", "macro_f1", "matthews", "objective", "balanced_accuracy")
"""Metrics that the predicted classes decide; others need the network's outputs."""


class Rows:
    """Tasks by their settings, each loaded once. everything: also those that are read from files or from a hub."""

    def __init__(self, *, everything: bool = False) -> None:
        self._everything = everything
        self._tasks: dict[str, Task] = {}

    def known(self, header: Header) -> bool:
        task = header.config.get("task")
        return isinstance(task, Mapping) and (self._everything or task.get("kind") in BUILT_IN)

    def check(self, file: str, header: Header, logs: Iterable[Log]) -> Iterator[Discrepancy]:
        """Of a header of which rows are `known`. Raises UserError where they can't be read."""
        task = self._task(header.config["task"])
        protocol = ProtocolSettings.from_dict(header.config["protocol"])
        splits = make_splits(task, protocol, derive(header.config["seed"], header.repeat)["split"])
        yield from _facts(file, header.data, summarise(task, splits))
        if splits.hash == header.data.get("split_sha256"):
            for log in logs:
                yield from _scores(log, task, splits.test.rows.label)

    def _task(self, settings: Mapping[str, Any]) -> Task:
        key = json.dumps(settings, sort_keys=True)
        if key not in self._tasks:
            self._tasks[key] = load_task(TaskSettings.from_dict(settings))
        return self._tasks[key]


def _facts(file: str, recorded: Mapping[str, Any], derived: Mapping[str, Any], at: str = "data") -> Iterator[Discrepancy]:
    """Facts that the header has and the rows decide; one that either lacks (an older version) is not compared."""
    for name in sorted(set(recorded) & set(derived)):
        found, expected, place = recorded[name], derived[name], f"{at}.{name}"
        if isinstance(found, Mapping) and isinstance(expected, Mapping):
            yield from _facts(file, found, expected, place)
        elif isinstance(expected, float) and isinstance(found, int | float) and close(found, expected):
            continue
        elif place != "data.source" and found != expected:
            words = f"{str(expected)[:80]}, from the rows"
            yield Discrepancy(file=file, place=place, found=str(found)[:80], expected=words)


def _scores(log: Log, task: Task, labels: Targets) -> Iterator[Discrepancy]:
    """labels: of the test rows, (n,)."""
    for number, record in log.evaluations:
        score = record.test
        if score is None or score.predictions is None or len(score.predictions) != len(labels):
            continue
        for name, expected in _metrics(score, task, labels).items():
            if not close(score.metrics[name], expected):
                found = f"{named(record)}, test.metrics.{name}"
                yield log.wrong(number, found, score.metrics[name], f"{expected}, from the rows and the predictions")


def _metrics(score: Score, task: Task, labels: Targets) -> dict[str, float]:
    """As far as BY_PREDICTIONS goes, from the predictions of a score."""
    predicted = np.asarray(score.predictions).astype(labels.dtype)
    answers = Answers(targets=labels, predicted=predicted, outputs=np.empty((0, 0), dtype=np.float32), positive=task.positive)
    return {name: find_metric(name).score(answers) for name in score.metrics if name in BY_PREDICTIONS}
