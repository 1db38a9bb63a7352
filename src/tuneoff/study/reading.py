"""The rows of a search. Imports nothing that takes long, so that what is wrong with them is said at once."""

from __future__ import annotations

from functools import lru_cache

from tuneoff.config import RunConfig
from tuneoff.seeds import derive
from tuneoff.task.base import Task
from tuneoff.task.registry import load_task
from tuneoff.task.settings import TaskSettings
from tuneoff.task.split import ProtocolSettings, Splits, make_splits


def read_task(config: RunConfig) -> tuple[Task, Splits]:
    """Loads and splits the task. UserError where something is missing or unfit."""
    return _load_task(config.task), _make_splits(config.task, config.protocol, derive(config.seed, config.repeat)["split"])


@lru_cache(maxsize=1)
def _load_task(settings: TaskSettings) -> Task:
    """Read once for all searches in a row that have the same."""
    return load_task(settings)


@lru_cache(maxsize=1)
def _make_splits(settings: TaskSettings, protocol: ProtocolSettings, seed: int) -> Splits:
    """As _load_task."""
    return make_splits(_load_task(settings), protocol, seed)
