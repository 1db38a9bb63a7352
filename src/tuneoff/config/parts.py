"""Parts of the configuration that belong to no package: the space, the resources, and the checks of keys."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tuneoff.errors import ConfigError, check_flag, check_mapping, check_number, check_one_of, check_text, check_whole, shown
from tuneoff.hparams import HParamError, Hyperparameter, Hyperparameters
from tuneoff.space import Choice, Domain, Float, Int, SearchSpace, SpaceError


@dataclass(frozen=True, kw_only=True)
class ResourceSettings:
    """Where trials run. `slots` is how many at once; null means as many as fit. hang_seconds: how long a trial may take to its
    next evaluation; "auto" goes by the worker's measured speed, null means for ever."""

    device: str
    cpus_per_trial: int
    gpus_per_trial: float
    slots: int | None
    address: str | None
    hang_seconds: float | str | None

    def __post_init__(self) -> None:
        check_one_of("resources.device", self.device, ("auto", "cpu", "cuda"))
        check_whole("resources.cpus_per_trial", self.cpus_per_trial, 1, 1024)
        if self.slots is not None:
            check_whole("resources.slots", self.slots, 1, 4096)
        rule = "from 0 to 1: a trial trains on one GPU, or on a fraction of one (0.25)"
        check_number("resources.gpus_per_trial", self.gpus_per_trial, rule, low=0, high=1)
        if self.address is not None:
            check_text("resources.address", self.address, "the address of a Ray cluster (host:port), or null for this machine")
        if self.hang_seconds not in (None, "auto"):
            rule = "auto (20 times what it should take, at least 10 minutes), a number of seconds above 0, or null for no limit"
            check_number("resources.hang_seconds", self.hang_seconds, rule, above=0)
        if self.device == "cuda" and self.gpus_per_trial == 0:
            raise ConfigError(
                "resources.gpus_per_trial is 0, but resources.device=cuda needs a share of a GPU for each "
                "trial: resources.gpus_per_trial=1, or a fraction to pack several trials on one"
            )


@dataclass(frozen=True, kw_only=True)
class RecordSettings:
    """How a recording differs from a search. test_rows: how many random rows of the test split its evaluations are scored on;
    None for all."""

    test_rows: int | None

    def __post_init__(self) -> None:
        if self.test_rows is not None:
            check_whole("record.test_rows", self.test_rows, 2, 10**9)


UNTIL_DECIDED = "decided"
"""The value of `until` with which a sweep goes on until each pair of its searches is decided."""
MOST_REPEATS = 1000


@dataclass(frozen=True, kw_only=True)
class DecideSettings:
    """How a sweep with until=decided is judged. margin: in points of a share, else in the metric's unit; None for the metric's
    usual one. looks: repeats after which it is, ascending; the last is the
    most there will be. dollars: no further repeats where they would bring the study above it; None for no such limit."""

    margin: float | None
    looks: list[int]
    dollars: float | None

    def __post_init__(self) -> None:
        if self.margin is not None:
            rule = "points of a share, or a number in the metric's unit, above 0, such as decide.margin=1.0, or null"
            check_number("decide.margin", self.margin, rule, above=0)
        if not isinstance(self.looks, list) or not self.looks:
            raise ConfigError(
                f"decide.looks is {shown(self.looks)}, but it must be a list of repeats, as in decide.looks=[6,12]"
            )
        for look in self.looks:
            check_whole("decide.looks", look, 2, MOST_REPEATS)
        if sorted(set(self.looks)) != self.looks:
            raise ConfigError(f"decide.looks is {self.looks}, but each must be more than the one before, as in [6,10,16,24]")
        if self.dollars is not None:
            check_number("decide.dollars", self.dollars, "a number of dollars, or null for no limit", low=0)


