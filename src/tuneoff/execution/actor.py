"""A worker as a Ray actor, and the calls to it. Every process that holds a handle imports this module, so it imports nothing
that trains."""

from __future__ import annotations

import math
import socket
import time
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

import ray
from ray._private import state as ray_state
from ray.exceptions import ActorUnavailableError, GetTimeoutError

from tuneoff.evaluation import Cost
from tuneoff.execution.faults import preparation_patience
from tuneoff.execution.messages import Ended, Evaluated, SessionInputs, TrialRequest
from tuneoff.garbage import collector_paused
from tuneoff.records.provenance import code_hash, versions
from tuneoff.records.schema import FAILED
from tuneoff.training.protocol import Rates

if TYPE_CHECKING:
    from tuneoff.execution.worker import Worker


UNAVAILABLE_SECONDS = 30.0
"""How long Ray may take to notice that a machine is gone."""
AWAY_SECONDS = 60.0
"""How long a worker that died may be without a process: Ray starts one again, but where its machine is gone there may be no
place for it."""
LOOK_SECONDS = 5.0
"""How often a worker that is waited for is looked at, to see whether it still has a process."""
ALIVE = "ALIVE"
MACHINE, NODE, CODE = "machine", "node", "the code of tuneoff"


class WorkerAwayError(RuntimeError):
    """A worker died and is not started anew."""


def is_alive(worker: Any) -> bool:
    """Whether Ray has a process for this actor now. One that died is started anew, elsewhere where its machine is gone."""
    found = ray_state.actors(worker._actor_id.hex())
    return bool(found.get("State") == ALIVE)


class WorkerActor:
    """A process with one worker in it. modules: those that its trainer will need, imported at once."""

    def __init__(self, modules: tuple[str, ...]) -> None:
        with collector_paused():
            for module in modules:
                import_module(module)
            from tuneoff.execution.worker import Worker

            self._worker: Worker = Worker()

    def origin(self) -> Mapping[str, str]:
        """The machine, by its own and by Ray's name, and the versions and code on it."""
        return {MACHINE: socket.gethostname(), NODE: ray.get_runtime_context().get_node_id(), **versions(), CODE: code_hash()}

    def step_seconds(self, inputs: SessionInputs) -> float:
        return self._worker.step_seconds(inputs)

    def prepare(self, inputs: SessionInputs) -> Rates | None:
        return self._worker.prepare(inputs)

    def begin(self, inputs: SessionInputs, request: TrialRequest, since: float) -> float | None:
        return self._worker.begin(inputs, request, since)

    def reset(self, request: TrialRequest) -> None:
        self._worker.reset(request)

    def step(self) -> Evaluated | Ended:
        return self._worker.step()

    def load(self, serial: int) -> None:
        self._worker.load(serial)


class RemoteWorker:
    """Calls a WorkerActor and waits for its answers. handle: the actor's.

    What takes longer than it may is ended with the worker's process, whatever it hangs in; Ray starts another one. The trial's
    next step says so.
    """

    def __init__(self, handle: Any) -> None:
        self._handle = handle
        self._ended = False
        """Whether this object ended the process, and has not begun in the new one."""
        self._hung: Ended | None = None
        self._patience: float | None = None

    def begin(self, inputs: SessionInputs, request: TrialRequest, since: float) -> float | None:
        self._inputs, self._request, self._hung = inputs, request, None
        self._ready_seconds = preparation_patience(inputs.hang_seconds)
        until = time.monotonic() + UNAVAILABLE_SECONDS
        while True:
            try:
                patience: float | None = self._answer(self._handle.begin.remote(inputs, request, since), self._ready_seconds)
            except GetTimeoutError:
                self._end(f"it hung: its worker was not ready in {self._ready_seconds:g} s", self._ready_seconds)
                return None
            except ActorUnavailableError:  # its machine is gone, and the cluster has not noticed yet
                if time.monotonic() > until:
                    raise
                time.sleep(1.0)
            else:
                self._patience, self._ended = patience, False
                return patience

    def reset(self, request: TrialRequest) -> None:
        self._request, self._hung = request, None
        if self._ended:
            self.begin(self._inputs, request, time.time())
        else:
            self._wait_for(self._handle.reset.remote(request))

    def step(self) -> Evaluated | Ended:
        if self._hung is not None:
            return self._hung
        try:
            result: Evaluated | Ended = self._answer(self._handle.step.remote(), self._patience)
        except GetTimeoutError:
            return self._end(f"it hung: no evaluation in {self._patience:g} s", self._patience)
        return result

    def load(self, serial: int) -> None:
        if self._hung is None:
            self._wait_for(self._handle.load.remote(serial))

    def _wait_for(self, call: Any) -> None:
        try:
            self._answer(call, self._ready_seconds)
        except GetTimeoutError:
            self._end(f"it hung: its worker was not ready in {self._ready_seconds:g} s", self._ready_seconds)

    def _answer(self, call: Any, seconds: float | None) -> Any:
        """What the worker answers. Raises GetTimeoutError where it takes longer than seconds, WorkerAwayError where the worker
        has had no process for AWAY_SECONDS."""
        until = math.inf if seconds is None else time.monotonic() + seconds
        seen = time.monotonic()
        while True:
            try:
                return ray.get(call, timeout=max(0.0, min(LOOK_SECONDS, until - time.monotonic())))
            except GetTimeoutError:
                now = time.monotonic()
                if now >= until:
                    raise
                if is_alive(self._handle):
                    seen = now
                elif now - seen > AWAY_SECONDS:
                    raise WorkerAwayError(f"the worker died, and Ray found no place for it in {AWAY_SECONDS:g} s") from None

    def _end(self, reason: str, seconds: float | None) -> Ended:
        """Ends the worker's process. seconds: that were waited for it, and are paid for."""
        ray.kill(self._handle, no_restart=False)
        self._ended = True
        self._hung = Ended(
            trial_id=self._request.trial_id,
            status=FAILED,
            reason=f"{reason} (resources.hang_seconds)",
            cost=Cost(train_seconds=seconds or 0.0),
            worker="",
        )
        return self._hung
