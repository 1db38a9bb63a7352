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


class FileServer:
    """On the driver's machine: does for workers elsewhere what they would do in the folders themselves."""

    def save(self, files: LocalFiles, trial_id: str, state: State, session: Sequence[str]) -> str:
        return files.save(trial_id, state, session)

    def load(self, files: LocalFiles, trial_id: str, name: str) -> tuple[str, State]:
        return files.load(trial_id, name)

    def keep(self, files: LocalFiles, trial_id: str, weights: State) -> str:
        return files.keep(trial_id, weights)


def start_file_server() -> Any:
    """The handle of a FileServer on this machine."""
    return ray.remote(num_cpus=0, scheduling_strategy=on_this_machine())(FileServer).remote()


@dataclass(frozen=True, kw_only=True)
class FarFiles:
    """The same folders for workers on other machines. actor: a FileServer."""

    actor: Any
    files: LocalFiles

    def save(self, trial_id: str, state: State, session: Sequence[str]) -> str:
        return str(ray.get(self.actor.save.remote(self.files, trial_id, state, session)))

    def load(self, trial_id: str, name: str) -> tuple[str, State]:
        found: tuple[str, State] = ray.get(self.actor.load.remote(self.files, trial_id, name))
        return found

    def keep(self, trial_id: str, weights: State) -> str:
        return str(ray.get(self.actor.keep.remote(self.files, trial_id, weights)))
