"""The settings of `tuneoff replay`, read and checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from tuneoff.errors import ConfigError, check_flag, check_number, check_one_of, check_whole
from tuneoff.replay.foreign import format_names
from tuneoff.replay.holdout import KINDS

DEFAULTS: Mapping[str, Any] = {
    "algorithms": "random,random_asha,grid,hyperopt,pbt",
    "budgets": None,
    "slots": None,
    "devices": None,
    "price": None,
    "margin": None,
    "world": "auto",
    "worlds": 20,
    "replays": 50,
    "whole": 1000,
    "what_if": True,
    "interruptions": 0.1,
    "other_price": None,
    "as_far": None,
    "processes": None,
    "results": "results",
    "out": None,
    "table": None,
    "format": None,
    "validation": "validation",
    "test": "test",
    "step": "step",
    "trial": "trial",
    "seconds": "seconds",
    "minimise": False,
    "metric": None,
    "random": False,
    "evaluations_per_epoch": 1,
    "space": {},
}


@dataclass(frozen=True, kw_only=True)
class Request:
    """A command line, read. settings: as DEFAULTS, with what was given."""

    study: str | None
    settings: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.settings[name]


def read(arguments: Sequence[str]) -> Request:
    """ConfigError where a setting does not exist, is no pair, or where there is neither a study nor a table."""
    named = [argument for argument in arguments if "=" in argument]
    studies = [argument for argument in arguments if "=" not in argument]
    settings = dict(DEFAULTS)
    for argument in named:
        name, _, value = argument.partition("=")
        name = name.removeprefix("replay.")
        check_one_of("a setting's name", name, tuple(DEFAULTS))
        settings[name] = value if name in ("algorithms", "budgets") else _plain(name, value)
    for name in ("worlds", "replays", "evaluations_per_epoch"):
        check_whole(name, settings[name], 1 if name == "evaluations_per_epoch" else 2)
    for name in ("slots", "devices", "processes"):
        if settings[name] is not None:
            check_whole(name, settings[name], 1)
    check_one_of("world", settings["world"], ("auto", *KINDS))
    if settings["margin"] is not None:
        check_number("margin", settings["margin"], "above 0: the difference below which nothing matters", above=0)
    check_number("interruptions", settings["interruptions"], ">= 0", low=0)
    for name in ("what_if", "minimise", "random"):
        check_flag(name, settings[name])
    if settings["as_far"] is not None:
        check_flag("as_far", settings["as_far"])
    if (settings["table"] is None) == (not studies) or len(studies) > 1:
        raise ConfigError("give one recorded study, as in tuneoff replay STUDY, or table=FILE format=...")
    if settings["table"] is not None:
        names = tuple(name.replace("_", "-") for name in format_names())
        check_one_of("format", settings["format"], names)
    return Request(study=studies[0] if studies else None, settings=settings)


def _plain(name: str, value: str) -> Any:
    try:
        return yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise ConfigError(f"{name} is {value!r}, but it can't be read: {str(error).splitlines()[0]}") from error
