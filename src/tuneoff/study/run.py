"""One search from start to finish: a cell under results/, one Ray Tune run, one recorder."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import ray

from tuneoff.algorithms.configuration import AlgorithmConfig
from tuneoff.algorithms.search import Search, build
from tuneoff.config import RunConfig
from tuneoff.errors import StudyError
from tuneoff.execution import shared_state
from tuneoff.execution.faults import PROCESS_DIED, common_cause
from tuneoff.execution.kept import kept_weights
from tuneoff.execution.ray_scheduler import RayScheduler, Restored, restore
from tuneoff.execution.ray_searcher import RaySearcher
from tuneoff.execution.recorder import Recorder, settle
from tuneoff.execution.runtime import Slots
from tuneoff.execution.snapshots import discard_damaged
from tuneoff.execution.tune import REFERENCES_FOLDER, fit
from tuneoff.records.audit import AUDITED, completed_share, drawn, is_drawn
from tuneoff.records.provenance import PROTOCOL_VERSION, git, now_utc, plugin_hashes, versions
from tuneoff.records.schema import SCHEMA_VERSION, CalibrationRecord, Cell, Header, Record, SessionEndRecord, SessionStartRecord
from tuneoff.records.store import (
    AUDIT_FILE,
    HEADER_FILE,
    LOG_FILE,
    RETRAIN_FILE,
    RUNTIME_FOLDER,
    STATE_FOLDER,
    LogWriter,
    exclusive,
    load_cell,
    must_be_as_sealed,
    read_header,
    write_header,
)
from tuneoff.redaction import redacted, redacted_settings
from tuneoff.seeds import derive
from tuneoff.study.audit import audit_search, resume_audit, unstarted
from tuneoff.study.estimate import estimate, simulate
from tuneoff.study.hardware import hardware
from tuneoff.study.meters import Meters, add
from tuneoff.study.plan import UNLIMITED_TRIALS, algorithm_and_context, budget_gate, budget_limits, build_search
from tuneoff.study.resume import Resumption, resume
from tuneoff.study.session import Ready, Session, WorkerError, must_export
from tuneoff.study.stored_cell import must_fit_the_study
from tuneoff.study.winner import leave_winner


class Interrupted(StudyError):
    """A search that could not go on, though its settings and data are right."""


@dataclass(frozen=True, kw_only=True)
class Listener:
    """Callbacks of a running search. Each is called in the driver, between Ray's events."""

    began: Callable[[RunConfig, Header, Slots, int | None, Cell], None] = lambda *_: None
    record: Callable[[Record], None] = lambda _: None
    ended: Callable[[], None] = lambda: None
    note: Callable[[str], None] = lambda _: None


@dataclass(frozen=True, kw_only=True)
class Phase:
    """A search, the retraining of its winner, or the audit of its stopped trials: each has a log of its own in the cell.

    audited: the audit's trials.
    """

    log: str
    search: Search
    prefix: str = "t"
    audited: list[str] = field(default_factory=list)

    @property
    def searching(self) -> bool:
        return self.log == LOG_FILE

    @property
    def trials(self) -> int | None:
        """The number of trials; None where a budget of time decides."""
        return self.search.num_trials if self.search.num_trials < UNLIMITED_TRIALS else None


