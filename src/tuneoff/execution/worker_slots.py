"""Which trial of Ray Tune has which worker. For Tune's controller this is a resource manager, and the workers are the resource.

Tune's processes only forward to workers, so they need no cores of their own and all run on the driver's machine, wherever the
workers are. What they need is a worker each: Tune starts as many trials as there are workers alive, and each process is told
the number of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import ray
from ray.air.execution.resources.request import AcquiredResources, ResourceRequest
from ray.air.execution.resources.resource_manager import ResourceManager
from ray.tune.execution import tune_controller

from tuneoff.execution.actor import is_alive
from tuneoff.execution.messages import PLACE, TRIAL, Assignment, Place
from tuneoff.execution.placement import on_this_machine

LOOK_SECONDS = 1.0
"""How often the workers are looked at, at most."""
PAUSE_SECONDS = 0.05
PATIENCE_SECONDS = 60.0
"""How long a search waits for its first living worker: on another machine than the one that failed."""


@dataclass(kw_only=True, eq=False)
class _Held(AcquiredResources):  # type: ignore[misc]
    """A worker that a process of Tune has, by its number."""

    resource_request: ResourceRequest
    number: int
    place: Callable[[int], Place]
    starts: Callable[[str], None]

    def annotate_remote_entities(self, entities: list[Any]) -> list[Any]:
        return [_ForOneWorker(entity, self.place(self.number), self.starts) for entity in entities]


class _ForOneWorker:
    """An actor class of Tune's, whose process is told its worker's number and runs where the driver does."""

    def __init__(self, made: Any, place: Place, starts: Callable[[str], None]) -> None:
        self._made, self._place, self._starts = made, place, starts

    def remote(self, *, config: Mapping[str, Any], **arguments: Any) -> Any:
        self._starts(config[TRIAL])
        placed = self._made.options(num_cpus=0, num_gpus=0, scheduling_strategy=on_this_machine())
        return placed.remote(config={**config, PLACE: self._place}, **arguments)


class WorkerSlots(ResourceManager):  # type: ignore[misc]
    """workers: handles, one a slot. lost: called with the reason where no worker has been alive for PATIENCE_SECONDS. starts:
    called with a trial's name when a process of Tune is started for it. assignment: the search's, in the object store."""

    def __init__(
        self, workers: Sequence[Any], lost: Callable[[str], None], starts: Callable[[str], None], assignment: Any = None
    ) -> None:
        self._workers, self._lost, self._starts, self._assignment = tuple(workers), lost, starts, assignment
        self._free = set(range(len(self._workers)))
        self._asked: list[ResourceRequest] = []
        self._alive = set(self._free)
        self._looked_at = 0.0
        self._none_since: float | None = None
        """The first look at which none was alive."""

    def request_resources(self, resource_request: ResourceRequest) -> None:
        self._asked.append(resource_request)

    def cancel_resource_request(self, resource_request: ResourceRequest) -> None:
        self._asked.remove(resource_request)

    def has_resources_ready(self, resource_request: ResourceRequest) -> bool:
        if resource_request not in self._asked or not self._free:
            return False
        self._look()
        if not self._alive:
            time.sleep(PAUSE_SECONDS)  # Tune has nothing to wait for then, and would ask again at once
        return bool(self._free & self._alive)

    def acquire_resources(self, resource_request: ResourceRequest) -> _Held | None:
        if not self.has_resources_ready(resource_request):
            return None
        self._asked.remove(resource_request)
        number = min(self._free & self._alive)
        self._free.remove(number)
        return _Held(resource_request=resource_request, number=number, place=self._place, starts=self._starts)

    def free_resources(self, acquired_resource: _Held) -> None:
        """Its process is gone; whether its worker is too will be seen."""
        self._free.add(acquired_resource.number)
        self._looked_at = 0.0

    def _place(self, number: int) -> Place:
        return Place(number=number, assignment=self._assignment)

    def close(self) -> None:
        """Gives up the assignment: Tune's own objects, which refer to this one, may stay in memory for a while."""
        self._assignment = None

    def clear(self) -> None:
        self._asked, self._free = [], set(range(len(self._workers)))

    def _look(self) -> None:
        now = time.monotonic()
        if now - self._looked_at < LOOK_SECONDS:
            return
        self._looked_at = now
        self._alive = {number for number, worker in enumerate(self._workers) if is_alive(worker)}
        if self._alive:
            self._none_since = None
            return
        self._none_since = self._none_since or now
        if now - self._none_since > PATIENCE_SECONDS:
            self._lost(f"all {len(self._workers)} workers died, and none came back in {PATIENCE_SECONDS:g} s")


@contextmanager
def given_to_tune(assignment: Assignment, lost: Callable[[str], None], starts: Callable[[str], None]) -> Iterator[None]:
    """Tune's controller takes a resource manager, but `Tuner` has no argument for it: in this block it makes this one.

    It also hands the assignment to Tune's processes. What `tune.with_parameters` hands on stays in the object store as long as
    Ray runs, so that a sweep's searches fill it.
    """
    slots = WorkerSlots(assignment.workers, lost, starts, ray.put(assignment))
    made = tune_controller.PlacementGroupResourceManager
    tune_controller.PlacementGroupResourceManager = lambda: slots
    try:
        yield
    finally:
        tune_controller.PlacementGroupResourceManager = made
        slots.close()
