"""A task from its settings: loaded, with the metrics and the limit that they ask for, and checked."""

from __future__ import annotations

from dataclasses import replace

from tuneoff.task.base import Task, TrainLimit
from tuneoff.task.kinds import check_task
from tuneoff.task.settings import TaskSettings


def load_task(settings: TaskSettings) -> Task:
    """The task with `metrics` and `max_train_rows` set. Raises TaskError; never waits long for a network."""
    task = settings.load()
    if settings.metrics is not None:
        task = replace(task, metrics=settings.metrics)
    check_task(task)
    if settings.max_train_rows is not None:
        task = replace(task, train_limit=TrainLimit(rows=settings.max_train_rows, seed=settings.seed))
    return task
