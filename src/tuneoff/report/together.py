"""Searches over several tasks: mean ranks, shares of the cheapest, and differences, with each task counted once.

A task is what is learned, by the hash of its rows; the same rows with another model, or in another study, are another block of
the same task. Within a block everything is as in its own report: pairs of repeats, at equal cost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from tuneoff.report import wording
from tuneoff.report.algorithms import Algorithms
from tuneoff.report.cells import Block, ReportError
from tuneoff.report.curves import Floats, Searches
from tuneoff.report.frames import Frames, load_frames
from tuneoff.report.statistics.comparison import holm
from tuneoff.report.statistics.several_tasks import (
    OverTasks,
    Task,
    mean_over_tasks,
    nested_bootstrap,
    random_tasks,
    ranks_by_repeat,
)
from tuneoff.report.statistics.summary import Interval
from tuneoff.report.statistics.target import cost_to_target
from tuneoff.task.units import has_scale

FACTORS = tuple(round(float(factor), 3) for factor in np.geomspace(1, 10, 41))
"""Times the cheapest search's cost."""
FEWEST_TASKS = 3
"""From so many on, tasks count as a source of chance of their own."""
ALPHA = 0.05


@dataclass(frozen=True, kw_only=True)
class Part:
    """One block of one study. task: hash of its rows. scores: (repeats, algorithms) test scores at equal cost."""

    study: str
    block: Block
    task: str
    scores: Floats
    costs: Floats | None
    """(repeats, algorithms) charged seconds until the median of the untuned default's test scores; None without a default."""

    @property
    def title(self) -> str:
        return f"{self.block.title}, study {self.study}"


@dataclass(frozen=True, kw_only=True)
class PairOverTasks:
    """first: the one with the higher mean. p: corrected by Holm over all pairs."""

    first: str
    second: str
    over: OverTasks
    p: float

    @property
    def better(self) -> bool:
        return self.over.tasks >= FEWEST_TASKS and self.p < ALPHA and self.over.interval.low > 0


@dataclass(frozen=True, kw_only=True)
class Together:
    """names: algorithms that all parts have, best mean rank first; columns: in the order of each part's scores.

    ranks: an interval each. profile: one each for each of FACTORS; None without untuned defaults. pairs: None where metrics
    have no common unit.
    """

    parts: tuple[Part, ...]
    columns: tuple[str, ...]
    names: tuple[str, ...]
    left_out: tuple[str, ...]
    ranks: Mapping[str, Interval]
    profile: Mapping[str, tuple[Interval, ...]] | None
    profiled: int
    profiled_tasks: int
    """Parts, and tasks, of the profile."""
    pairs: tuple[PairOverTasks, ...] | None
    algorithms: Algorithms

    @property
    def tasks(self) -> int:
        return len({part.task for part in self.parts})


def together(studies: Sequence[Path]) -> Together:
    """Raises ReportError where there is one block only, or no two searches that all blocks have."""
    loaded = [(study.name, load_frames(study)) for study in studies]
    found = [(name, block, frames) for name, whole in loaded for block, frames in whole.blocks()]
    found = [(name, block, frames) for name, block, frames in found if frames.cells["finished"].any()]
    if len(found) < 2:
        raise ReportError(
            f"--together needs two tasks or models or more, but {wording.listed([s.name for s in studies])} "
            f"{'have' if len(studies) > 1 else 'has'} {len(found)} with finished cells: name more studies"
        )
    searches = [Searches.of(frames) for _, _, frames in found]
    every = dict.fromkeys(name for one in searches for name in one.tuned)
    names = [name for name in every if all(name in one.tuned for one in searches)]
    if len(names) < 2:
        listed = "; ".join(f"{study}: {wording.listed(one.tuned)}" for (study, _, _), one in zip(found, searches, strict=True))
        raise ReportError(
            f"--together compares the searches that all tasks have, but there {'is only one' if names else 'is none'} "
            f"({listed}): run the missing ones, or name other studies"
        )
    parts = [_part(*one, made, names) for one, made in zip(found, searches, strict=True)]
    empty = [part.title for part in parts if len(part.scores) == 0]
    if empty:
        raise ReportError(
            f"{empty[0]} has no repeat that {wording.listed(names)} all have with a test score: run the missing repeats, or "
            "name other studies"
        )
    return _joined(parts, names, sorted(set(every) - set(names)), loaded[0][1].algorithms)


