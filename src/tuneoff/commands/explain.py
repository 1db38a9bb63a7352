"""Hydra's errors in the words of a command line."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from typing import Any, cast

from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import MissingMandatoryValue

from tuneoff.commands.composition import CONF, composed


def explain(error: Exception, arguments: Sequence[str]) -> str:
    """One message, with the nearest setting where one was misspelt. arguments: the command's."""
    cause = error.__cause__
    text = str(error).strip() or type(error).__name__
    key = re.search(r"Could not override '([^']+)'", text)
    if key and key[1] in _leaves(_chosen(arguments)):
        return f"{key[1]} can't be given other fields than it has: remove it and add it again, ~{key[1]} '+{key[1]}={{...}}'"
    if key:
        return f"{key[1]} is {_where(key[1], arguments)}"
    group = re.search(r"Could not find '([^']+)/([^']+)'", text)
    if group:
        choices = re.findall(r"^\t(\S+)$", text, flags=re.MULTILINE)
        near = difflib.get_close_matches(group[2], choices, n=1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        return f"{group[1]} is {group[2]!r}, but it must be one of {', '.join(choices)}{hint}"
    merged = re.search(r"Error merging override ([^=]+)=(.*)", text)
    if merged:
        same = "of the same form as what it replaces: a list for a list, a mapping for a mapping"
        return f"{merged[1]} is {merged[2]}, but it must be {same}"
    if isinstance(error, MissingMandatoryValue):
        return f"{error.full_key} is missing, but this choice needs it: give {error.full_key}=VALUE"
    return text if cause is None else f"{text} ({cause})".splitlines()[0]


def _where(key: str, arguments: Sequence[str]) -> str:
    """Where the setting is to be found: task.train_file is one of task=csv."""
    group, _, name = key.partition(".")
    files = sorted((CONF / group).glob("*.yaml")) if name and group.isidentifier() else []
    homes = [f"{group}={file.stem}" for file in files if name in OmegaConf.load(file)]
    if homes:
        return f"a setting of {' and of '.join(homes)}, but this command has another {group}: add {homes[0]}"
    return f"not a setting{_nearest(key, arguments)}; tuneoff run --help lists them all"


def _nearest(key: str, arguments: Sequence[str]) -> str:
    known = list(_leaves(_chosen(arguments)))
    close = difflib.get_close_matches(key, known, n=2, cutoff=0.6)
    if not close:
        close = [name for name in known if name.rsplit(".", 1)[-1] == key.rsplit(".", 1)[-1]][:2]
    return f" (did you mean {' or '.join(close)}?)" if close else ""


def _chosen(arguments: Sequence[str]) -> dict[str, Any]:
    """The configuration that the command line's choices of files lead to, without its other settings."""
    groups = {folder.name for folder in CONF.iterdir() if folder.is_dir()}
    choices = [argument.split(",")[0] for argument in arguments if argument.split("=")[0] in groups]
    for overrides in (choices, []):
        try:
            return cast(dict[str, Any], OmegaConf.to_container(composed(overrides)))
        except HydraException:
            continue
    return {}


def _leaves(values: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in values.items():
        yield prefix + name
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{name}.")
