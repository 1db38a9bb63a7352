"""Where workers write and read states and weights: the cell's folder, which only the driver's machine is sure to see.

On one machine a worker does so itself. On a cluster an actor on the driver's machine does it for all workers, and the states
travel through Ray's object store, so that no disk need be shared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray

from tuneoff.execution import kept, snapshots
from tuneoff.execution.placement import on_this_machine
from tuneoff.training import state_file
from tuneoff.training.protocol import State


@dataclass(frozen=True, kw_only=True)
class LocalFiles:
    """snapshots: the folder of trials' states; kept: of the weights of best evaluations."""

    snapshots: Path
    kept: Path

    def save(self, trial_id: str, state: State, session: Sequence[str]) -> str:
        """See snapshots.save."""
        return snapshots.save(self.snapshots, trial_id, state, session)

    def load(self, trial_id: str, name: str) -> tuple[str, State]:
        """The state that was recorded as `name`, and the name of its file. Raises SnapshotError."""
        file = snapshots.find(self.snapshots, trial_id, name)
        return file.name, state_file.read(file)

    def keep(self, trial_id: str, weights: State) -> str:
        """See kept.keep."""
        return kept.keep(self.kept, trial_id, weights)


@dataclass(frozen=True, kw_only=True)
class FarFiles:
    """The same for workers on other machines. actor: the one that holds the LocalFiles."""

    actor: Any

    @classmethod
    def of(cls, files: LocalFiles) -> FarFiles:
        """Makes the actor on this machine. It lives as long as a handle of it."""
        made = ray.remote(num_cpus=0, scheduling_strategy=on_this_machine())(LocalFiles)
        return cls(actor=made.remote(snapshots=files.snapshots, kept=files.kept))

    def save(self, trial_id: str, state: State, session: Sequence[str]) -> str:
        return str(ray.get(self.actor.save.remote(trial_id, state, session)))

    def load(self, trial_id: str, name: str) -> tuple[str, State]:
        found: tuple[str, State] = ray.get(self.actor.load.remote(trial_id, name))
        return found

    def keep(self, trial_id: str, weights: State) -> str:
        return str(ray.get(self.actor.keep.remote(trial_id, weights)))
