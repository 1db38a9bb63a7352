"""The schema of what a study leaves behind: a header (`run.json`) and an append-only log (`trials.jsonl`) per cell.

Costs in the log are increments since the trial's previous line, never running totals, so
that sums stay right after an exploit, a crash or a resume. Knows neither Ray nor torch.

Lines of the log, by `kind`:
  session_start  the command began (or resumed) work on the cell
  calibration    a worker measured its device's speed
  trial_start    a trial was proposed
  evaluation     one evaluation of one trial
  trial_end      a trial ended, and how
  session_end    the command stopped working on the cell

`retrain.jsonl` is a second log of the same form: the winner trained again on new seeds. `audit.jsonl` is a third: trials that
were stopped early, from there to their end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

from tuneoff.evaluation import Cost, Score

SCHEMA_VERSION = 1

COMPLETED, STOPPED, DIVERGED, FAILED, INTERRUPTED = "completed", "stopped", "diverged", "failed", "interrupted"
STOPPED_EARLY, BUDGET_SPENT = "stopped early by the scheduler", "the budget is spent"
"""Reasons of a trial's end."""
TRIAL_STATUSES = (COMPLETED, STOPPED, DIVERGED, FAILED, INTERRUPTED)


@dataclass(frozen=True, kw_only=True)
class EvaluationRecord:
    """One evaluation of one trial."""

    kind: ClassVar[str] = "evaluation"
    trial_id: str
    evaluation: int
    """1, 2, ... within the trial's own log (not reset by an exploit)."""
    parent_trial_id: str | None
    """Whose weights the trial continued from since its previous line, where that was another trial."""
    parent_evaluation: int | None
    """The parent's evaluation at which it wrote those weights."""
    hparams: Mapping[str, Any]
    """Every hyperparameter that was in force in this interval."""
    examples_seen: int
    """Progress of the weights (inherited progress included)."""
    epoch: float
    validation: Score
    test: Score | None
    """None where the test set was not evaluated: only incumbents are scored on it."""
    cost: Cost
    peak_memory_bytes: int | None
    elapsed_seconds: float
    """Since the cell began, summed over its sessions."""
    worker: str
    """host:pid of the process that trained."""
    snapshot: str | None = None
    """The file under `state/` that holds the state at this evaluation while the trial runs."""
    intervals: int = 1
    """Points of the search's clock passed since the weights' previous evaluation; more than 1 where a trainer evaluates less
    often."""
    kept: str | None = None
    """The file under `kept/` that holds the evaluated weights while the search runs and no better ones are known."""


@dataclass(frozen=True, kw_only=True)
class TrialStartRecord:
    """A trial was proposed."""

    kind: ClassVar[str] = "trial_start"
    trial_id: str
    hparams: Mapping[str, Any]
    """The searcher's proposal: the space's hyperparameters only."""
    elapsed_seconds: float


@dataclass(frozen=True, kw_only=True)
class CalibrationRecord:
    """A worker's measurements of its device before its first trial."""

    kind: ClassVar[str] = "calibration"
    worker: str
    train_token_seconds: Mapping[str, float]
    """By batch size (as text, since JSON has no other keys)."""
    evaluate_token_seconds: float
    start_up_seconds: float
    elapsed_seconds: float
    step: str = "eager"
    """The worker's way of stepping: eager, cuda graph, or eager and why in brackets."""


@dataclass(frozen=True, kw_only=True)
class TrialEndRecord:
    kind: ClassVar[str] = "trial_end"
    trial_id: str
    status: str
    """One of TRIAL_STATUSES."""
    reason: str
    hparams: Mapping[str, Any]
    cost: Cost
    """Spent since the trial's previous line."""
    elapsed_seconds: float
    worker: str | None = None


@dataclass(frozen=True, kw_only=True)
class SessionStartRecord:
    kind: ClassVar[str] = "session_start"
    session: int
    time_utc: str
    elapsed_seconds: float
    devices: int
    """Devices held for the whole session (what is charged)."""
    device_kind: str


@dataclass(frozen=True, kw_only=True)
class SessionEndRecord:
    kind: ClassVar[str] = "session_end"
    session: int
    time_utc: str
    elapsed_seconds: float
    status: str
    """finished, interrupted or failed."""
    reason: str = ""


Record: TypeAlias = (
    SessionStartRecord | CalibrationRecord | TrialStartRecord | EvaluationRecord | TrialEndRecord | SessionEndRecord
)
KINDS: dict[str, type[Any]] = {
    k.kind: k
    for k in (SessionStartRecord, CalibrationRecord, TrialStartRecord, EvaluationRecord, TrialEndRecord, SessionEndRecord)
}


@dataclass(frozen=True, kw_only=True)
class Header:
    """The identity of a cell. Written once when it begins; `status` changes once, when it is finished.

    config: the whole configuration, as composed. data: name, source, hashes, split sizes, majority rates, hash of the
    split indices.
    """

    schema_version: int
    protocol_version: str
    study: str
    task: str
    model: str
    algorithm: str
    repeat: int
    protocol: str
    metric: str
    status: str
    """running, finished or failed."""
    started_utc: str
    config: Mapping[str, Any]
    config_hash: str
    seeds: Mapping[str, int]
    space: Mapping[str, Any]
    data: Mapping[str, Any]
    price: Mapping[str, Any]
    """name, per_device_hour_usd, source, date."""
    versions: Mapping[str, str]
    git: Mapping[str, Any]
    hardware: Mapping[str, Any]
    command: str
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def search_name(self) -> str:
        """Unique in the study; the cell's folder in it."""
        return f"{self.task}-{self.model}/{self.algorithm}/repeat-{self.repeat}"


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One search on one task, model and repeat, as read back."""

    path: Path
    header: Header
    records: tuple[Record, ...]
    repaired: str | None = None
    """The repair on loading (of a half-written last line), as a clause, or None."""

    @cached_property
    def evaluations(self) -> tuple[EvaluationRecord, ...]:
        return tuple(r for r in self.records if isinstance(r, EvaluationRecord))

    @cached_property
    def trial_ends(self) -> tuple[TrialEndRecord, ...]:
        return tuple(r for r in self.records if isinstance(r, TrialEndRecord))

    @cached_property
    def session_starts(self) -> tuple[SessionStartRecord, ...]:
        return tuple(r for r in self.records if isinstance(r, SessionStartRecord))

    @cached_property
    def wall_seconds(self) -> float:
        """Elapsed seconds at the last line; a killed session counts up to what it last wrote."""
        return max((r.elapsed_seconds for r in self.records), default=0.0)

    @cached_property
    def devices(self) -> int:
        return next((r.devices for r in self.session_starts), 1)
