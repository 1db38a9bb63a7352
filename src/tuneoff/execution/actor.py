"""A worker as a Ray actor. Every process that holds a handle imports this module, so it imports nothing that trains."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

import ray
from ray._private import state as ray_state

from tuneoff.execution.messages import Evaluated, SessionInputs, TrialRequest, result_of
from tuneoff.garbage import collector_paused
from tuneoff.records.provenance import code_hash, versions
from tuneoff.training.protocol import Rates

if TYPE_CHECKING:
    from tuneoff.execution.worker import Worker

MACHINE, NODE, CODE = "machine", "node", "the code of tuneoff"
ALIVE = "ALIVE"


class WorkerActor:
    """A process with one worker in it. modules: those that its trainer will need, imported at once.

    It counts the evaluations of its trial as Ray Tune does, whose clock they are.
    """

    def __init__(self, modules: tuple[str, ...]) -> None:
        with collector_paused():
            for module in modules:
                import_module(module)
            from tuneoff.execution.worker import Worker

            self._worker: Worker = Worker()
            self._clock = 0

    def origin(self) -> Mapping[str, str]:
        """The machine, by its own and by Ray's name, and the versions and code on it."""
        return {MACHINE: socket.gethostname(), NODE: ray.get_runtime_context().get_node_id(), **versions(), CODE: code_hash()}

    def step_seconds(self, inputs: SessionInputs) -> float:
        return self._worker.step_seconds(inputs)

    def prepare(self, inputs: SessionInputs) -> Rates | None:
        return self._worker.prepare(inputs)

    def begin(self, inputs: SessionInputs, request: TrialRequest, since: float) -> float | None:
        self._clock = 0
        return self._worker.begin(inputs, request, since)

    def reset(self, request: TrialRequest) -> bool:
        """True, which Ray Tune asks for."""
        self._clock = 0
        self._worker.reset(request)
        return True

    def load(self, serial: int, clock: int) -> None:
        """clock: the evaluations behind the state with this serial number."""
        self._worker.load(serial)
        self._clock = clock

    def train(self) -> dict[str, Any]:
        """A step's result for Ray Tune."""
        message = self._worker.step()
        if isinstance(message, Evaluated):
            self._clock = (self._clock if message.clock is None else message.clock) + message.intervals
        return result_of(message, self._clock)

    def stop(self) -> None:
        """Answered when the step under way is over."""


def process_of(worker: Any) -> int | None:
    """The number of the process that Ray has for this actor now, None where there is none. One that died is started anew,
    elsewhere where its machine is gone."""
    found = ray_state.actors(worker._actor_id.hex())
    return int(found["NumRestarts"]) if found.get("State") == ALIVE else None
