"""The state that the trials of one search share while it runs: the best score, the budget, and checkpoints in memory.

One Ray actor per search. A checkpoint that Ray Tune carries around is a reference of a few bytes; the state itself lies
here, in shared memory, and an exploit touches no disk.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import ray

from tuneoff.execution.placement import on_this_machine
from tuneoff.records.incumbent import needs_test_score

TINY = 1e-9


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The budget, and the best score, epochs and snapshots of earlier sessions. deadline: time.monotonic(), or None: clocks
    may be set, and those of two machines differ."""

    best: float = -math.inf
    epochs_spent: float = 0.0
    epochs: float | None = None
    deadline: float | None = None
    snapshots: Mapping[str, str] = field(default_factory=dict)


class SharedState:
    """Single-threaded, as Ray actors are: no call sees another one half done."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._best = limits.best
        self._epochs = limits.epochs_spent
        self._reserved: dict[str, float] = {}
        self._snapshots = dict(limits.snapshots)
        self._states: dict[int, tuple[str, Any]] = {}
        self._serials = itertools.count(1)

    def offer(self, score: float) -> bool:
        """Whether an evaluation with this validation score has to be scored on test. If so, the score is now the best so
        far."""
        if not needs_test_score(score, self._best):
            return False
        self._best = score
        return True

    def reserve(self, trial_id: str, epochs: float) -> bool:
        """Reserves the epochs of a whole trial. Returns False, reserving nothing, where the budget does not allow for it."""
        if not self.left(epochs):
            return False
        self._epochs += epochs
        self._reserved[trial_id] = epochs
        return True

    def take(self, trial_id: str, epochs: float, seconds: float) -> bool:
        """Spends the epochs of an interval. Returns False, spending nothing, where they or its expected seconds exceed the
        budget."""
        own = self._reserved.get(trial_id, 0.0) + TINY >= epochs
        if not self.left(0.0 if own else epochs, seconds):
            return False
        self.spend(trial_id, epochs)
        return True

    def spend(self, trial_id: str, epochs: float) -> None:
        """Spends epochs that are trained already, or that are known to be left."""
        reserved = self._reserved.get(trial_id, 0.0)
        if reserved + TINY >= epochs:
            self._reserved[trial_id] = reserved - epochs
        else:
            self._epochs += epochs

    def ended(self, trial_id: str) -> None:
        """Returns to the budget the epochs that an ended trial had reserved and did not train."""
        self._epochs -= self._reserved.pop(trial_id, 0.0)

    def left(self, epochs: float, seconds: float = 0.0) -> bool:
        """Whether the budget has so many epochs and seconds left."""
        limits = self._limits
        if limits.epochs is not None and self._epochs + epochs > limits.epochs + TINY:
            return False
        return limits.deadline is None or time.monotonic() + seconds < limits.deadline

    def seconds_left(self) -> float:
        """Of a budget of time."""
        return math.inf if self._limits.deadline is None else self._limits.deadline - time.monotonic()

    def give_back(self, epochs: float) -> None:
        """Returns to the budget epochs that were taken and not trained."""
        self._epochs -= epochs

    def recorded(self, trial_id: str, snapshot: str | None) -> None:
        """The evaluation with which `snapshot` was written is in the log: a crash may resume from it."""
        if snapshot is not None:
            self._snapshots[trial_id] = snapshot

    def snapshot_of(self, trial_id: str) -> str | None:
        return self._snapshots.get(trial_id)

    def put(self, trial_id: str, state: Any) -> int:
        """Keeps the state and returns its serial number, by which it is asked for."""
        serial = next(self._serials)
        self._states[serial] = (trial_id, state)
        return serial

    def get(self, serial: int) -> tuple[str, Any]:
        """The writer and its state. Raises KeyError if it was dropped: a bug, since `keep` spares all that can be asked for."""
        return self._states[serial]

    def keep(self, wanted: Collection[int], live: Collection[str]) -> int:
        """Drops each state that is neither wanted nor the newest of a live trial; returns how many are left."""
        newest = {trial_id: serial for serial, (trial_id, _) in sorted(self._states.items()) if trial_id in live}
        spared = {*wanted, *newest.values()}
        self._states = {serial: state for serial, state in self._states.items() if serial in spared}
        return len(self._states)


def create(limits: Limits) -> Any:
    """The actor's handle. It takes no slot from the trials, and lives on the driver's machine, which ends the search if it
    dies."""
    return ray.remote(num_cpus=0, scheduling_strategy=on_this_machine())(SharedState).remote(limits)
