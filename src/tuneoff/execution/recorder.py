"""Turns Ray Tune's events into records; the single writer of a cell's log."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import ray
from ray.tune import Callback, Stopper
from ray.tune.experiment import Trial as TuneTrial

from tuneoff.evaluation import Cost
from tuneoff.execution.faults import PROCESS_DIED, cause_of_death, common_cause
from tuneoff.execution.kept import KeptWeights
from tuneoff.execution.messages import MESSAGE, TRIAL, Ended, Evaluated
from tuneoff.execution.snapshots import drop
from tuneoff.records.history import Earlier
from tuneoff.records.schema import (
    COMPLETED,
    FAILED,
    INTERRUPTED,
    STOPPED,
    STOPPED_EARLY,
    CalibrationRecord,
    EvaluationRecord,
    Record,
    TrialEndRecord,
    TrialStartRecord,
)
from tuneoff.records.store import STATE_FOLDER, LogWriter
from tuneoff.redaction import redacted

ERRORS_FOLDER = "errors"
_FAILURE = re.compile(r"^Failure # \d+ .*$", re.MULTILINE)
KEEP_EVERY = 8
"""Checkpoints written between two clean-ups of those in memory."""


class Recorder(Callback):  # type: ignore[misc]
    """listen: called with every record once it is on the disk. wanted: serial numbers of the states that can still be asked
    for. written_at: the evaluation at which those of earlier sessions were written, by serial number. kept: None where no
    weights are kept. spared: whether the state of a trial of this name stays on the disk where it is stopped early.
    note: told of deaths."""

    def __init__(
        self,
        cell: Path,
        writer: LogWriter,
        shared_state: Any,
        earlier: Earlier,
        listen: Callable[[Record], None],
        *,
        wanted: Callable[[], Collection[int]] = frozenset,
        written_at: Mapping[int, int] | None = None,
        kept: KeptWeights | None = None,
        spared: Callable[[str], bool] = lambda _: False,
        note: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._cell, self._writer, self._shared_state, self._listen = cell, writer, shared_state, listen
        self._began = time.monotonic() - earlier.elapsed_seconds
        self._evaluations = dict(earlier.evaluations)
        self._started, self._ended = set(earlier.started), set(earlier.ended)
        self._wanted, self._kept, self._spared, self._note = wanted, kept, spared, note
        self._written_at: dict[int, int] = dict(written_at or {})
        """Serial of a checkpoint -> its writer's evaluation."""
        self._unkept = 0
        """Checkpoints written since the last clean-up."""
        self._last_reason = ""
        self.lost = ""
        """Why the search can't go on, where a process of ours died; its trials are left unended, to be resumed."""

    def __getstate__(self) -> dict[str, Any]:
        """Ray pickles callbacks for a restore of its own, which is never used: nothing of this one belongs there."""
        return {}

    @property
    def elapsed_seconds(self) -> float:
        return time.monotonic() - self._began

    def lose(self, reason: str) -> None:
        """The search can't go on."""
        self.lost = self.lost or reason

    def outcome(self) -> tuple[str, str]:
        """(status of the session, reason): finished, failed where no trial was scored, or interrupted."""
        if self.lost:
            return "interrupted", self.lost
        if self._started - self._ended:
            return "interrupted", f"{len(self._started - self._ended)} trials had not ended"
        if not self._evaluations:
            return "failed", self._last_reason or "no trial was started"
        return "finished", ""

    def write(self, record: Record) -> None:
        self._writer.append(record)
        self._listen(record)

    def proposed(self, name: str, point: Mapping[str, Any]) -> None:
        """Records a trial when it is proposed, not when it starts: a resumed search goes on with the next number."""
        self._started.add(name)
        self.write(TrialStartRecord(trial_id=name, hparams=dict(point), elapsed_seconds=self.elapsed_seconds))

    def on_trial_result(
        self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, result: dict[str, Any], **info: Any
    ) -> None:
        message = result.get(MESSAGE)
        if not isinstance(message, Evaluated):
            return
        if message.snapshot is not None or message.serial is not None:
            trial.run_metadata.num_failures = 0  # it goes on from here: deaths are counted from one such evaluation to the next
        if message.rates is not None:
            rates = asdict(message.rates)
            self.write(CalibrationRecord(worker=message.worker, elapsed_seconds=self.elapsed_seconds, **rates))
        name = message.trial_id
        number = self._evaluations[name] = self._evaluations.get(name, 0) + 1
        if message.serial is not None:
            self._written_at[message.serial] = number
            self._unkept += 1
        parent, serial = message.parent or (None, 0)
        record = EvaluationRecord(
            trial_id=name,
            evaluation=number,
            parent_trial_id=parent,
            parent_evaluation=self._written_at.get(serial),
            hparams=message.hparams,
            examples_seen=message.examples_seen,
            epoch=message.epoch,
            validation=message.validation,
            test=message.test,
            cost=message.cost,
            peak_memory_bytes=message.peak_memory_bytes,
            elapsed_seconds=self.elapsed_seconds,
            worker=message.worker,
            snapshot=message.snapshot,
            intervals=message.intervals,
            kept=message.kept,
        )
        self.write(record)
        if self._kept is not None:
            self._kept.recorded(record)
        if message.snapshot is not None:
            self._shared_state.recorded.remote(name, message.snapshot)
        if self._unkept >= KEEP_EVERY:
            self._keep_checkpoints(trials)

    def on_trial_complete(self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, **info: Any) -> None:
        message = (trial.last_result or {}).get(MESSAGE)
        if isinstance(message, Ended):
            self._end(trial, message)
        elif isinstance(message, Evaluated) and message.done:
            self._end(trial, self._ending(trial, COMPLETED, "", worker=message.worker))
        elif isinstance(message, Evaluated):
            self._end(trial, self._ending(trial, STOPPED, STOPPED_EARLY, worker=message.worker))
        else:
            self._end(trial, self._ending(trial, FAILED, "it ended without a result"))

    def on_trial_error(self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, **info: Any) -> None:
        """The trial's process died: exceptions of the trainer come as a result."""
        try:
            ray.get(self._shared_state.seconds_left.remote())
        except PROCESS_DIED as died:  # its worker asked for something between two evaluations
            self.lose(common_cause(died))
        text = _last_error(trial)
        self._end(trial, self._ending(trial, FAILED, f"the worker died: {cause_of_death(text)}", traceback=text))

    def on_trial_recover(self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, **info: Any) -> None:
        """A process died, and the trial goes on from its newest recorded state."""
        name, text = trial.config[TRIAL], _last_error(trial)
        self._keep_traceback(name, text)
        self._note(f"note: {name} goes on from its last evaluation, since its worker died ({redacted(cause_of_death(text))})")

    def _ending(self, trial: TuneTrial, status: str, reason: str, *, worker: str = "", traceback: str = "") -> Ended:
        """The end of a trial that did not report it itself; all of its cost is in its evaluations."""
        name = trial.config[TRIAL]
        return Ended(trial_id=name, status=status, reason=reason, cost=Cost(), worker=worker, traceback=traceback)

    def _end(self, trial: TuneTrial, ended: Ended) -> None:
        name, reason = ended.trial_id, redacted(ended.reason)
        if ended.status == INTERRUPTED:
            self.lost = reason
        if self.lost or name in self._ended:
            return
        self._ended.add(name)
        self._last_reason = reason or self._last_reason
        self._shared_state.ended.remote(name)
        if ended.traceback:
            self._keep_traceback(name, ended.traceback)
        if not (ended.reason == STOPPED_EARLY and self._spared(name)):
            drop(self._cell / STATE_FOLDER, name)
        self.write(
            TrialEndRecord(
                trial_id=name,
                status=ended.status,
                reason=reason,
                hparams={key: value for key, value in trial.config.items() if key != TRIAL},
                cost=ended.cost,
                elapsed_seconds=self.elapsed_seconds,
                worker=ended.worker or None,
            )
        )

    def _keep_traceback(self, name: str, text: str) -> None:
        folder = self._cell / ERRORS_FOLDER
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.txt").write_text(redacted(text), encoding="utf-8")

    def _keep_checkpoints(self, trials: list[TuneTrial]) -> None:
        """Memory is bounded by the population: only what a living trial can still ask for stays in memory."""
        self._unkept = 0
        self._shared_state.keep.remote(self._wanted(), [t.config[TRIAL] for t in trials if not t.is_finished()])


def _last_error(trial: TuneTrial) -> str:
    """What Ray Tune wrote of a trial's last failure. It writes to a file on this machine; `get_error` looks where the results
    are, where no such file comes."""
    file = Path(trial.error_file) if trial.error_file else None
    text = file.read_text(encoding="utf-8", errors="replace") if file and file.is_file() else ""
    return _FAILURE.split(text)[-1].strip()


class StopWhenLost(Stopper):  # type: ignore[misc]
    """Ends Ray Tune's run where a process of ours died."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def __getstate__(self) -> dict[str, Any]:
        """As the recorder's: Ray pickles it for a restore that is never used."""
        return {}

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        return bool(self._recorder.lost)


def settle(shared_state: Any) -> int:
    """Drops every checkpoint; returns how many were left behind (0)."""
    left: int = ray.get(shared_state.keep.remote([], []))
    return left