def run(session: Session, config: RunConfig, listener: Listener, command: str = "") -> Path:
    """Runs or resumes the search and returns its cell. UserError before a search begins where the input is bad.

    command: the one that makes this cell, for the header.
    """
    session.check(config)
    cell = config.cell
    old = read_header(cell) if (cell / HEADER_FILE).exists() else None
    if old is not None:
        must_be_as_sealed(cell)
    ready = session.ready(config, old.data if old else None)
    must_export(config, ready.prepared.export is not None)
    for caution in ready.prepared.facts.get("cautions", ()):
        listener.note(redacted(f"note: {caution}"))
    search = _search(ready)
    with exclusive(cell.parents[1]):
        must_fit_the_study(config, ready.prepared.facts, ready.prepared.metrics[0])
        ready = session.settled(ready)
        header = old or _header(ready, command)
        if old is None:
            write_header(cell, header)
    with suppress(WorkerError):  # the first trial says so
        session.measure(ready, search)
    status, reason, meters = "finished", "", Meters(config.energy, ready.prepared.device)
    if header.status != "finished":
        with meters:
            status, reason = _run_phase(session, ready, header, Phase(log=LOG_FILE, search=search), listener)
    if status == "finished" and config.retrain:
        status, reason = _run_phase(session, ready, header, _retraining(ready), listener)
    if status == "finished":
        leave_winner(ready, listener.note)
    share = completed_share(header)
    if status == "finished" and config.audit > share:
        status, reason, share = _audit(session, ready, header, listener)
    extra = {**add(dict(header.extra), meters.found), "predicted": _predicted(ready, header, search)}
    if share:
        extra[AUDITED] = share
    write_header(cell, replace(header, status="running" if status == "interrupted" else status, extra=extra))
    if status == "interrupted":
        raise KeyboardInterrupt
    shutil.rmtree(cell / STATE_FOLDER, ignore_errors=True)
    if status == "failed":
        raise StudyError(
            f"no trial of {config.algorithm.name} came to a score: {reason}. Tracebacks, where there are "
            f"any, are in {cell / 'errors'}; to run it again, delete {config.cell_shown}"
        )
    return cell


def _resumption(config: RunConfig, phase: Phase) -> Resumption:
    log, pace = load_cell(config.cell, phase.log), config.training.evaluations_per_epoch
    if phase.audited:
        return resume_audit(load_cell(config.cell), log, phase.search, phase.audited, pace)
    return resume(log, phase.search, pace)


def _search(ready: Ready) -> Search:
    return build_search(ready.config, slots=ready.slots.count, devices=ready.slots.devices)


def _run_phase(session: Session, ready: Ready, header: Header, phase: Phase, listener: Listener) -> tuple[str, str]:
    """Runs the rest of a phase; returns its status and, where it is not finished, the reason."""
    config, slots = ready.config, ready.slots
    with LogWriter(config.cell, phase.log) as writer:
        if writer.repaired:
            listener.note(f"repaired: {writer.repaired}")
        for name in discard_damaged(config.cell / STATE_FOLDER):
            listener.note(
                f"note: the state in {name} is damaged and not used: its trial goes on from an earlier one, or begins again"
            )
        resumption = _resumption(config, phase)
        for end in resumption.missing_ends:
            writer.append(end)
        for start in unstarted(load_cell(config.cell, phase.log), phase.search, phase.audited):
            writer.append(start)
        log, earlier = load_cell(config.cell, phase.log), resumption.earlier
        limits = shared_state.Limits(
            best=earlier.best,
            epochs_spent=earlier.epochs_spent,
            snapshots=earlier.snapshots,
            **(budget_limits(config, slots, earlier) if phase.searching else {}),
        )
        state = shared_state.create(limits)
        restored = restore(state, earlier) if phase.search.population else Restored()
        scheduler = RayScheduler(
            phase.search,
            references=config.cell / RUNTIME_FOLDER / REFERENCES_FOLDER,
            snapshots=config.cell / STATE_FOLDER,
            restored=restored.members,
        )
        recorder = Recorder(
            config.cell,
            writer,
            state,
            earlier,
            listener.record,
            wanted=scheduler.wanted,
            written_at=restored.written_at,
            kept=kept_weights(log) if phase.searching else None,
            note=listener.note,
            spared=(lambda name: is_drawn(header, name, config.audit)) if phase.searching else (lambda _: False),
        )
        listener.began(config, header, slots, phase.trials, log)
        number = earlier.sessions + 1
        recorder.write(
            SessionStartRecord(
                session=number,
                time_utc=now_utc(),
                elapsed_seconds=recorder.elapsed_seconds,
                devices=slots.devices,
                device_kind=slots.device_kind,
            )
        )
        status, reason = "interrupted", "stopped from outside"
        try:
            inputs = session.inputs(
                ready,
                phase.search,
                state,
                retraining=phase.log == RETRAIN_FILE,
                keeps=phase.searching,
                timed=limits.deadline is not None,
            )
            searcher = RaySearcher(
                phase.search,
                unfinished=earlier.unfinished,
                first=len(earlier.started),
                prefix=phase.prefix,
                may_start=budget_gate(config, phase.search, state),
                proposed=recorder.proposed,
            )
            if len(earlier.ended) < phase.search.num_trials:
                fit(
                    config,
                    inputs=inputs,
                    workers=ready.workers,
                    search=phase.search,
                    searcher=searcher,
                    scheduler=scheduler,
                    recorder=recorder,
                    slots=slots,
                    ended=len(earlier.ended),
                )
            status, reason = recorder.outcome()
        except PROCESS_DIED as error:  # asked by the driver itself, between two trials
            recorder.lose(common_cause(error))
            status, reason = recorder.outcome()
        finally:
            elapsed = recorder.elapsed_seconds
            recorder.write(
                SessionEndRecord(session=number, time_utc=now_utc(), elapsed_seconds=elapsed, status=status, reason=reason)
            )
            listener.ended()
            shutil.rmtree(config.cell / RUNTIME_FOLDER, ignore_errors=True)
        if recorder.lost:
            ray.kill(state)
            raise Interrupted(f"{reason}: the search is interrupted, and the same command goes on with what is recorded")
        with suppress(*PROCESS_DIED):  # it died when it had nothing left to do
            left = settle(state)
            assert left == 0, f"{left} checkpoints were left behind"
        ray.kill(state)
    return status, reason


