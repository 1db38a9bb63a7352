"""Kinds of task by name, and what is done to each after loading."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tuneoff.task.base import Task, TrainLimit
from tuneoff.task.kinds import check_task
from tuneoff.task.settings import EntailSettings, GlueSettings, TableSettings, TaskSettings


def load_task(settings: TaskSettings) -> Task:
    """The task with `metrics` and `max_train_rows` set. Raises TaskError; never waits long for a network."""
    task = LOADERS[settings.kind](settings)
    if settings.metrics is not None:
        task = replace(task, metrics=settings.metrics)
    check_task(task)
    if settings.max_train_rows is not None:
        task = replace(task, train_limit=TrainLimit(rows=settings.max_train_rows, seed=settings.seed))
    return task


def _load_entail(settings: EntailSettings) -> Task:
    from tuneoff.task import entail

    task = entail.build(seed=settings.seed, train=settings.train_rows, dev=settings.dev_rows, test=settings.test_rows)
    return replace(task, name=settings.name)


def _load_glue(settings: GlueSettings) -> Task:
    from tuneoff.task.sources.glue import load_glue

    return load_glue(settings)


def _load_table(settings: TableSettings) -> Task:
    from tuneoff.task.sources.table import load_table

    return load_table(settings)


LOADERS: dict[str, Callable[[Any], Task]] = {"entail": _load_entail, "rte": _load_glue, "mrpc": _load_glue, "csv": _load_table}
