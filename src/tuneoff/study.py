"""One search from start to finish: a cell under results/, one Ray Tune run, one recorder."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ray

from tuneoff import board as boards
from tuneoff import pool
from tuneoff.algorithms.base import AlgorithmConfig, Plan, SearchContext, build
from tuneoff.algorithms.discovery import load
from tuneoff.budget import Budget
from tuneoff.config import RunConfig
from tuneoff.errors import UserError
from tuneoff.estimate import estimate, simulate
from tuneoff.inputs import TrialInputs
from tuneoff.meters import Meters, add, check_energy
from tuneoff.numbering import NumberingSearcher
from tuneoff.prepare import Prepared, prepare, resolve_device
from tuneoff.provenance import PROTOCOL_VERSION, git, hardware, now_utc, versions
from tuneoff.record import SCHEMA_VERSION, CalibrationRecord, Cell, Header, Record, SessionEndRecord, SessionStartRecord
from tuneoff.recorder import Recorder, settle
from tuneoff.resume import Earlier, read_earlier, replay
from tuneoff.runtime import RUNTIME_FOLDER, Slots, find_slots, fit, start_ray
from tuneoff.schedule import Schedule, schedule_of
from tuneoff.seeds import derive
from tuneoff.snapshots import FOLDER
from tuneoff.storage import (
    HEADER_FILE,
    LOG_FILE,
    RETRAIN_FILE,
    LogWriter,
    find_cells,
    load_cell,
    must_be_free,
    read_header,
    write_header,
)

UNLIMITED_TRIALS = 100_000
"""More than a budget of time could start."""


class StudyError(UserError):
    """A cell that stands in the way, or a search that came to nothing."""


@dataclass(frozen=True, kw_only=True)
class Listener:
    """What a live view is told. Each is called in the driver, between Ray's events."""

    began: Callable[[RunConfig, Header, Slots, int | None, Cell], None] = lambda *_: None
    record: Callable[[Record], None] = lambda _: None
    ended: Callable[[], None] = lambda: None
    note: Callable[[str], None] = lambda _: None


@dataclass(frozen=True, kw_only=True)
class Phase:
    """A search, or the retraining of its winner: each has a log of its own in the cell."""

    log: str
    plan: Plan
    schedule: Schedule | None = None
    prefix: str = "t"

    @property
    def trials(self) -> int | None:
        """How many it will have; None where a budget of time decides."""
        return self.plan.num_trials if self.plan.num_trials < UNLIMITED_TRIALS else None


def finished(config: RunConfig) -> bool:
    """Whether the cell is there and complete. StudyError where one of another configuration stands in its place."""
    cell = config.cell
    if not (cell / HEADER_FILE).exists():
        return False
    header = read_header(cell)
    if header.config_hash != config.hash:
        raise StudyError(
            f"study={config.study} already has {config.algorithm.name}, repeat {config.repeat}, under another "
            f"configuration ({_first_difference(header.config, config.raw)}), and results are never overwritten: give "
            f"study=NAME, or delete {cell}")
    return header.status == "finished" and _retrained(cell) >= config.retrain


def _retrained(cell: Path) -> int:
    return len(load_cell(cell, RETRAIN_FILE).trial_ends)


def run(config: RunConfig, listener: Listener, command: str = "") -> Path:
    """Runs or resumes the search and returns its cell. UserError before Ray starts where the input is bad.

    command: what a person types to make this cell, for the header.
    """
    build(*algorithm_and_context(config, 1, 1))  # what does not fit the space is said before data is read
    cell = config.cell
    must_be_free(cell)
    check_energy(config.energy)
    old = read_header(cell) if (cell / HEADER_FILE).exists() else None
    slots = find_slots(config, resolve_device(config))
    prepared = prepare(config, old.data if old else None, _precision_of_study(config))
    header = old or _header(config, prepared, command)
    algorithm, context = algorithm_and_context(config, slots.count, slots.devices)
    start_ray(config, slots)
    if old is None:
        write_header(cell, header)
    search = Phase(log=LOG_FILE, plan=build(algorithm, context), schedule=_schedule(config))
    status, reason, meters = "finished", "", Meters(config.energy, prepared.device)
    if header.status != "finished":
        with meters:
            status, reason = _run_phase(config, prepared, header, search, slots=slots, listener=listener)
    if status == "finished" and config.retrain:
        again = _retraining(config, context)
        status, reason = _run_phase(config, prepared, header, again, slots=slots, listener=listener)
    predicted = _predicted(config, header, slots, search.plan)
    write_header(cell, replace(header, status="running" if status == "interrupted" else status,
                               extra={**add(dict(header.extra), meters.found), "predicted": predicted}))
    if status == "interrupted":
        raise KeyboardInterrupt
    shutil.rmtree(cell / FOLDER, ignore_errors=True)
    if status == "failed":
        raise StudyError(f"no trial of {config.algorithm.name} came to a score: {reason}. Tracebacks, where there are "
                         f"any, are in {cell / 'errors'}; to run it again, delete {cell}")
    return cell


