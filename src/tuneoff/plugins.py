"""Parts by name: files of ours, entry points of installed packages, and modules that the setting `plugins` names.

A part from outside is registered under a kind ("searcher", "metric", "figure", ...) and a name, either by a decorator in a
module that `plugins=[my_module]` names, or by an entry point `tuneoff.<kind>` of an installed package.
"""

from __future__ import annotations

import pkgutil
import sys
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, TypeVar

from tuneoff.errors import UserError

T = TypeVar("T")
_registered: dict[str, dict[str, Any]] = {}


class PluginError(UserError):
    """A part that does not exist, that exists twice, or a plugin that can't be imported."""


def register(kind: str, name: str) -> Callable[[T], T]:
    """Decorator: makes the decorated object the part `name` of `kind`. Raises PluginError where the name is taken."""

    def put(part: T) -> T:
        there = _registered.setdefault(kind, {})
        if name in there and not _same(there[name], part):
            raise PluginError(
                f"the {kind} {name!r} is registered twice, by {_where(there[name])} and by {_where(part)}: rename one"
            )
        there[name] = part
        return part

    return put


def replace(kind: str, name: str, part: Any) -> None:
    """Makes the object the part `name` of `kind`, whatever was it before: a notebook defines its functions again."""
    _registered.setdefault(kind, {})[name] = part


def load(modules: Iterable[str]) -> None:
    """Imports the modules that the setting `plugins` names; those in the working directory are found. Raises PluginError
    where one fails."""
    for name in modules:
        find_modules_here()
        try:
            import_module(name)
        except Exception as error:  # whatever a user's module raises on import
            raise PluginError(
                f"plugins names {name!r}, but importing it failed ({type(error).__name__}: {error}): give a module that "
                "python can import from here, such as plugins=[my_search] for my_search.py"
            ) from error


def find_modules_here() -> None:
    """From now on modules in the working directory are found, as `python -m` finds them."""
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))


def names(kind: str, package: str | None = None) -> tuple[str, ...]:
    """Names of all parts of a kind, sorted. package: one of ours, whose files are parts unless their names begin with _."""
    return tuple(sorted({*_files(package), *_registered.get(kind, {}), *(point.name for point in _points(kind))}))


def find(kind: str, name: str, package: str | None = None, setting: str | None = None) -> Any:
    """Returns the part: a registered object, the object of an entry point, or, for a file of our package, the object that it
    registers under its own name, else the module.

    setting: the one that an error names. Raises PluginError, with the nearest names, where there is no such part.
    """
    if name in _files(package):
        module = import_module(f"{package}.{name}")
        return _registered.get(kind, {}).get(name, module)
    if name in _registered.get(kind, {}):
        return _registered[kind][name]
    for point in _points(kind):
        if point.name == name:
            return point.load()
    known = names(kind, package)
    close = get_close_matches(str(name), known, n=2, cutoff=0.5)
    hint = f" (did you mean {' or '.join(map(repr, close))}?)" if close else ""
    raise PluginError(f"{setting or kind} is {name!r}, but there is no such {kind}{hint}; choose one of {', '.join(known)}")


def _files(package: str | None) -> tuple[str, ...]:
    if package is None:
        return ()
    folders = import_module(package).__path__
    return tuple(module.name for module in pkgutil.iter_modules(folders) if not module.name.startswith("_"))


def _points(kind: str) -> Iterable[Any]:
    return entry_points(group=f"tuneoff.{kind}")


def _same(one: Any, other: Any) -> bool:
    """Whether both were defined at one place: a module that is imported again registers its part again."""
    return bool(_where(one) == _where(other))


def _where(part: Any) -> str:
    return f"{getattr(part, '__module__', '?')}.{getattr(part, '__qualname__', type(part).__name__)}"
