"""A search, the retraining of its winner or the audit of its stopped trials, run from where its log ends to its own end."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import ray

from tuneoff.algorithms.search import Search
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
from tuneoff.records.audit import is_drawn
from tuneoff.records.history import Earlier
from tuneoff.records.provenance import now_utc
from tuneoff.records.schema import Cell, Header, Record, SessionEndRecord, SessionStartRecord
from tuneoff.records.store import LOG_FILE, RETRAIN_FILE, RUNTIME_FOLDER, STATE_FOLDER, LogWriter, load_cell
from tuneoff.study.audit import resume_audit, unstarted
from tuneoff.study.plan import UNLIMITED_TRIALS, budget_gate, budget_limits
from tuneoff.study.resume import Resumption, resume
from tuneoff.study.session import Ready, Session


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


def run_phase(session: Session, ready: Ready, header: Header, phase: Phase, listener: Listener) -> tuple[str, str]:
    """Runs the rest of a phase; returns its status and, where it is not finished, the reason."""
    config, slots = ready.config, ready.slots
    with LogWriter(config.cell, phase.log) as writer:
        log, earlier = _brought_up(writer, config, phase, listener)
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


def _brought_up(writer: LogWriter, config: RunConfig, phase: Phase, listener: Listener) -> tuple[Cell, Earlier]:
    """The log, with what a session that was cut off did not write any more, and the state in which it left the phase. The
    search of the phase is told all of it."""
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
    return load_cell(config.cell, phase.log), resumption.earlier


def _resumption(config: RunConfig, phase: Phase) -> Resumption:
    log, pace = load_cell(config.cell, phase.log), config.training.evaluations_per_epoch
    if phase.audited:
        return resume_audit(load_cell(config.cell), log, phase.search, phase.audited, pace)
    return resume(log, phase.search, pace)
