"""A trial as Ray Tune holds it: forwards to a worker, which trains. Imports neither torch nor transformers."""

from __future__ import annotations

import time

IMPORT_BEGAN = time.time()  # before the imports below, which are most of this process's start-up

from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError
from ray.tune import Trainable

from tuneoff.execution.actor import RemoteWorker
from tuneoff.execution.messages import MESSAGE, PLACE, SCORE, Assignment, Ended, Evaluated, Place, TrialRequest, TrialWorker

REFERENCE_FILE = "state.ref"


class Trial(Trainable):  # type: ignore[misc]
    """Reports one evaluation per `step`. Where its worker dies it raises, and Ray Tune lets the trial go on in a new one."""

    def setup(self, config: dict[str, Any]) -> None:
        self._serial = 0
        place: Place = config[PLACE]
        self.config.pop(PLACE, None)  # results carry it to the driver, where Ray Tune pickles it: it would never be freed
        assignment: Assignment = ray.get(place.assignment)
        self._worker: TrialWorker = RemoteWorker(assignment.workers[place.number])
        self._worker.begin(assignment.inputs, TrialRequest.of(config), IMPORT_BEGAN)
        self._lost: Exception | None = None
        """Why the trial could not be begun: said by its next step, as Ray Tune lets only running trials go on elsewhere."""

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self._serial = 0
        try:
            self._worker.reset(TrialRequest.of(new_config))
        except (RayError, RuntimeError) as error:
            self._lost = error
        return True

    def step(self) -> dict[str, Any]:
        if self._lost is not None:
            raise self._lost
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
        self._serial = read_reference(Path(checkpoint))
        if self._lost is None:
            self._worker.load(self._serial)


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
