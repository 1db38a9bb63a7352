"""Messages between the driver and the workers: frozen, declared once. Imports neither torch nor Ray."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tuneoff.evaluation import Cost, Score
from tuneoff.records.recipe import Schedule
from tuneoff.training.protocol import Rates, Recipe, State, Values

TRIAL = "trial"
"""The key of a trial's name in the configuration that Ray Tune gives it."""
MESSAGE = "message"
"""The key of an Evaluated or Ended in a result for Ray Tune."""
SCORE = "score"
"""The key of the score in a result for Ray Tune; higher is better."""
MODE = "max"
TIME = "training_iteration"
"""Ray's count of evaluations, a search's clock; after a copy it is the donor's."""


@dataclass(frozen=True, kw_only=True)
class StoredState:
    """Refers, in the shared state, to a trial's state that lies in a snapshot's file. name: the one under which it was
    recorded."""

    name: str


class Files(Protocol):
    """Where a worker's states and weights go: see execution.files."""

    def save(self, trial_id: str, state: State, session: Sequence[str]) -> str: ...
    def load(self, trial_id: str, name: str) -> tuple[str, State]: ...
    def keep(self, trial_id: str, weights: State) -> str: ...


@dataclass(frozen=True, kw_only=True)
class SessionInputs:
    """The inputs that are the same for every trial of one session of a search.

    metric: the one of the validation score that the search maximises. defaults: the hyperparameters in force where neither the
    search nor `schedule` sets them. resume: how a trial goes on from a copied state, of training.protocol.RESUME. checkpoints:
    whether the scheduler copies trials. schedule: the one that every trial follows instead of its proposal. files: where states
    and weights are written. snapshot_seconds: see SnapshotWriter; None writes none. keeps: whether the weights of the best
    evaluations are written. test_always: score every evaluation on test, not only incumbents. began: time.time() at which the
    session began, also its name. timed: whether there is a budget of time. hang_seconds: how long a
    trial may take to its next evaluation; None for as long as it likes; "auto" by its worker's speed, see `patience`. plugins:
    modules that a worker imports first.
    """

    recipe: Recipe
    metric: str
    defaults: Values
    seed: int
    device: str
    threads: int
    evaluations_per_epoch: int
    resume: str
    checkpoints: bool
    schedule: Schedule | None
    files: Files
    snapshot_seconds: float | None
    test_always: bool
    began: float
    timed: bool
    shared_state: Any
    plugins: tuple[str, ...] = ()
    keeps: bool = False
    hang_seconds: float | str | None = None


@dataclass(frozen=True, kw_only=True)
class TrialRequest:
    """A trial to be trained: its name, and the hyperparameters that the search sets."""

    trial_id: str
    hparams: Mapping[str, Any]

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> TrialRequest:
        """Reads the request from the configuration that Ray Tune carries, with things of its own under names like __this__."""
        values = {name: value for name, value in config.items() if not name.startswith("__")}
        return cls(trial_id=values.pop(TRIAL), hparams=values)


@dataclass(frozen=True, kw_only=True)
class Evaluated:
    """The result of a step that ended with an evaluation. score: the one that searchers and schedulers are told.

    serial: number of the state kept in shared memory, or None. parent: (trial, serial) of the copied state from which this
    interval went on. rates: the worker's speed, sent with its first evaluation of a session. clock: the count of evaluations
    that Ray Tune must take over after a crash. intervals: see training.protocol.Evaluation. kept: see EvaluationRecord.
    """

    trial_id: str
    score: float
    hparams: Values
    examples_seen: int
    epoch: float
    done: bool
    validation: Score
    test: Score | None
    cost: Cost
    peak_memory_bytes: int | None
    worker: str
    snapshot: str | None
    serial: int | None
    parent: tuple[str, int] | None
    rates: Rates | None
    clock: int | None = None
    intervals: int = 1
    kept: str | None = None


@dataclass(frozen=True, kw_only=True)
class Ended:
    """The result of a step that ended without an evaluation: a trial's last result, without a score. status: one of
    TRIAL_STATUSES."""

    trial_id: str
    status: str
    reason: str
    cost: Cost
    worker: str
    traceback: str = ""


def result_of(message: Evaluated | Ended, clock: int) -> dict[str, Any]:
    """A message as Ray Tune takes it: with a score, its clock and the word "done" beside it."""
    if isinstance(message, Ended):
        return {"done": True, MESSAGE: message, TIME: clock}
    return {SCORE: message.score, "done": message.done, MESSAGE: message, TIME: clock}