def _part(study: str, block: Block, frames: Frames, searches: Searches, names: Sequence[str]) -> Part:
    common, in_epochs = searches.common(names), bool(searches.equal_budget(names))
    runs = [[searches.named(name)[repeat] for name in names] for repeat in common]
    stood = [[result.score for result in searches.at_equal_cost(row, in_epochs)] for row in runs]
    scores = np.array(stood, dtype=np.float64).reshape(-1, len(names))
    whole = np.isfinite(scores).all(axis=1)
    target = searches.cells.loc[searches.cells["algorithm"] == searches.untuned, "test"].median()
    costs = None
    if np.isfinite(target):
        steps = [[searches.steps[run.cell] for run in row] for row in runs]
        reached = [[cost_to_target(own.cost, own.value, float(target)) for own in row] for row in steps]
        costs = np.array(reached, dtype=np.float64).reshape(scores.shape)[whole]
    return Part(study=study, block=block, task=str(frames.cells["task_data"].iloc[0]), scores=scores[whole], costs=costs)


def _joined(parts: Sequence[Part], names: Sequence[str], left_out: Sequence[str], algorithms: Algorithms) -> Together:
    ranks = _intervals(_by_task(parts, [ranks_by_repeat(part.scores) for part in parts]))
    order = sorted(range(len(names)), key=lambda i: (ranks[i].estimate, names[i]))
    priced = [part for part in parts if part.costs is not None]
    within = [_within(part.costs) for part in priced if part.costs is not None]
    profile = None
    if priced:
        made = _intervals(_by_task(priced, within))
        width = len(FACTORS)
        profile = {names[i]: tuple(made[width * i : width * (i + 1)]) for i in order}
    units = {_unit(part) for part in parts}
    return Together(
        parts=tuple(parts),
        columns=tuple(names),
        names=tuple(names[i] for i in order),
        left_out=tuple(left_out),
        ranks={names[i]: ranks[i] for i in order},
        profile=profile,
        profiled=len(priced),
        profiled_tasks=len({part.task for part in priced}),
        pairs=_pairs(parts, names) if len(units) == 1 else None,
        algorithms=algorithms,
    )


def _unit(part: Part) -> str:
    """Differences in one unit can be averaged. An error is in the unit of its task's targets, which no other task has."""
    metric = part.block.metric
    return "share" if wording.is_share(metric) else metric if has_scale(metric) else f"{metric} of {part.task}"


def _by_task(parts: Sequence[Part], values: Sequence[Floats]) -> list[Task]:
    """values: of each part. -> those of each task."""
    tasks: dict[str, list[Floats]] = {}
    for part, own in zip(parts, values, strict=True):
        tasks.setdefault(part.task, []).append(own)
    return list(tasks.values())


def _intervals(tasks: Sequence[Task]) -> list[Interval]:
    low, high = nested_bootstrap(tasks, np.random.default_rng(0), draw_tasks=len(tasks) >= FEWEST_TASKS)
    middle = mean_over_tasks(tasks)
    return [Interval(estimate=float(m), low=float(a), high=float(b)) for m, a, b in zip(middle, low, high, strict=True)]


def _within(costs: Floats) -> Floats:
    """Whether each search was within each factor of its repeat's cheapest: (repeats, algorithms x FACTORS)."""
    best = costs.min(axis=1, keepdims=True)
    solved = np.isfinite(costs)
    limits = np.where(np.isfinite(best), best, 0.0)[:, :, None] * np.asarray(FACTORS)[None, None, :]
    near = (np.where(solved, costs, 0.0)[:, :, None] <= limits) & solved[:, :, None]
    return np.asarray(near.reshape(len(costs), -1), dtype=np.float64)


def _pairs(parts: Sequence[Part], names: Sequence[str]) -> tuple[PairOverTasks, ...]:
    """By falling difference."""
    made, tasks = [], list(dict.fromkeys(part.task for part in parts))
    for i, j in combinations(range(len(names)), 2):
        own = [_of_one_task([part.scores[:, i] - part.scores[:, j] for part in parts if part.task == task]) for task in tasks]
        over = random_tasks(own)
        if over.interval.estimate >= 0:
            made.append((names[i], names[j], over))
        else:
            made.append((names[j], names[i], random_tasks([-differences for differences in own])))
    corrected = holm([over.p if np.isfinite(over.p) else 1.0 for _, _, over in made])
    pairs = [PairOverTasks(first=a, second=b, over=over, p=p) for (a, b, over), p in zip(made, corrected, strict=True)]
    return tuple(sorted(pairs, key=lambda pair: -pair.over.interval.estimate))


def _of_one_task(blocks: Sequence[Floats]) -> Floats:
    """Differences of a task's repeats: the mean over its models, which share their split in a repeat, as far as all have it."""
    shortest = min(len(block) for block in blocks)
    return np.asarray(np.mean([block[:shortest] for block in blocks], axis=0), dtype=np.float64)
