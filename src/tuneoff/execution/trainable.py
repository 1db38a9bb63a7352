"""A trial as Ray Tune holds it: forwards to a worker, which trains. Imports neither torch nor transformers."""

from __future__ import annotations

import time

IMPORT_BEGAN = time.time()  # before the imports below, which are most of this process's start-up

from pathlib import Path
from typing import Any

import ray
from ray.tune import Trainable

from tuneoff.execution.actor import RemoteWorker
from tuneoff.execution.messages import MESSAGE, PLACE, SCORE, Assignment, Ended, Evaluated, Place, TrialRequest, TrialWorker

REFERENCE_FILE = "state.ref"


class Trial(Trainable):  # type: ignore[misc]
    """Reports one evaluation per `step`. Where its worker dies it raises, and Ray Tune lets the trial go on in a new one."""

    def setup(self, config: dict[str, Any]) -> None:
        place: Place = config[PLACE]
        self.config.pop(PLACE, None)  # results carry it to the driver, where Ray Tune pickles it: it would never be freed
        assignment: Assignment = ray.get(place.assignment)
        self._inputs = assignment.inputs
        self._worker: TrialWorker = RemoteWorker(assignment.workers[place.number])
        self._begun = False
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self._serial = 0
        self._request: TrialRequest | None = TrialRequest.of(new_config)
        self._to_load: int | None = None
        return True

    def _begin(self, request: TrialRequest) -> None:
        """Called by a trial's first step: Ray Tune lets only running trials go on elsewhere."""
        if self._begun:
            self._worker.reset(request)
        else:
            self._worker.begin(self._inputs, request, IMPORT_BEGAN)
            self._begun = True
        if self._to_load is not None:
            self._worker.load(self._to_load)

    def step(self) -> dict[str, Any]:
        if self._request is not None:
            self._begin(self._request)
            self._request = None
        message = self._worker.step()
        if isinstance(message, Evaluated):
            if message.clock is not None:
                self._iteration = message.clock  # Ray's clock, which its schedulers go by
            self._iteration += message.intervals - 1  # Ray counts the one evaluation itself
            self._serial = message.serial or self._serial
        return result_of(message)

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Ray does not ask for it: see RayScheduler."""
        (Path(checkpoint_dir) / REFERENCE_FILE).write_text(str(self._serial), encoding="ascii")

    def load_checkpoint(self, checkpoint: str) -> None:
        """Goes on from the referenced state. If another trial wrote it, that trial becomes this one's parent."""
        self._serial = self._to_load = read_reference(Path(checkpoint))


def result_of(message: Evaluated | Ended) -> dict[str, Any]:
    """A message as Ray Tune takes it: with a score and the word "done" beside it."""
    if isinstance(message, Ended):
        return {"done": True, MESSAGE: message}
    return {SCORE: message.score, "done": message.done, MESSAGE: message}


def write_reference(folder: Path, serial: int) -> Path:
    """Makes a checkpoint folder that refers to the state with this serial number."""
    checkpoint = folder / str(serial)
    checkpoint.mkdir(parents=True, exist_ok=True)
    (checkpoint / REFERENCE_FILE).write_text(str(serial), encoding="ascii")
    return checkpoint


def read_reference(checkpoint: Path) -> int:
    """Serial number of the state that a checkpoint folder refers to."""
    return int((checkpoint / REFERENCE_FILE).read_text(encoding="ascii"))
