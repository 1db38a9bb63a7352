"""Finding searchers and schedulers by file name. Imports nothing but the module asked for."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from pathlib import Path
from types import ModuleType

from tuneoff.algorithms.settings import AlgorithmError, nearest

HERE = Path(__file__).parent
FOLDERS = {"searcher": "searchers", "scheduler": "schedulers"}


def searcher_names() -> tuple[str, ...]:
    return _names("searcher")


def scheduler_names() -> tuple[str, ...]:
    return _names("scheduler")


def load(kind: str, name: str) -> ModuleType:
    """The module of a "searcher" or "scheduler". AlgorithmError where there is none of that name."""
    names = _names(kind)
    if name not in names:
        raise AlgorithmError(
            f"algorithm.{kind}.name is {name!r}, but there is no such {kind}{nearest(name, names)}; "
            f"choose one of {', '.join(names)}"
        )
    return import_module(f"tuneoff.algorithms.{FOLDERS[kind]}.{name}")


def _names(kind: str) -> tuple[str, ...]:
    """Files whose name starts with an underscore are helpers of the others."""
    found = pkgutil.iter_modules([str(HERE / FOLDERS[kind])])
    return tuple(sorted(module.name for module in found if not module.name.startswith("_")))
