"""One search from start to finish: a cell under results/, one Ray Tune run, one recorder."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ray

from tuneoff.algorithms.configuration import AlgorithmConfig
from tuneoff.algorithms.contracts import SearchContext
from tuneoff.algorithms.search import Search, build
from tuneoff.config import RunConfig
from tuneoff.errors import StudyError
from tuneoff.execution import shared_state as boards
from tuneoff.execution.ray_scheduler import RayScheduler, Restored, restore
from tuneoff.execution.ray_searcher import RaySearcher
from tuneoff.execution.recorder import Recorder, settle
from tuneoff.execution.runtime import Slots, executors, find_slots, start_ray
from tuneoff.execution.tune import REFERENCES_FOLDER, RUNTIME_FOLDER, fit
from tuneoff.records.provenance import PROTOCOL_VERSION, git, now_utc, versions
from tuneoff.records.schema import SCHEMA_VERSION, CalibrationRecord, Cell, Header, Record, SessionEndRecord, SessionStartRecord
from tuneoff.records.store import (
    HEADER_FILE,
    LOG_FILE,
    RETRAIN_FILE,
    STATE_FOLDER,
    LogWriter,
    find_cells,
    load_cell,
    must_be_free,
    read_header,
    write_header,
)
from tuneoff.seeds import derive
from tuneoff.study.estimate import estimate, simulate
from tuneoff.study.hardware import hardware
from tuneoff.study.meters import Meters, add, check_energy
from tuneoff.study.plan import UNLIMITED_TRIALS, algorithm_and_context, budget_gate, budget_limits, trial_inputs
from tuneoff.study.prepare import Prepared, prepare, resolve_device
from tuneoff.study.readiness import WorkerError, measure, settle_precision, workers
from tuneoff.study.reading import read_task
from tuneoff.study.resume import resume


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
    search: Search
    prefix: str = "t"

    @property
    def trials(self) -> int | None:
        """How many it will have; None where a budget of time decides."""
        return self.search.num_trials if self.search.num_trials < UNLIMITED_TRIALS else None


def run(config: RunConfig, listener: Listener, command: str = "") -> Path:
    """Runs or resumes the search and returns its cell. UserError before a search begins where the input is bad.

    command: what a person types to make this cell, for the header.
    """
    cell = config.cell
    must_be_free(cell)
    check_energy(config.energy)
    old = read_header(cell) if (cell / HEADER_FILE).exists() else None
    device = resolve_device(config)
    slots = find_slots(config, device)
    task, splits = read_task(config)
    algorithm, context = algorithm_and_context(config, slots.count, slots.devices)
    search = build(algorithm, context)
    start_ray(config, slots)
    executors(config, slots, device)  # they import what they need while this process goes on
    prepared = _ready(config, prepare(config, task, splits, old.data if old else None), search, slots)
    header = old or _header(config, prepared, command)
    if old is None:
        write_header(cell, header)
    status, reason, meters = "finished", "", Meters(config.energy, prepared.device)
    if header.status != "finished":
        with meters:
            status, reason = _run_phase(
                config, prepared, header, Phase(log=LOG_FILE, search=search), slots=slots, listener=listener
            )
    if status == "finished" and config.retrain:
        again = _retraining(config, context)
        status, reason = _run_phase(config, prepared, header, again, slots=slots, listener=listener)
    predicted = _predicted(config, header, slots, search)
    write_header(
        cell,
        replace(
            header,
            status="running" if status == "interrupted" else status,
            extra={**add(dict(header.extra), meters.found), "predicted": predicted},
        ),
    )
    if status == "interrupted":
        raise KeyboardInterrupt
    shutil.rmtree(cell / STATE_FOLDER, ignore_errors=True)
    if status == "failed":
        raise StudyError(
            f"no trial of {config.algorithm.name} came to a score: {reason}. Tracebacks, where there are "
            f"any, are in {cell / 'errors'}; to run it again, delete {cell}"
        )
    return cell


def _ready(config: RunConfig, prepared: Prepared, search: Search, slots: Slots) -> Prepared:
    """With the precision settled and, on this machine, all workers at the line: what a command does once is no search's charge.

    Where a worker fails the first trial says so.
    """
    known = _precision_of_study(config, prepared.device) if prepared.facts["precision"] is None else None
    if known is not None:
        prepared = prepared.with_precision(known)
    if prepared.facts["precision"] is None:
        with workers(config, slots, prepared.device) as handles:
            prepared = settle_precision(config, prepared, search, handles)
    with suppress(WorkerError):
        measure(config, prepared, search, executors(config, slots, prepared.device))
    return prepared


def _precision_of_study(config: RunConfig, device: str) -> Mapping[str, Any] | None:
    """What the study's other searches on this task and model chose on the same hardware: one precision for a comparison."""
    here = hardware(device)
    headers = [read_header(cell) for cell in find_cells(config.cell.parents[1])]
    same = [h for h in sorted(headers, key=lambda h: h.started_utc) if h.hardware == here]
    return same[0].data["precision"] if same else None


