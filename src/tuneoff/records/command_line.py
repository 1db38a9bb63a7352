"""Settings as they are typed: values in Hydra's grammar, and the command that trains a search's winner again."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tuneoff.hparams import HParamValue
from tuneoff.records.recipe import Schedule
from tuneoff.records.remote.address import is_address
from tuneoff.records.schema import Header

RUN = "tuneoff run"
OLD_RUN = "python -m benchmarks.run"
"""The same, as records before 0.3 have it."""
_PLAIN_TEXT = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
_NO_TEXT = ("true", "false", "null", "nan", "inf")
"""Words that Hydra reads as something else than text."""
_SETTING = re.compile(r"(\+{0,2}|~)([\w./@:-]+)(=.*)?", flags=re.DOTALL)
_OF_THE_SEARCH = ("budget", "retrain", "audit", "dry_run", "tracker", "keep", "study", "trials", "energy")
"""Settings that say how a winner was looked for or shown, none of which its own training needs."""
_PARTS_OF_THE_SEARCH = ("algorithm", "record", "hparams", "tracker")
"""Groups of such settings; hyperparameters are given anew, as the winner has them."""


def quoted(value: str) -> str:
    """Quotes a value as text of Hydra's grammar, where a backslash counts before a quote mark and at the end only."""
    return "'" + re.sub(r"(\\*)('|$)", lambda found: found[1] * 2 + ("\\'" if found[2] else ""), value) + "'"


def written(value: HParamValue) -> str:
    """A value in Hydra's grammar, from which the same value is read."""
    if value is None:
        return "null"
    if isinstance(value, str):
        plain = _PLAIN_TEXT.fullmatch(value) and value.lower() not in _NO_TEXT
        return value if plain else quoted(value)
    return repr(value)


def winner_command(header: Header, cell: Path, schedule: Schedule) -> str:
    """The command, to be given where the search's was given, that trains the winner's hyperparameters from scratch.

    schedule: the winner's. One that changes in mid-run is followed as recorded in `cell`; else the hyperparameters are set.
    Task, model, protocol, repeat and all that is not part of the search are those of the search's own command.
    """
    changing = not schedule.constant
    source = {"algorithm.searcher.source": _source(header, cell)} if changing else {}
    algorithm = "pbt_replay" if changing else "default"
    study = f"{header.study}-{header.algorithm}-winner"
    values = schedule.segments[-1].hparams
    began = next((run for run in (RUN, OLD_RUN) if f"{header.command} ".startswith(f"{run} ")), None)
    if began is None:
        return _in_python(header, algorithm, study, source, values)
    given = shlex.split(header.command)[len(began.split()) :]
    kept = [one for one in given if not _is_of_the_search(one)]
    settings = [f"algorithm={algorithm}", *kept, f"study={written(study)}"]
    settings += [f"{name}={written(value)}" for name, value in source.items()]
    settings += [] if changing else _hparams(header, given, values)
    return " ".join([RUN, *map(shlex.quote, settings)])


def _source(header: Header, cell: Path) -> str:
    """The search's folder as its own command would name it."""
    results = header.config.get("results")
    if results is None or is_address(str(results)):  # there is a working copy of it here
        return str(cell)
    return str(Path(str(results)) / header.study / header.search_name)


def _is_of_the_search(setting: str) -> bool:
    found = _SETTING.fullmatch(setting)
    name = found[2] if found else ""
    return name in _OF_THE_SEARCH or name.split(".")[0] in _PARTS_OF_THE_SEARCH


def _hparams(header: Header, given: Iterable[str], values: Mapping[str, HParamValue]) -> list[str]:
    """The values that the search or its command set; all of them under a preset, whose own can depend on the algorithm."""
    named = [found for found in map(_SETTING.fullmatch, given) if found and found[2].startswith("hparams.")]
    added = {found[2].removeprefix("hparams.") for found in named if found[1] == "+"}
    known = header.config.get("hparams", {}).keys() - added
    wanted = {*searched(header), *(found[2].removeprefix("hparams.") for found in named)}
    if any(re.match("preset=|hparams=", setting) for setting in given):
        wanted |= values.keys()
    return [
        f"{'' if name in known else '++'}hparams.{name}={written(value)}" for name, value in values.items() if name in wanted
    ]


def searched(header: Header) -> list[str]:
    """Names of the hyperparameters that the search set, in the space's order."""
    return [name for name, domain in header.space.items() if domain is not None]


def _in_python(header: Header, algorithm: str, study: str, source: Mapping[str, str], values: Mapping[str, Any]) -> str:
    """The call of tuneoff.search that trains the winner, in the script whose function was searched."""
    engine = header.config.get("engine", {})
    named = {
        "algorithm": algorithm,
        "hparams": {name: value for name, value in values.items() if value is not None} if algorithm == "default" else None,
        "metric": engine.get("metric"),
        "direction": engine.get("direction"),
        "study": study,
        "repeat": header.repeat or None,
        "results": header.config.get("results"),
        "settings": [f"{name}={written(value)}" for name, value in source.items()] or None,
    }
    make = str(engine.get("make", "make_trainer")).rpartition(":")[2]
    return f"tuneoff.search({', '.join([make, *(f'{k}={v!r}' for k, v in named.items() if v is not None)])})"