def parse_space(raw: Mapping[str, Any] | None, declared: Hyperparameters) -> SearchSpace:
    """`{name: {type: float|int|choice, ...}}`; every corner must be a value that the engine accepts."""
    domains: dict[str, Domain] = {}
    example = "space.learning_rate={type:float,low:1e-5,high:1e-4,log:true}"
    for name, settings in check_mapping("space", {} if raw is None else raw, example, SpaceError).items():
        if name not in declared:
            raise SpaceError(f"space.{name} is not a hyperparameter of the engine{declared.hint(name)}")
        if settings is not None:
            domains[name] = parse_domain(f"space.{name}", settings)
            _must_fit(domains[name], declared[name])
    return SearchSpace(domains)


def _must_fit(domain: Domain, declared: Hyperparameter) -> None:
    """Raises SpaceError where the domain holds values that the hyperparameter, as its trainer declares it, does not take."""
    where = f"space.{declared.name}"
    if declared.choices and not isinstance(domain, Choice):
        raise SpaceError(f"{where} has numbers, but {declared.name} is text: give {where}={{type:choice,values:[...]}}")
    if declared.whole and isinstance(domain, Float):
        raise SpaceError(
            f"{where}.type is float, but {declared.name} is a whole number: give type:int, or type:choice with the values"
        )
    for value in domain.values if isinstance(domain, Choice) else (domain.low, domain.high):
        try:
            declared.check(value)
        except HParamError as error:
            raise SpaceError(f"{where} reaches a value that can't be trained with: {error}") from error


def parse_domain(where: str, settings: Any) -> Domain:
    kinds: dict[str, tuple[type[Any], tuple[str, ...], tuple[str, ...]]] = {
        "float": (Float, ("low", "high"), ("log",)),
        "int": (Int, ("low", "high"), ("log",)),
        "choice": (Choice, ("values",), ()),
    }
    kind = settings.get("type") if isinstance(settings, Mapping) else settings
    if not isinstance(settings, Mapping) or not isinstance(kind, str) or kind not in kinds:
        raise SpaceError(
            f"{where}.type is {shown(kind)}, but it must be one of {', '.join(kinds)}, as in "
            f"{where}={{type:float,low:1e-5,high:1e-4,log:true}}"
        )
    cls, needed, optional = kinds[settings["type"]]
    values = {k: v for k, v in settings.items() if k != "type"}
    for key in needed:
        if values.get(key) is None:
            raise SpaceError(f"{where}.{key} is missing, but a {settings['type']} domain needs {' and '.join(needed)}")
    for key in values:
        if key not in needed + optional:
            raise SpaceError(
                f"{where}.{key} is not a setting of a {settings['type']} domain; there are type, {', '.join(needed + optional)}"
            )
    for key in ("low", "high"):
        if key in values:
            check_number(f"{where}.{key}", values[key], "a finite number", SpaceError)
    if "log" in values:
        check_flag(f"{where}.log", values["log"], SpaceError)
    if "values" in values:
        if not isinstance(values["values"], list):
            raise SpaceError(f"{where}.values is {values['values']!r}, but it must be a list, as in {where}.values=[16,32]")
        values["values"] = tuple(values["values"])
    try:
        domain: Domain = cls(**values)
    except SpaceError as error:
        raise SpaceError(f"{where}: {error}") from error
    return domain


def exact_keys(where: str, given: Mapping[str, Any], names: list[str]) -> Mapping[str, Any]:
    prefix = f"{where}." if where else ""
    for key in given:
        if key not in names:
            raise ConfigError(f"{prefix}{key} is not a setting{nearest_setting(key, names)}")
    for name in names:
        if name not in given:
            raise ConfigError(f"{prefix}{name} is missing, but every run needs it; see conf/config.yaml")
    return given


def nearest_setting(key: str, names: tuple[str, ...] | list[str]) -> str:
    close = difflib.get_close_matches(key, names, n=1)
    return f": did you mean {close[0]}? There are {', '.join(names)}" if close else f": there are {', '.join(names)}"


def available_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