def _audit(session: Session, ready: Ready, header: Header, listener: Listener) -> tuple[str, str, float]:
    """Has the drawn trials go on to their end; returns the status, the reason and the share that is complete."""
    config = ready.config
    names = drawn(load_cell(config.cell), config.audit)
    if names:
        _, context = algorithm_and_context(config, ready.slots.count, ready.slots.devices)
        phase = Phase(log=AUDIT_FILE, search=audit_search(names, context), audited=names)
        status, reason = _run_phase(session, ready, header, phase, listener)
        if status != "finished":
            return status, reason, completed_share(header)
    return "finished", "", config.audit


def _predicted(ready: Ready, header: Header, search: Search) -> dict[str, float] | None:
    """The cost predicted from the workers' calibration, before the first step; shown beside the real one."""
    config, slots = ready.config, ready.slots
    rates = [r for r in load_cell(config.cell).records if isinstance(r, CalibrationRecord)]
    if not rates:
        return None
    work = simulate(config, lambda: _search(ready))
    return estimate(
        config, work, rates[: slots.count], header.data, slots=slots.count, devices=slots.devices, population=search.population
    ).to_dict()


def _retraining(ready: Ready) -> Phase:
    """The winner of the finished search, from scratch, on `retrain` new seeds."""
    config = ready.config
    again = AlgorithmConfig.from_dict(
        {
            "name": "retrain",
            "trials": config.retrain,
            "searcher": {"name": "replay", "source": str(config.cell)},
            "scheduler": {"name": "none"},
        }
    )
    _, context = algorithm_and_context(config, ready.slots.count, ready.slots.devices)
    return Phase(log=RETRAIN_FILE, search=build(again, context), prefix="r")


def _header(ready: Ready, command: str) -> Header:
    config, prepared = ready.config, ready.prepared
    return Header(
        schema_version=SCHEMA_VERSION,
        protocol_version=PROTOCOL_VERSION,
        study=config.study,
        task=config.task.name,
        model=config.model.name,
        algorithm=config.algorithm.name,
        repeat=config.repeat,
        protocol=config.protocol.name,
        metric=prepared.metrics[0],
        status="running",
        started_utc=now_utc(),
        config=config.raw,
        config_hash=config.hash,
        seeds=derive(config.seed, config.repeat),
        space=config.raw["space"],
        data={
            name: redacted_settings(fact) if isinstance(fact, str) or name == "cautions" else fact
            for name, fact in prepared.facts.items()
        },
        price=redacted_settings(config.price.as_dict()),
        versions=versions(),
        git={**git(), **({"plugins": plugin_hashes(config.plugins)} if config.plugins else {})},
        hardware=hardware(prepared.device),
        command=command,
    )
