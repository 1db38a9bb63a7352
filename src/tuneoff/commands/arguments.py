"""Rewrites a command line's settings for Hydra, so that it reads them as their user means them.

Hydra's grammar takes `study=2024` for a number and stumbles over `task.train_file=reviews (1).csv`. Where a setting is text, a
value that Hydra would read as something else is put in quotes.
"""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_type_hints

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException

from tuneoff.algorithms.presentation import PRESENTATION_KEYS
from tuneoff.commands.composition import CONF
from tuneoff.config import RunConfig
from tuneoff.config.parts import ResourceSettings
from tuneoff.errors import ConfigError
from tuneoff.model.settings import ModelSettings
from tuneoff.price import Price
from tuneoff.records.command_line import quoted
from tuneoff.task.settings import SETTINGS

SWEEP = ("-m", "--multirun")
CONFIG_DIR = ("--config-dir", "-cd")
TABLES = (".csv", ".tsv", ".txt", ".json", ".jsonl")
LISTS = ("tracker",)
"""Groups of which several choices can be made: tracker=[mlflow,tensorboard]."""
_WITH_VALUE = (*CONFIG_DIR, "--config-path", "-cp", "--config-name", "-cn", "--package", "-p", "--info", "-i")
_ASSIGNED = re.compile(r"(\+{0,2})([\w./@:-]+)=(.*)", flags=re.DOTALL)
_FUNCTION = re.compile(
    r"(range|choice|glob|interval|shuffle|sort|tag|extend_list|int|float|str|bool|json_str)\(.*\)", re.DOTALL
)


@dataclass(frozen=True, kw_only=True)
class CommandLine:
    """for_hydra: options first. config_dir: the user's own folder of configuration. cells: how many searches it asks for.
    swept: the settings in which they differ, each with its values as text."""

    for_hydra: tuple[str, ...]
    config_dir: Path | None
    sweep: bool
    cells: int
    swept: Mapping[str, tuple[str, ...]]

    def with_settings(self, *settings: str) -> CommandLine:
        """The same command with these settings instead of its own of the same names."""
        names = {setting.partition("=")[0] for setting in settings}
        own = [argument for argument in self.for_hydra if argument.partition("=")[0] not in names]
        return read_command_line([*own, *settings])


def read_command_line(arguments: Sequence[str]) -> CommandLine:
    """Raises ConfigError where an argument is no setting, with the form to type where quotes would make it one."""
    sweep = any(argument in SWEEP for argument in arguments)
    options, settings, config_dir = _split(arguments)
    both = [setting for setting in settings if re.match(r"(algorithm\.)?trials=", setting)]
    if len({setting.partition("=")[0] for setting in both}) > 1:
        raise ConfigError(f"{' and '.join(both)} are one setting, of which trials is the short name: give one of them")
    settings = [_meant(_in_full(setting), sweep) for setting in _with_model_name(settings)]
    overrides = [_parsed(setting) for setting in settings]
    swept = [override for override in overrides if override.is_sweep_override()]
    if swept and not sweep:
        raise ConfigError(f"{swept[0].input_line} lists several values: give -m as well to run them all, one after the other")
    values = {override.key_or_group: tuple(override.sweep_string_iterator()) for override in swept}
    return CommandLine(
        for_hydra=(*(SWEEP[:1] if sweep else ()), *options, *settings),
        config_dir=config_dir,
        sweep=sweep,
        cells=math.prod(len(texts) for texts in values.values()),
        swept=values,
    )


def _split(arguments: Sequence[str]) -> tuple[list[str], list[str], Path | None]:
    """Options with their values, settings, and the value of --config-dir."""
    options: list[str] = []
    settings: list[str] = []
    config_dir: Path | None = None
    rest = iter(argument for argument in arguments if argument not in SWEEP)
    for argument in rest:
        if not argument.startswith("-"):
            settings.append(argument)
            continue
        option, equals, value = argument.partition("=")
        if (name := option.lstrip("-").replace("-", "_")) in {f.name for f in fields(RunConfig)}:
            raise ConfigError(f"{argument} is no option: settings are given as NAME=VALUE, here {name}={value or 'VALUE'}")
        options.append(argument)
        if option in _WITH_VALUE and not equals:
            value = next(rest, "")
            options.append(value)
        if option in CONFIG_DIR:
            config_dir = Path(value)
            if not config_dir.is_dir():
                raise ConfigError(f"{option} is {value!r}, but it must be a folder, of the same shape as {CONF}")
    return options, settings, config_dir