def _precision_of_study(config: RunConfig) -> Mapping[str, Any] | None:
    """What the study's other searches on this task and model chose on the same hardware: one precision for a comparison."""
    here = hardware(resolve_device(config))
    headers = [read_header(cell) for cell in find_cells(config.cell.parents[1])]
    same = [h for h in sorted(headers, key=lambda h: h.started_utc) if h.hardware == here]
    return same[0].data["precision"] if same else None


def _run_phase(config: RunConfig, prepared: Prepared, header: Header, phase: Phase, *, slots: Slots,
               listener: Listener) -> tuple[str, str]:
    """Runs what is left of a phase; returns its status and, where it is not finished, the reason."""
    with LogWriter(config.cell, phase.log) as writer:
        log = load_cell(config.cell, phase.log)
        earlier = read_earlier(log)
        if writer.repaired:
            listener.note(f"repaired: {writer.repaired}")
        replay(log, phase.plan, config.training.evaluations_per_epoch)
        limits = boards.Limits(best=earlier.best, epochs_spent=earlier.epochs_spent, snapshots=earlier.snapshots,
                               **_budget_limits(config, slots, earlier, phase))
        board = boards.create(limits)
        recorder = Recorder(config.cell, writer, board, earlier, listener.record)
        listener.began(config, header, slots, phase.trials, log)
        session = earlier.sessions + 1
        recorder.write(SessionStartRecord(session=session, time_utc=now_utc(), elapsed_seconds=recorder.elapsed_seconds,
                                          devices=slots.devices, device_kind=slots.device_kind))
        status, reason = "interrupted", "stopped from outside"
        try:
            inputs = trial_inputs(config, prepared, phase.plan, board, schedule=phase.schedule,
                                  retraining=phase.log == RETRAIN_FILE, deadline=limits.deadline)
            searcher = NumberingSearcher(
                phase.plan.searcher, unfinished=earlier.unfinished, first=len(earlier.started), prefix=phase.prefix,
                may_start=_budget_gate(config, phase.plan, board), proposed=recorder.proposed)
            if len(earlier.ended) < phase.plan.num_trials:
                fit(config, inputs, phase.plan, searcher, recorder, slots=slots.count, ended=len(earlier.ended))
            status, reason = recorder.outcome()
        finally:
            recorder.write(SessionEndRecord(session=session, time_utc=now_utc(),
                                            elapsed_seconds=recorder.elapsed_seconds, status=status, reason=reason))
            listener.ended()
            shutil.rmtree(config.cell / RUNTIME_FOLDER, ignore_errors=True)
        left = settle(board)
        assert left == 0, f"{left} checkpoints were left behind"
        ray.kill(board)
    return status, reason


def trial_inputs(config: RunConfig, prepared: Prepared, plan: Plan, board: Any = None, *,
                 schedule: Schedule | None = None, retraining: bool = False,
                 deadline: float | None = None) -> TrialInputs:
    """What every trial is given. Ray must have been started: what is large is put into its object store."""
    training, began = config.training, time.time()
    material_key, material = pool.material(prepared)
    return TrialInputs(
        material=material, material_key=material_key, n_labels=len(prepared.task.label_names),
        metrics=prepared.task.metrics, hparams=config.hparams,
        seed=derive(config.seed, config.repeat)["retraining" if retraining else "training"], device=prepared.device,
        threads=config.resources.cpus_per_trial, batch_sizes=config.batch_sizes, bf16=prepared.bf16,
        evaluations_per_epoch=training.evaluations_per_epoch, bucket_lengths=training.bucket_lengths,
        cuda_graphs=training.cuda_graphs == "auto",
        evaluation_batch_size=training.evaluation_batch_size, resume=plan.resume,
        checkpoints=plan.checkpoints, schedule=schedule, snapshot_folder=str(config.cell / FOLDER),
        snapshot_seconds=training.snapshot_seconds,
        test_always=retraining or config.protocol.name == "blog2020", began=began, deadline=deadline, board=board)


