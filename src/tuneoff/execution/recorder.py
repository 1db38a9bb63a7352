"""Ray Tune's events into records: the single writer of a cell's log."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import ray
from ray.tune import Callback
from ray.tune.experiment import Trial as TuneTrial

from tuneoff.evaluation import Cost
from tuneoff.execution.earlier import Earlier
from tuneoff.execution.messages import TRIAL
from tuneoff.execution.snapshots import drop, drop_copies
from tuneoff.records.schema import (
    FAILED,
    STOPPED,
    STOPPED_EARLY,
    CalibrationRecord,
    EvaluationRecord,
    Record,
    TrialEndRecord,
    TrialStartRecord,
)
from tuneoff.records.store import STATE_FOLDER, LogWriter, from_dict

ERRORS_FOLDER = "errors"
KEEP_EVERY = 8
"""Checkpoints written between two clean-ups of those in memory."""


class Recorder(Callback):  # type: ignore[misc]
    """`listen` hears every record after it is on the disk. wanted: serial numbers of the states that can still be asked for.
    written_at: the evaluation at which those of earlier sessions were written, by serial number."""

    def __init__(
        self,
        cell: Path,
        writer: LogWriter,
        board: Any,
        earlier: Earlier,
        listen: Callable[[Record], None],
        *,
        wanted: Callable[[], Collection[int]] = frozenset,
        written_at: Mapping[int, int] | None = None,
    ) -> None:
        self._cell, self._writer, self._board, self._listen = cell, writer, board, listen
        self._began = time.monotonic() - earlier.elapsed_seconds
        self._evaluations = dict(earlier.evaluations)
        self._started, self._ended = set(earlier.started), set(earlier.ended)
        self._wanted = wanted
        self._written_at: dict[int, int] = dict(written_at or {})
        """Serial of a checkpoint -> its writer's evaluation."""
        self._unkept = 0
        """Checkpoints written since the last clean-up."""
        self._last_reason = ""

    def __getstate__(self) -> dict[str, Any]:
        """Ray pickles callbacks for a restore of its own, which is never used: nothing of this one belongs there."""
        return {}

    @property
    def elapsed_seconds(self) -> float:
        return time.monotonic() - self._began

    def outcome(self) -> tuple[str, str]:
        """(status of the session, reason): finished, failed where no trial came to a score, or interrupted."""
        if self._started - self._ended:
            return "interrupted", f"{len(self._started - self._ended)} trials had not ended"
        if not self._evaluations:
            return "failed", self._last_reason or "no trial was started"
        return "finished", ""

    def write(self, record: Record) -> None:
        self._writer.append(record)
        self._listen(record)

    def proposed(self, name: str, point: Mapping[str, Any]) -> None:
        """In the order of proposal, not of starting: a resumed search goes on with the next number."""
        self._started.add(name)
        self.write(TrialStartRecord(trial_id=name, hparams=dict(point), elapsed_seconds=self.elapsed_seconds))

    def on_trial_result(
        self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, result: dict[str, Any], **info: Any
    ) -> None:
        if "evaluation" not in result:
            return
        if result["rates"]:
            self.write(
                CalibrationRecord(
                    worker=result["evaluation"]["worker"], elapsed_seconds=self.elapsed_seconds, **result["rates"]
                )
            )
        payload = dict(result["evaluation"])
        name = payload["trial_id"]
        number = self._evaluations[name] = self._evaluations.get(name, 0) + 1
        if result["serial"] is not None:
            self._written_at[result["serial"]] = number
            self._unkept += 1
        record = from_dict(
            {
                "kind": EvaluationRecord.kind,
                **payload,
                "evaluation": number,
                "parent_evaluation": self._written_at.get(result["parent_serial"]),
                "elapsed_seconds": self.elapsed_seconds,
            }
        )
        self.write(record)
        if payload["snapshot"] is not None:
            self._board.recorded.remote(name, payload["snapshot"])
            if payload["parent_trial_id"] is not None:
                drop_copies(self._cell / STATE_FOLDER, name)
        if self._unkept >= KEEP_EVERY:
            self._keep_checkpoints(trials)

    def on_trial_complete(self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, **info: Any) -> None:
        last: Mapping[str, Any] = trial.last_result or {}
        status = last.get("status", FAILED)
        if status == "running":
            self._end(trial, STOPPED, STOPPED_EARLY, {})
        else:
            self._end(trial, status, last.get("reason", ""), last)

    def on_trial_error(self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, **info: Any) -> None:
        """The trial's process died: what it raised itself comes as a result."""
        error = trial.get_error()
        text = str(error).strip() if error else "no message"
        self._end(trial, FAILED, f"the worker died: {text.splitlines()[0]}", {"traceback": text})

    def _end(self, trial: TuneTrial, status: str, reason: str, last: Mapping[str, Any]) -> None:
        name = trial.config[TRIAL]
        if name in self._ended:
            return
        self._ended.add(name)
        self._last_reason = reason or self._last_reason
        self._board.ended.remote(name)
        if last.get("traceback"):
            folder = self._cell / ERRORS_FOLDER
            folder.mkdir(exist_ok=True)
            (folder / f"{name}.txt").write_text(last["traceback"], encoding="utf-8")
        hparams = {key: value for key, value in trial.config.items() if key != TRIAL}
        cost = Cost(**last["cost"]) if "cost" in last else Cost()
        drop(self._cell / STATE_FOLDER, name)
        self.write(
            TrialEndRecord(
                trial_id=name,
                status=status,
                reason=reason,
                hparams=hparams,
                cost=cost,
                elapsed_seconds=self.elapsed_seconds,
                worker=last.get("worker"),
            )
        )

    def _keep_checkpoints(self, trials: list[TuneTrial]) -> None:
        """Memory is bounded by the population: only what a living trial can still ask for stays on the board."""
        self._unkept = 0
        self._board.keep.remote(self._wanted(), [t.config[TRIAL] for t in trials if not t.is_finished()])


def settle(board: Any) -> int:
    """Drops every checkpoint; returns how many were left behind (0)."""
    left: int = ray.get(board.keep.remote([], []))
    return left
