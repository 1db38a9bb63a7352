"""The one family of errors that a user can fix (printed without a traceback, exit code 2), and the checks that raise them.

A check is given the setting's name and value, and the kind of UserError to raise. The type comes before the value: text is
never taken for a number or a truth value, a truth value never for a number.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, TypeGuard

_FOLDER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_DEVICES = ("CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in range(1, 10)))
LONGEST_NAME = 100
"""Characters of a name; two of them make a folder's."""


class UserError(ValueError):
    """Names the setting, its value, the rule and the remedy. Raised before any expensive work starts."""


class StudyError(UserError):
    """A stored cell that conflicts with the search, or a search in which no trial was scored."""


class ConfigError(UserError):
    """A setting that is unknown, missing or outside its rule."""


def first_line(error: BaseException) -> str:
    """Class name and first line of an error, for a message."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else 'no message'}"


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether the value is an int or float that is finite as a float; False for a bool."""
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:
        return False


def as_whole(value: object) -> int | None:
    """The value as an int where it is an int or a float such as 3.0; None for anything else."""
    return int(value) if is_number(value) and value == int(value) else None


def check_whole(
    setting: str, value: object, low: int, high: int | None = None, kind: type[UserError] = ConfigError, *, otherwise: str = ""
) -> None:
    """Raises `kind` unless the value is an int from low to high. otherwise: more of the rule, such as ", or null"."""
    if isinstance(value, bool) or not isinstance(value, int) or value < low or (high is not None and value > high):
        rule = f"a whole number of at least {low}" if high is None else f"a whole number from {low} to {high}"
        raise _broken(setting, value, rule + otherwise, kind)


def check_number(
    setting: str,
    value: object,
    rule: str,
    kind: type[UserError] = ConfigError,
    *,
    low: float = -math.inf,
    high: float = math.inf,
    above: float = -math.inf,
    below: float = math.inf,
) -> None:
    """Raises `kind` unless the value is a finite number with low <= value <= high and above < value < below."""
    if not is_number(value) or not (low <= value <= high and above < value < below):
        raise _broken(setting, value, rule, kind)


def check_one_of(setting: str, value: object, choices: tuple[str, ...], kind: type[UserError] = ConfigError) -> None:
    if not isinstance(value, str) or value not in choices:
        raise _broken(setting, value, f"one of {', '.join(choices)}", kind)


def check_flag(setting: str, value: object, kind: type[UserError] = ConfigError) -> None:
    if not isinstance(value, bool):
        raise _broken(setting, value, "true or false", kind)


def check_text(
    setting: str, value: object, rule: str, kind: type[UserError] = ConfigError, *, may_be_empty: bool = False
) -> None:
    """Raises `kind` unless the value is text."""
    if not isinstance(value, str) or not (value or may_be_empty):
        raise _broken(setting, value, rule, kind)


def check_name(setting: str, value: object, kind: type[UserError] = ConfigError) -> None:
    """Raises `kind` unless the value can be a folder's name everywhere."""
    if not is_name(value) or len(value) > LONGEST_NAME or value.split(".")[0].upper() in _DEVICES:
        raise kind(
            f"{setting} is {_clipped(value)}, but it becomes a folder's name: use letters, digits, '.', '_' and '-', begin "
            f"with a letter or digit, at most {LONGEST_NAME} characters, and none that Windows keeps for itself (CON, NUL, ...)"
        )


def is_name(value: object) -> TypeGuard[str]:
    """Whether the value is one part of a path, which leads nowhere but into its folder."""
    return isinstance(value, str) and _FOLDER_NAME.fullmatch(value) is not None


def _clipped(value: object) -> str:
    text = shown(value)
    return text if len(text) <= LONGEST_NAME else f"{text[:LONGEST_NAME]}..."


def check_mapping(setting: str, value: object, example: str, kind: type[UserError] = ConfigError) -> Mapping[str, Any]:
    """Returns the value. example: a setting within it, for the message. Raises `kind` unless the value maps names to
    settings."""
    if not isinstance(value, Mapping):
        raise _broken(setting, value, f"a mapping of settings, of which one is given as {example}", kind)
    return value


def shown(value: object) -> str:
    """The value as it is written in a configuration."""
    return "null" if value is None else repr(value)


def _broken(setting: str, value: object, rule: str, kind: type[UserError]) -> UserError:
    return kind(f"{setting} is {shown(value)}, but it must be {rule}")