def algorithm_and_context(config: RunConfig, slots: int, devices: int) -> tuple[AlgorithmConfig, SearchContext]:
    """The algorithm with its number of trials, which a budget decides where there is one."""
    defaults = {name: getattr(config.hparams, name) for name in config.space.domains}
    context = SearchContext(space=config.space, seed=derive(config.seed, config.repeat)["search"], slots=slots,
                            max_epochs=config.max_epochs, defaults=defaults,
                            evaluations_per_epoch=config.training.evaluations_per_epoch)
    if config.budget is None:
        return config.algorithm, context
    config.budget.wall_seconds(config.price, devices)
    return replace(config.algorithm, trials=_trials_within(config, config.budget)), context


def _trials_within(config: RunConfig, budget: Budget) -> int | None:
    """As many trials as the budget could ever start; a population is as large as the budget can train to the end.

    A population under a budget of time keeps its configured size: how many epochs that buys is not known beforehand.
    """
    if getattr(load("searcher", config.algorithm.searcher.name), "TRIALS_FIXED", False):
        return config.algorithm.trials
    population = getattr(load("scheduler", config.algorithm.scheduler.name), "POPULATION", False)
    if budget.unit != "epochs":
        return config.algorithm.trials if population else UNLIMITED_TRIALS
    if population:
        return max(2, int(budget.amount / config.max_epochs + 1e-9))
    return max(1, int(budget.amount * config.training.evaluations_per_epoch + 1e-9))


def _budget_gate(config: RunConfig, plan: Plan, board: Any) -> Callable[[str, Mapping[str, Any]], bool]:
    """Whether one more trial may start: a whole one where nothing stops it early, an evaluation of it otherwise."""
    whole = not plan.checkpoints and not hasattr(plan.scheduler, "replay")

    def may_start(name: str, point: Mapping[str, Any]) -> bool:
        if whole:
            return bool(ray.get(board.reserve.remote(name, float(point.get("num_epochs", config.hparams.num_epochs)))))
        return bool(ray.get(board.left.remote(1 / config.training.evaluations_per_epoch)))
    return may_start


def _budget_limits(config: RunConfig, slots: Slots, earlier: Earlier, phase: Phase) -> dict[str, Any]:
    if config.budget is None or phase.log == RETRAIN_FILE:
        return {}
    seconds = config.budget.wall_seconds(config.price, slots.devices)
    if seconds is None:
        return {"epochs": config.budget.amount}
    return {"deadline": time.time() + seconds - earlier.elapsed_seconds}


def _predicted(config: RunConfig, header: Header, slots: Slots, plan: Plan) -> dict[str, float] | None:
    """What the workers' calibration, made before the first step, foretold; to be shown beside what it came to."""
    rates = [r for r in load_cell(config.cell).records if isinstance(r, CalibrationRecord)]
    if not rates:
        return None
    work = simulate(config, lambda: build(*algorithm_and_context(config, slots.count, slots.devices)))
    return estimate(config, work, rates[:slots.count], header.data, slots=slots.count, devices=slots.devices,
                    checkpoints=plan.checkpoints).to_dict()


def _schedule(config: RunConfig) -> Schedule | None:
    """What every trial follows, where the algorithm replays a recorded search."""
    module = load("searcher", config.algorithm.searcher.name)
    return module.schedule(config.algorithm.searcher.settings) if hasattr(module, "schedule") else None


def _retraining(config: RunConfig, context: SearchContext) -> Phase:
    """The winner of the finished search, from scratch, on `retrain` new seeds."""
    again = AlgorithmConfig.from_dict({
        "name": "retrain", "trials": config.retrain, "searcher": {"name": "replay", "source": str(config.cell)},
        "scheduler": {"name": "none"}})
    return Phase(log=RETRAIN_FILE, plan=build(again, context), schedule=schedule_of(load_cell(config.cell)), prefix="r")


def _header(config: RunConfig, prepared: Prepared, command: str) -> Header:
    return Header(
        schema_version=SCHEMA_VERSION, protocol_version=PROTOCOL_VERSION, study=config.study, task=config.task.name,
        model=config.model.name, algorithm=config.algorithm.name, repeat=config.repeat, protocol=config.protocol.name,
        metric=prepared.task.metrics[0], status="running", started_utc=now_utc(), config=config.raw,
        config_hash=config.hash, seeds=derive(config.seed, config.repeat), space=config.raw["space"],
        data=prepared.facts, price=config.price.as_dict(), versions=versions(), git=git(),
        hardware=hardware(prepared.device), command=command)


def _first_difference(old: Any, new: Any, where: str = "") -> str:
    """The first setting in which two configurations differ, for a message."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}, key=str):
            found = _first_difference(old.get(key), new.get(key), f"{where}.{key}" if where else str(key))
            if found and key not in ("results", "view"):
                return found
        return ""
    return "" if old == new else f"{where} was {old!r} and is {new!r}"
