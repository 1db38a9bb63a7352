"""python -m benchmarks.replay STUDY [name=value ...]
python -m benchmarks.replay table=FILE format=opda [name=value ...]

Predicts every search on one recorded study (python -m benchmarks.run algorithm=record), or on somebody else's table, by
replaying it on the recorded curves. Settings, each with its default:

  algorithms=random,random_asha,grid,hyperopt   also with knobs and a name: asha2=random_asha:scheduler.reduction_factor=2
  budgets=...          epochs:24,minutes:10,dollars:0.05; by default 2, 4, 8 and 16 whole trials' worth of epochs
  slots=... devices=...  trials at once, and the devices held for them, which are paid for; as recorded, else 2
  price=...            of the study, or a name of conf/price, or dollars an hour
  margin=1             points below which two searches are equivalent; in its own unit for a metric that is no share
  world=auto           pool (the recorded trials), gp, forest
  worlds=20 replays=50 whole=1000   redrawn worlds, replays of each search in each, and on the whole table
  what_if=true         slots, ASHA's reduction and grace, spot interruptions, at the budget in the middle
  interruptions=0.1    of a slot an hour, in the what-ifs
  processes=...        all cores
  results=results      folder of all studies
  out=...              folder of what is written; STUDY/replay, or predicted/NAME for a foreign table
  table=FILE format=opda|csv|optuna|wandb-csv|ray
  validation=COLUMN test=COLUMN step=COLUMN trial=COLUMN seconds=COLUMN minimise=false evaluations_per_epoch=1
  metric=...           of a foreign table; accuracy where all scores lie between 0 and 1
  random=false         true: its trials are independent draws from the space
  space={learning_rate: {type: float, low: 1e-5, high: 1e-3, log: true}}   of a foreign table; read off its trials by default

A replay that was cut off goes on when the same command is given again.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tuneoff.budget import Budget
from tuneoff.errors import ConfigError, UserError, check_flag, check_number, check_one_of, check_whole
from tuneoff.predictions.section import markdown, write_prediction
from tuneoff.price import Price, load_price
from tuneoff.records.store import find_cells, read_header
from tuneoff.replay.candidates import candidates_of, changes, require_replayable
from tuneoff.replay.foreign import Options, format_names, read_foreign
from tuneoff.replay.holdout import KINDS
from tuneoff.replay.plan import Candidate, Scenario
from tuneoff.replay.predict import Prediction, pass_gate, predict
from tuneoff.replay.recorded import read_study
from tuneoff.replay.runner import Effort
from tuneoff.replay.table import Table
from tuneoff.report import wording

DEFAULTS: Mapping[str, Any] = {
    "algorithms": "random,random_asha,grid,hyperopt",
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
WORTH = (2, 4, 8, 16)
"""Budgets by default, in whole trials."""
STORE = "replays.jsonl"


@dataclass(frozen=True, kw_only=True)
class Request:
    """A command line, read. settings: as DEFAULTS, with what was given."""

    study: str | None
    settings: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.settings[name]


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0, 2 with one sentence on stderr where a setting or the table is wrong, 130 when stopped."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if {"-h", "--help"} & set(given):
        print(__doc__.strip())
        return 0
    try:
        run(read(given))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on with the replays that are done", file=sys.stderr)
        return 130
    return 0


def run(request: Request) -> Prediction:
    """Reads, checks, replays and writes. UserError before the first replay where something is wrong."""
    table, out = _table(request)
    price = _price(request)
    candidates = candidates_of(str(request["algorithms"]))
    require_replayable(candidates)
    scenarios = [_scenario(request, table, budget, price) for budget in _budgets(request, table)]
    replayed = [candidate for candidate in candidates if not candidate.population]
    margin = _margin(request, table)
    middle = scenarios[len(scenarios) // 2]
    what_ifs = changes(replayed, middle, table, interruptions=float(request["interruptions"])) if request["what_if"] else []
    effort = Effort(worlds=request["worlds"], replays=request["replays"], whole=request["whole"])
    with _bar() as bar:
        gate = pass_gate(table, str(request["world"]))
        job = bar.add_task("replays", total=None)
        prediction = predict(
            table,
            gate,
            candidates,
            scenarios,
            what_ifs,
            effort=effort,
            margin=margin,
            store=out / STORE,
            processes=request["processes"] or len(os.sched_getaffinity(0)),
            started=lambda total: bar.update(job, total=total),
            advanced=lambda count: bar.advance(job, count),
        )
    real = prediction.not_replayed if table.task_words else ()
    commands = [_real(candidate, table, scenario) for candidate in real for scenario in scenarios]
    written = write_prediction(prediction, out, commands)
    print(markdown(prediction, commands))
    print(f"Written: {', '.join(str(path) for path in written)}")
    return prediction


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


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
    if (settings["table"] is None) == (not studies) or len(studies) > 1:
        raise ConfigError("give one recorded study, as in python -m benchmarks.replay STUDY, or table=FILE format=...")
    if settings["table"] is not None:
        names = tuple(name.replace("_", "-") for name in format_names())
        check_one_of("format", settings["format"], names)
    return Request(study=studies[0] if studies else None, settings=settings)


def _plain(name: str, value: str) -> Any:
    try:
        return yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise ConfigError(f"{name} is {value!r}, but it can't be read: {str(error).splitlines()[0]}") from error


def _table(request: Request) -> tuple[Table, Path]:
    """The table, and the folder of what is written."""
    given = None if request["out"] is None else Path(request["out"])
    if request.study is not None:
        folder = next((f for f in (Path(request["results"]) / request.study, Path(request.study)) if f.is_dir()), None)
        table = read_study(folder or Path(request["results"]) / request.study)
        assert folder is not None
        return table, given or folder / "replay"
    path = Path(request["table"])
    names = ("validation", "test", "step", "trial", "seconds", "minimise", "space", "evaluations_per_epoch", "metric", "random")
    table = read_foreign(path, request["format"], Options(**{name: request[name] for name in names}))
    return table, given or Path("predicted") / table.name


def _price(request: Request) -> Price:
    value = request["price"]
    if isinstance(value, int | float):
        return Price(name="custom", per_device_hour_usd=value, source="given to the replay", date="today")
    if value is not None:
        return load_price(str(value))
    if request.study is not None:
        folder = Path(request["results"]) / request.study
        cell = next(iter(find_cells(folder if folder.is_dir() else Path(request.study))), None)
        if cell is not None:
            return Price.from_dict(read_header(cell).price)
    return Price(name="none", per_device_hour_usd=0.0, source="no price was given", date="")


def _budgets(request: Request, table: Table) -> list[Budget]:
    if request["budgets"] is None:
        return [Budget(unit="epochs", amount=float(count * table.max_epochs)) for count in WORTH]
    return [Budget.parse(text) for text in str(request["budgets"]).split(",")]


def _margin(request: Request, table: Table) -> float:
    """In the unit of the scores. ConfigError where a metric that is no share comes without one."""
    if request["margin"] is None and not wording.is_share(table.metric):
        raise ConfigError(f"margin is null, but what matters of {table.metric} is not known: give the difference that does")
    return float(1.0 if request["margin"] is None else request["margin"]) / wording.scale_of(table.metric)


def _scenario(request: Request, table: Table, budget: Budget, price: Price) -> Scenario:
    """By default with the slots and devices of the recording."""
    slots = int(request["slots"] or table.slots or 2)
    recorded = table.devices if request["slots"] is None else None
    return Scenario(budget=budget, slots=slots, devices=int(request["devices"] or recorded or slots), price=price)


def _real(candidate: Candidate, table: Table, scenario: Scenario) -> str:
    words = " ".join((candidate.command, *table.task_words))
    return f"python -m benchmarks.run {words} budget={scenario.budget_text} study={table.name}-real"


def command() -> None:
    sys.exit(main())
