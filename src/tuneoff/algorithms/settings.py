"""Knobs: from a plain dict to a checked frozen dataclass, with errors that name setting, value, rule and remedy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from difflib import get_close_matches
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from tuneoff.errors import UserError, as_whole, is_number, shown


class AlgorithmError(UserError):
    """An algorithm's setting that does not exist or breaks a rule."""


def require(ok: bool, setting: str, value: object, rule: str, remedy: str = "") -> None:
    """Raises AlgorithmError unless `ok`; for example "algorithm.scheduler.reduction_factor is 1, but it must be >= 2"."""
    if not ok:
        raise AlgorithmError(
            f"algorithm.{setting} is {shown(value)}, but it must be {rule}" + (f"; {remedy}" if remedy else "")
        )


def make_settings(kind: type[Any], values: Mapping[str, Any], where: str) -> Any:
    """An instance of the dataclass `kind` made from `values`; `where` is "searcher" or "scheduler".

    Types are checked against the annotations (bool, int, float, str, tuples of them, or None): text is never taken
    for a number, a whole number is accepted as a float.
    """
    names = [field.name for field in fields(kind)]
    for name in values:
        if name not in names:
            choices = f"there are {', '.join(names)}" if names else "it has no settings"
            raise AlgorithmError(
                f"algorithm.{where}.{name} does not exist{nearest(name, names)}; {choices}: "
                "correct the name or leave the setting out"
            )
    hints = get_type_hints(kind)
    return kind(**{name: _checked(value, hints[name], f"{where}.{name}") for name, value in values.items()})


def nearest(name: str, names: Iterable[str]) -> str:
    """A hint such as " (did you mean 'asha'?)", or nothing where no known name is near."""
    close = get_close_matches(str(name), list(names), n=2, cutoff=0.5)
    return f" (did you mean {' or '.join(map(repr, close))}?)" if close else ""


def whole(value: Any, setting: str) -> int:
    """A whole number given as int or float, never a bool or text."""
    found = as_whole(value)
    require(found is not None, setting, value, "a whole number")
    assert found is not None
    return found


def _checked(value: Any, hint: Any, setting: str) -> Any:
    options = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    if value is None:
        require(NoneType in options, setting, value, "given", "leave the setting out for its default")
        return None
    kind = next(option for option in options if option is not NoneType)
    if get_origin(kind) is tuple:
        require(isinstance(value, list | tuple), setting, value, "a list")
        return tuple(_checked(item, get_args(kind)[0], setting) for item in value)
    if kind is int:
        return whole(value, setting)
    if kind is float:
        require(is_number(value), setting, value, "a number")
        return float(value)
    require(isinstance(value, kind), setting, value, "true or false" if kind is bool else "text")
    return value
