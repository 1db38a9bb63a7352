"""A worker as a Ray actor, and the calls to it. Every process that holds a handle imports this module, so it imports nothing
that trains."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import ray

from tuneoff.execution.messages import Ended, Evaluated, SessionInputs, TrialRequest
from tuneoff.garbage import collector_paused
from tuneoff.training.protocol import Rates

if TYPE_CHECKING:
    from tuneoff.execution.worker import Worker


class WorkerActor:
    """A process with one worker in it. modules: those that its trainer will need, imported at once."""

    def __init__(self, modules: tuple[str, ...]) -> None:
        with collector_paused():
            for module in modules:
                import_module(module)
            from tuneoff.execution.worker import Worker

            self._worker: Worker = Worker()

    def step_seconds(self, inputs: SessionInputs) -> float:
        return self._worker.step_seconds(inputs)

    def prepare(self, inputs: SessionInputs) -> Rates | None:
        return self._worker.prepare(inputs)

    def begin(self, inputs: SessionInputs, request: TrialRequest, since: float) -> None:
        self._worker.begin(inputs, request, since)

    def reset(self, request: TrialRequest) -> None:
        self._worker.reset(request)

    def step(self) -> Evaluated | Ended:
        return self._worker.step()

    def load(self, serial: int) -> None:
        self._worker.load(serial)


class RemoteWorker:
    """Calls a WorkerActor and waits for its answers. handle: the actor's."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle

    def begin(self, inputs: SessionInputs, request: TrialRequest, since: float) -> None:
        ray.get(self._handle.begin.remote(inputs, request, since))

    def reset(self, request: TrialRequest) -> None:
        ray.get(self._handle.reset.remote(request))

    def step(self) -> Evaluated | Ended:
        result: Evaluated | Ended = ray.get(self._handle.step.remote())
        return result

    def load(self, serial: int) -> None:
        ray.get(self._handle.load.remote(serial))
