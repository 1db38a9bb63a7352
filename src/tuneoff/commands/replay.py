"""tuneoff replay STUDY [name=value ...]
tuneoff replay table=FILE format=opda [name=value ...]

Predicts every search on one recorded study (tuneoff run algorithm=record), or on somebody else's table, by
replaying it on the recorded curves. Settings, each with its default:

  algorithms=random,random_asha,grid,hyperopt,pbt   also with knobs and a name: asha2=random_asha:scheduler.reduction_factor=2;
                       pbt can't be replayed: the section says how to run it, and shows what it scored where it was run
  budgets=...          epochs:24,minutes:10,dollars:0.05; by default 2, 4, 8 and 16 whole trials' worth of epochs
  slots=... devices=...  trials at once, and the devices held for them, which are paid for; as recorded, else 2
  price=...            of the study, or a name of conf/price, or dollars an hour
  margin=1             points below which two searches are equivalent; in its own unit for a metric that is no share (0.01
                       where its range is known; else it must be given)
  world=auto           pool (the recorded trials), gp, forest
  worlds=20 replays=50 whole=1000   redrawn worlds, replays of each search in each, and on the whole table
  what_if=true         slots, ASHA's reduction and grace, spot interruptions, another price, at the budget in the middle
  interruptions=0.1    of a slot an hour, in the what-ifs
  other_price=...      in the what-ifs, given as price is; half the price by default
  as_far=...           true: the table is an old search, and it is asked what others would have cost to get as far; by default
                       where its trials were not drawn at random
  processes=...        all cores
  results=results      folder of all studies, or its address, such as s3://BUCKET/FOLDER
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
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tuneoff.budget import Budget
from tuneoff.commands.elsewhere import brought
from tuneoff.commands.entry import print_error
from tuneoff.commands.replay_request import Request, read
from tuneoff.commands.report import checked_study, study_folders
from tuneoff.errors import ConfigError, UserError
from tuneoff.predictions.real import RealResult, real_results
from tuneoff.predictions.section import REAL_SUFFIX, markdown, real_command, write_prediction
from tuneoff.price import Price, load_price
from tuneoff.records.store import find_cells, read_header
from tuneoff.replay.candidates import candidates_of, changes, require_replayable
from tuneoff.replay.foreign import Options, read_foreign
from tuneoff.replay.plan import Scenario
from tuneoff.replay.predict import Prediction, pass_gate, predict
from tuneoff.replay.recorded import read_study
from tuneoff.replay.runner import Effort
from tuneoff.replay.table import Table
from tuneoff.report import wording
from tuneoff.report.page.predicted import FOLDER as REPLAY_FOLDER

WORTH = (2, 4, 8, 16)
"""Budgets by default, in whole trials."""
STORE = "replays.jsonl"


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0, 2 with one sentence on stderr where a setting or the table is wrong, 130 when stopped."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if {"-h", "--help"} & set(given):
        print(__doc__.strip())
        return 0
    try:
        request = read(given)
        if request.study is None:
            run(request)
        else:
            with brought(str(request["results"]), "results") as results:
                run(replace(request, settings={**request.settings, "results": results}))
    except UserError as error:
        print_error(error)
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
    what_ifs = (
        changes(
            replayed,
            middle,
            table,
            interruptions=float(request["interruptions"]),
            price=_other_price(request["other_price"], price),
        )
        if request["what_if"]
        else []
    )
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
            graded=not table.drawn_at_random if request["as_far"] is None else request["as_far"],
            processes=request["processes"] or len(os.sched_getaffinity(0)),
            started=lambda total: bar.update(job, total=total),
            advanced=lambda count: bar.advance(job, count),
        )
    populations = prediction.not_replayed if table.task_words else ()
    commands = [real_command(one, table, scenario.budget_text) for one in populations for scenario in scenarios]
    real = _real_results(request, prediction)
    written = write_prediction(prediction, out, commands, real)
    print(markdown(prediction, commands, real))
    print(f"Written: {', '.join(str(path) for path in written)}")
    return prediction


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _table(request: Request) -> tuple[Table, Path]:
    """The table, and the folder of what is written."""
    given = None if request["out"] is None else Path(request["out"])
    if request.study is not None:
        folder = _folder(request)
        return read_study(folder), given or folder / REPLAY_FOLDER
    path = Path(os.path.abspath(request["table"]))  # has a name, whatever was typed
    names = ("validation", "test", "step", "trial", "seconds", "minimise", "space", "evaluations_per_epoch", "metric", "random")
    table = read_foreign(path, request["format"], Options(**{name: request[name] for name in names}))
    return table, given or Path("predicted") / table.name


def _price(request: Request) -> Price:
    if request["price"] is not None:
        return _given_price(request["price"])
    if request.study is not None:
        cell = next(find_cells(_folder(request)), None)
        if cell is not None:
            return Price.from_dict(read_header(cell).price)
    return Price(name="none", per_device_hour_usd=0.0, source="no price was given", date="")


def _given_price(value: Any) -> Price:
    if isinstance(value, int | float):
        return Price(name="custom", per_device_hour_usd=value, source="given to the replay", date="today")
    return load_price(str(value))


def _other_price(value: Any, price: Price) -> Price | None:
    """None where there is no price to compare with."""
    if value is not None:
        return _given_price(value)
    return _given_price(price.per_device_hour_usd / 2) if price.per_device_hour_usd else None


def _budgets(request: Request, table: Table) -> list[Budget]:
    if request["budgets"] is None:
        return [Budget(unit="epochs", amount=float(count * table.max_epochs)) for count in WORTH]
    return [Budget.parse(text) for text in str(request["budgets"]).split(",")]


def _margin(request: Request, table: Table) -> float:
    """In the unit of the scores. ConfigError where only the user can know what matters, and has not said so."""
    usual = wording.usual_margin(table.metric)
    if request["margin"] is not None:
        return float(request["margin"]) / wording.scale_of(table.metric)
    if usual is None:
        raise ConfigError(
            f"margin is null, but what matters of {table.metric} is not known: give the difference that does, in its unit, "
            "as in margin=0.05"
        )
    return usual


def _scenario(request: Request, table: Table, budget: Budget, price: Price) -> Scenario:
    """By default with the slots and devices of the recording."""
    slots = int(request["slots"] or table.slots or 2)
    recorded = table.devices if request["slots"] is None else None
    return Scenario(budget=budget, slots=slots, devices=int(request["devices"] or recorded or slots), price=price)


def _real_results(request: Request, prediction: Prediction) -> list[RealResult]:
    """Of the searches that can't be replayed: in the study itself, and in the one that the printed commands make."""
    if request.study is None or not prediction.not_replayed:
        return []
    folder = _folder(request)
    names = {str(one.settings.get("label") or one.settings["name"]) for one in prediction.not_replayed}
    return real_results(folder, [folder.with_name(folder.name + REAL_SUFFIX)], names)


def _folder(request: Request) -> Path:
    """Of the study that was named; it may not be there."""
    assert request.study is not None
    folders = study_folders(request.study, Path(request["results"]))
    return checked_study(next((folder for folder in folders if folder.is_dir()), folders[0]), Path(request["results"]))


def command() -> None:
    sys.exit(main())
