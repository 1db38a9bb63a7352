"""Finding searchers and schedulers by name: a file of ours, an entry point, or registered by a module that a setting names."""

from __future__ import annotations

import inspect
from types import ModuleType
from typing import Any

from tuneoff import plugins
from tuneoff.algorithms.contracts import Scheduler, Searcher
from tuneoff.algorithms.settings import AlgorithmError

KINDS: dict[str, tuple[str, type[Any]]] = {
    "searcher": ("tuneoff.algorithms.searchers", Searcher),
    "scheduler": ("tuneoff.algorithms.schedulers", Scheduler),
}


def searcher_names() -> tuple[str, ...]:
    return plugins.names("searcher", KINDS["searcher"][0])


def scheduler_names() -> tuple[str, ...]:
    return plugins.names("scheduler", KINDS["scheduler"][0])


def find_searcher(name: str) -> type[Searcher]:
    """Returns the searcher's class. Raises UserError where there is none of that name, or where it is no Searcher."""
    found: type[Searcher] = _find("searcher", name)
    return found


def find_scheduler(name: str) -> type[Scheduler]:
    """Returns the scheduler's class. Raises UserError where there is none of that name, or where it is no Scheduler."""
    found: type[Scheduler] = _find("scheduler", name)
    return found


def _find(kind: str, name: str) -> Any:
    package, contract = KINDS[kind]
    part = plugins.find(kind, name, package, setting=f"algorithm.{kind}.name")
    candidates = _classes(part, contract) if isinstance(part, ModuleType) else [part]
    if len(candidates) != 1 or not (inspect.isclass(candidates[0]) and issubclass(candidates[0], contract)):
        raise AlgorithmError(
            f"algorithm.{kind}.name is {name!r}, but what is found under that name is not one class derived from "
            f"tuneoff.algorithms.contracts.{contract.__name__}: derive it, and register the class"
        )
    return candidates[0]


def _classes(module: ModuleType, contract: type[Any]) -> list[Any]:
    """The classes derived from `contract` that the module itself defines."""
    found = [value for value in vars(module).values() if inspect.isclass(value) and issubclass(value, contract)]
    return [value for value in found if value.__module__ == module.__name__]
