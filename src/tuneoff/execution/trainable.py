"""What Ray Tune holds as a trial: forwards to an executor, which trains. Imports neither torch nor transformers."""

from __future__ import annotations

import time

IMPORT_BEGAN = time.time()  # before the imports below, which are most of this process's start-up

from pathlib import Path
from typing import Any

import ray
from ray.tune import Trainable

from tuneoff.execution.messages import Assignment
from tuneoff.execution.worker_locks import take

REFERENCE_FILE = "state.ref"


class Trial(Trainable):  # type: ignore[misc]
    """Reports one evaluation per `step`. Where its executor dies it raises, and Ray Tune lets the trial go on in a new one."""

    def setup(self, config: dict[str, Any], assignment: Assignment) -> None:
        self._serial = 0
        self._inputs = assignment.inputs
        if assignment.executors:
            number, self._seat = take(Path(assignment.seats), len(assignment.executors))
            self._executor, self._apart = assignment.executors[number], True
        else:
            from tuneoff.execution.worker import Executor

            self._executor, self._apart = Executor(), False
        self._call("begin", self._inputs, dict(config), IMPORT_BEGAN)

    def _call(self, method: str, *arguments: Any) -> Any:
        if self._apart:
            return ray.get(self._executor.call.remote(method, *arguments))
        return getattr(self._executor, method)(*arguments)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self._serial = 0
        self._call("reset", dict(new_config))
        return True

    def step(self) -> dict[str, Any]:
        result, iteration = self._call("step")
        if iteration is not None:
            self._iteration = iteration  # Ray's clock, which its schedulers go by
        self._serial = result.get("serial") or self._serial
        return dict(result)

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Ray does not ask for it: see RayScheduler."""
        (Path(checkpoint_dir) / REFERENCE_FILE).write_text(str(self._serial), encoding="ascii")

    def load_checkpoint(self, checkpoint: str) -> None:
        """Goes on from the referenced state; another trial's makes it this one's parent."""
        self._serial = read_reference(Path(checkpoint))
        self._call("load", self._serial)


def write_reference(folder: Path, serial: int) -> Path:
    """A checkpoint folder that stands for the state of this number."""
    checkpoint = folder / str(serial)
    checkpoint.mkdir(parents=True, exist_ok=True)
    (checkpoint / REFERENCE_FILE).write_text(str(serial), encoding="ascii")
    return checkpoint


def read_reference(checkpoint: Path) -> int:
    """Serial number of the state that a checkpoint folder stands for."""
    return int((checkpoint / REFERENCE_FILE).read_text(encoding="ascii"))
