"""Kinds of task by name, and what is done to each after loading."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from tuneoff.task.base import Task, TaskError
from tuneoff.task.groups import draw_groups, group_rows
from tuneoff.task.kinds import check_task
from tuneoff.task.settings import EntailSettings, GlueSettings, TableSettings, TaskSettings
from tuneoff.task.split import select

_CUT_STREAM = 3


def load_task(settings: TaskSettings) -> Task:
    """The task with `metrics` and `max_train_rows` applied. Raises TaskError; never waits long for a network."""
    task = LOADERS[settings.kind](settings)
    if settings.metrics is not None:
        task = replace(task, metrics=settings.metrics)
    check_task(task)
    return _cut_train(task, settings)


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


def _cut_train(task: Task, settings: TaskSettings) -> Task:
    """At most `max_train_rows` rows of train, stratified, the same in every repeat.

    Whole groups (rows that share a sentence) where that comes within a tenth of the number; single rows otherwise,
    which no later split can turn into a leak.
    """
    train, limit = task.splits["train"], settings.max_train_rows
    if limit is None or len(train) <= limit:
        return task
    for by in ("sentence", "row"):
        group, rows, wanted = group_rows(train, by), limit, limit
        mask = np.ones(len(train), dtype=np.bool_)
        while mask.sum() > limit and wanted > 0:
            mask = draw_groups(train.label, group, wanted, np.random.default_rng([settings.seed, _CUT_STREAM]))
            wanted -= max(int(mask.sum()) - limit, 0)
        rows = int(mask.sum())
        if 0.9 * limit <= rows <= limit:
            break
    kept = select(train, np.flatnonzero(mask))
    lost = set(range(len(task.label_names))) - set(kept.label.tolist())
    if lost:
        raise TaskError(
            f"task.max_train_rows is {limit}, but that leaves no train row with the label "
            f"{task.label_names[min(lost)]!r}: ask for more rows"
        )
    unit = "whole groups" if by == "sentence" else "single rows"
    return replace(
        task,
        splits={**task.splits, "train": kept},
        source=f"{task.source}; train cut to {rows} of {len(train)} rows (seed {settings.seed}, {unit})",
    )