def _run_phase(
    config: RunConfig, prepared: Prepared, header: Header, phase: Phase, *, slots: Slots, listener: Listener
) -> tuple[str, str]:
    """Runs what is left of a phase; returns its status and, where it is not finished, the reason."""
    with LogWriter(config.cell, phase.log) as writer:
        if writer.repaired:
            listener.note(f"repaired: {writer.repaired}")
        resumption = resume(load_cell(config.cell, phase.log), phase.search, config.training.evaluations_per_epoch)
        for record in resumption.missing_ends:
            writer.append(record)
        log, earlier = load_cell(config.cell, phase.log), resumption.earlier
        limits = boards.Limits(
            best=earlier.best,
            epochs_spent=earlier.epochs_spent,
            snapshots=earlier.snapshots,
            **(budget_limits(config, slots, earlier) if phase.log == LOG_FILE else {}),
        )
        board = boards.create(limits)
        restored = restore(board, earlier) if phase.search.population else Restored()
        scheduler = RayScheduler(
            phase.search,
            references=config.cell / RUNTIME_FOLDER / REFERENCES_FOLDER,
            snapshots=config.cell / STATE_FOLDER,
            restored=restored.members,
        )
        recorder = Recorder(
            config.cell, writer, board, earlier, listener.record, wanted=scheduler.wanted, written_at=restored.written_at
        )
        listener.began(config, header, slots, phase.trials, log)
        session = earlier.sessions + 1
        recorder.write(
            SessionStartRecord(
                session=session,
                time_utc=now_utc(),
                elapsed_seconds=recorder.elapsed_seconds,
                devices=slots.devices,
                device_kind=slots.device_kind,
            )
        )
        status, reason = "interrupted", "stopped from outside"
        try:
            inputs = trial_inputs(
                config, prepared, phase.search, board, retraining=phase.log == RETRAIN_FILE, deadline=limits.deadline
            )
            searcher = RaySearcher(
                phase.search,
                unfinished=earlier.unfinished,
                first=len(earlier.started),
                prefix=phase.prefix,
                may_start=budget_gate(config, phase.search, board),
                proposed=recorder.proposed,
            )
            if len(earlier.ended) < phase.search.num_trials:
                fit(
                    config,
                    inputs,
                    search=phase.search,
                    searcher=searcher,
                    scheduler=scheduler,
                    recorder=recorder,
                    slots=slots,
                    ended=len(earlier.ended),
                )
            status, reason = recorder.outcome()
        finally:
            recorder.write(
                SessionEndRecord(
                    session=session, time_utc=now_utc(), elapsed_seconds=recorder.elapsed_seconds, status=status, reason=reason
                )
            )
            listener.ended()
            shutil.rmtree(config.cell / RUNTIME_FOLDER, ignore_errors=True)
        left = settle(board)
        assert left == 0, f"{left} checkpoints were left behind"
        ray.kill(board)
    return status, reason


def _predicted(config: RunConfig, header: Header, slots: Slots, search: Search) -> dict[str, float] | None:
    """What the workers' calibration, made before the first step, foretold; to be shown beside what it came to."""
    rates = [r for r in load_cell(config.cell).records if isinstance(r, CalibrationRecord)]
    if not rates:
        return None
    work = simulate(config, lambda: build(*algorithm_and_context(config, slots.count, slots.devices)))
    return estimate(
        config, work, rates[: slots.count], header.data, slots=slots.count, devices=slots.devices, population=search.population
    ).to_dict()


def _retraining(config: RunConfig, context: SearchContext) -> Phase:
    """The winner of the finished search, from scratch, on `retrain` new seeds."""
    again = AlgorithmConfig.from_dict(
        {
            "name": "retrain",
            "trials": config.retrain,
            "searcher": {"name": "replay", "source": str(config.cell)},
            "scheduler": {"name": "none"},
        }
    )
    return Phase(log=RETRAIN_FILE, search=build(again, context), prefix="r")


def _header(config: RunConfig, prepared: Prepared, command: str) -> Header:
    return Header(
        schema_version=SCHEMA_VERSION,
        protocol_version=PROTOCOL_VERSION,
        study=config.study,
        task=config.task.name,
        model=config.model.name,
        algorithm=config.algorithm.name,
        repeat=config.repeat,
        protocol=config.protocol.name,
        metric=prepared.task.metrics[0],
        status="running",
        started_utc=now_utc(),
        config=config.raw,
        config_hash=config.hash,
        seeds=derive(config.seed, config.repeat),
        space=config.raw["space"],
        data=prepared.facts,
        price=config.price.as_dict(),
        versions=versions(),
        git=git(),
        hardware=hardware(prepared.device),
        command=command,
    )
