"""Searches over several tasks: means in which each task counts once, and what they say about tasks like these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from tuneoff.report.statistics.distributions import mid_ranks, student_tail
from tuneoff.report.statistics.summary import Floats, Interval, mean_interval

Task = Sequence[Floats]
"""The blocks of a task (one a model): each of shape (repeats, numbers), a row a repeat, in the same numbers everywhere."""


@dataclass(frozen=True, kw_only=True)
class OverTasks:
    """A mean difference over tasks, with task and repeat as two sources of chance.

    interval: of the mean over tasks like these; NaN bounds for one task. p: two-sided, that it is 0; NaN for one task.
    between_sd: of the tasks' own true differences. within_sd: of a repeat within a task; NaN where no task has two.
    """

    interval: Interval
    p: float
    between_sd: float
    within_sd: float
    tasks: int


def ranks_by_repeat(scores: ArrayLike) -> Floats:
    """Shape (repeats, algorithms), higher is better -> the same shape, 1 is best, ties share ranks."""
    table = np.asarray(scores, dtype=np.float64)
    if table.ndim != 2 or 0 in table.shape or not np.isfinite(table).all():
        raise ValueError(f"scores must be a full table of repeats x algorithms, got shape {table.shape}")
    return np.stack([mid_ranks(-row) for row in table])


def mean_over_tasks(tasks: Sequence[Task]) -> Floats:
    """The mean of tasks' means of blocks' means of repeats -> shape (numbers,)."""
    return np.asarray(np.mean([np.mean([block.mean(axis=0) for block in task], axis=0) for task in tasks], axis=0))


def random_tasks(differences: Sequence[ArrayLike]) -> OverTasks:
    """The random-effects model difference = mean + task + repeat, by the analysis of variance.

    differences: one of shape (repeats,) a task. Student's interval over the tasks' means, with one degree of freedom fewer than
    tasks: where all tasks have as many repeats it is the mixed model's exactly, else approximately. The variance between
    tasks is that of their means less what the repeats explain, at least 0.
    """
    groups = [np.asarray(group, dtype=np.float64) for group in differences]
    if not groups or any(group.ndim != 1 or len(group) == 0 or not np.isfinite(group).all() for group in groups):
        raise ValueError("differences must be a non-empty list of finite numbers for each task, of which there must be one")
    means = np.array([group.mean() for group in groups])
    interval, k = mean_interval(means), len(groups)
    freedom = sum(len(group) - 1 for group in groups)
    within = sum(float(((group - group.mean()) ** 2).sum()) for group in groups) / freedom if freedom else float("nan")
    if k < 2:
        return OverTasks(interval=interval, p=float("nan"), between_sd=float("nan"), within_sd=within**0.5, tasks=k)
    spread = float(means.var(ddof=1))
    explained = within * float(np.mean([1 / len(group) for group in groups])) if freedom else 0.0
    error = (spread / k) ** 0.5
    middle = interval.estimate
    p = student_tail(abs(middle) / error, k - 1) if error > 0 else float(middle == 0)
    return OverTasks(interval=interval, p=p, between_sd=max(0.0, spread - explained) ** 0.5, within_sd=within**0.5, tasks=k)


def nested_bootstrap(
    tasks: Sequence[Task], rng: np.random.Generator, *, draw_tasks: bool, level: float = 0.95, resamples: int = 2000
) -> tuple[Floats, Floats]:
    """(low, high) of `mean_over_tasks`, each of shape (numbers,): percentiles over resamples.

    draw_tasks: tasks are drawn again, and within each its repeats: an interval for tasks like these, too narrow for a handful
    of them. Otherwise repeats alone: an interval for these very tasks. All numbers of a repeat stay together.
    """
    total = np.zeros((resamples, tasks[0][0].shape[1]))
    for slot in range(len(tasks)):
        chosen = rng.integers(len(tasks), size=resamples) if draw_tasks else np.full(resamples, slot)
        for index, task in enumerate(tasks):
            rows = np.flatnonzero(chosen == index)
            for block in task:
                often = rng.multinomial(len(block), np.full(len(block), 1 / len(block)), size=len(rows))
                total[rows] += often @ block / (len(block) * len(task))
    tail = (1 - level) / 2
    low, high = np.quantile(total / len(tasks), [tail, 1 - tail], axis=0)
    return np.asarray(low), np.asarray(high)