def _with_model_name(settings: list[str]) -> list[str]:
    """`model.source` alone, without `model` or a preset, is another model than the default one: it gets a name of its own,
    made from the source. Raises ConfigError where no search space was chosen for it."""
    given = {found[2]: found[3] for found in map(_ASSIGNED.fullmatch, settings) if found}
    source = given.get("model.source", "")
    if source in ("", "null") or given.keys() & {"model", "model.name", "preset"}:
        return settings
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(source.strip("'\"")).name).strip("-._")
    if (CONF / "model" / f"{name}.yaml").exists():
        raise ConfigError(
            f"model.source is {source}, but {name} is the name of a model that is known: give model={name}, or another "
            "model.name=NAME and a space=..."
        )
    if "space" not in given:
        spaces = ", ".join(sorted(path.stem for path in (CONF / "space").glob("*.yaml")))
        raise ConfigError(
            f"model.source is {source}, for which no search space is known: give space=bert for a model of BERT's size, or "
            f"another of {spaces}; what results call it will be model.name={name}"
        )
    return [*settings, f"model.name={name}"]


def _in_full(setting: str) -> str:
    """The setting that a shorthand stands for: trials=64 is algorithm.trials=64."""
    return re.sub(r"^trials=", "algorithm.trials=", setting)


def _meant(setting: str, sweep: bool) -> str:
    found = _ASSIGNED.fullmatch(setting)
    if found is None:
        return setting
    prefix, name, value = found.groups()
    choice = name in _groups()
    if not choice and name not in _text_settings():
        return setting
    said_otherwise = value == "" or "${" in value or _FUNCTION.fullmatch(value) or (value == "null" and not choice)
    in_hydras_grammar = value[:1] in ("'", '"', *(() if choice and name not in LISTS else ("[", "{"))) and _is_read(setting)
    if said_otherwise or in_hydras_grammar or ("," in value and choice and not sweep):
        return setting
    parts = value.split(",") if sweep else [value]
    return f"{prefix}{name}={','.join(part if _is_text(part) else quoted(part) for part in parts)}"


def _is_text(value: str) -> bool:
    """Whether Hydra reads the value as the text that was meant: as it stands, or with spaces and the like after backslashes, as
    Hydra itself writes a cell's settings."""
    try:
        read = OverridesParser.create().parse_override(f"setting={value}").value()
    except HydraException:
        return False
    return bool(read == value) or (isinstance(read, str) and "\\" in value)


def _is_read(setting: str) -> bool:
    try:
        OverridesParser.create().parse_override(setting)
    except HydraException:
        return False
    return True


def _parsed(setting: str) -> Override:
    try:
        return OverridesParser.create().parse_override(setting)
    except HydraException as error:
        found = _ASSIGNED.fullmatch(setting)
        if found is None:
            raise ConfigError(
                f"{setting!r} is not NAME=VALUE, as in algorithm=pbt, nor ~NAME to remove a setting{_table_hint(setting)}"
            ) from error
        raise ConfigError(f"{setting} can't be read: {_remedy(*found.groups())}") from error


def _table_hint(argument: str) -> str:
    if Path(argument).suffix not in TABLES or not Path(argument).is_file():
        return ""
    return f"; a table is given by task=csv task.train_file={argument} task.text_a=COLUMN task.label=COLUMN"


def _remedy(prefix: str, name: str, value: str) -> str:
    if value[:1] in ("[", "{"):
        return "close each bracket, and put text within in quotes where it has other characters than letters and digits"
    form = shlex.quote(f'{prefix}{name}="{value}"' if '"' not in value else f"{prefix}{name}={quoted(value)}")
    return f"text with brackets, quotes or other special characters goes in quotes: {form}"


def _groups() -> set[str]:
    return {folder.name for folder in CONF.iterdir() if folder.is_dir()}


def _text_settings() -> set[str]:
    """Names of the settings whose values are text, by the annotations of the dataclasses that hold them."""
    holders: list[tuple[str, type[Any]]] = [
        ("", RunConfig),
        ("model.", ModelSettings),
        ("price.", Price),
        ("resources.", ResourceSettings),
        *(("task.", settings) for settings in SETTINGS.values()),
    ]
    named = {f"{part}.name" for part in ("algorithm", "algorithm.searcher", "algorithm.scheduler", "engine", "protocol")}
    return {
        *named,
        "algorithm.searcher.source",
        *(f"algorithm.{key}" for key in PRESENTATION_KEYS),
        *(prefix + name for prefix, holder in holders for name in _text_fields(holder)),
    }


def _text_fields(holder: type[Any]) -> Iterator[str]:
    for name, hint in get_type_hints(holder).items():
        kinds = set(get_args(hint) if isinstance(hint, UnionType) else (hint,))
        if kinds & {str, Path} and not kinds & {int, float}:
            yield name
