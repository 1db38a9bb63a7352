"""Which trial of Ray Tune has which worker. For Tune's controller this is a resource manager; the workers are the resource."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ray.air.execution.resources.request import AcquiredResources, ResourceRequest
from ray.air.execution.resources.resource_manager import ResourceManager

from tuneoff.execution.actor import process_of
from tuneoff.execution.messages import TRIAL, Ended
from tuneoff.execution.tune_actor import TuneActor

LOOK_SECONDS = 1.0
"""How often the workers are looked at, at most."""
PAUSE_SECONDS = 0.05
PATIENCE_SECONDS = 60.0
"""How long a search waits for its first living worker: on another machine than the one that failed."""
UNAVAILABLE_SECONDS = 30.0
"""How long Ray may take to notice that a machine is gone."""


@dataclass(kw_only=True, eq=False)
class _Held(AcquiredResources):  # type: ignore[misc]
    """A worker that a trial has, by its number. process: which of the worker's it is."""

    resource_request: ResourceRequest
    number: int
    process: int
    begin: Callable[[int, Mapping[str, Any]], TuneActor]

    def annotate_remote_entities(self, entities: list[Any]) -> list[Any]:
        return [_Begins(self.begin, self.number) for _ in entities]


class _Begins:
    """Stands for Ray Tune's class of an actor: what it makes is the worker's."""

    def __init__(self, begin: Callable[[int, Mapping[str, Any]], TuneActor], number: int) -> None:
        self._begin, self._number = begin, number

    def remote(self, *, config: Mapping[str, Any], **_: Any) -> TuneActor:
        return self._begin(self._number, config)


class WorkerSlots(ResourceManager):  # type: ignore[misc]
    """workers: handles, one a slot. inputs: the session's, in the object store; hang_seconds: its own, see faults. lost: called
    with the reason where no worker has been alive for PATIENCE_SECONDS. starts: called with a trial's name when a worker begins
    it."""

    def __init__(
        self,
        workers: Sequence[Any],
        inputs: Any,
        hang_seconds: float | str | None,
        *,
        lost: Callable[[str], None],
        starts: Callable[[str], None],
    ) -> None:
        self._workers, self._inputs, self._hang_seconds = tuple(workers), inputs, hang_seconds
        self._lost, self._starts = lost, starts
        self._free = set(range(len(self._workers)))
        self._asked: list[ResourceRequest] = []
        self._processes: dict[int, int] = dict.fromkeys(self._free, 0)
        """Of the workers alive: which process each has, the first, the second, ..."""
        self._gone: dict[int, tuple[int, float]] = {}
        """Of workers that died in a trial's call: the process, and when. Ray may not have noticed yet."""
        self._actors: dict[int, TuneActor] = {}
        self.hung: dict[str, Ended] = {}
        """The ends of trials whose workers were ended because they hung, until those trials have failed for it."""
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
        if not self._processes:
            time.sleep(PAUSE_SECONDS)  # Tune has nothing to wait for then, and would ask again at once
        return bool(self._free & self._processes.keys())

    def acquire_resources(self, resource_request: ResourceRequest) -> _Held | None:
        """Without another look: Tune relies on what `has_resources_ready` has just said."""
        free = self._free & self._processes.keys()
        if resource_request not in self._asked or not free:
            return None
        self._asked.remove(resource_request)
        number = min(free)
        self._free.remove(number)
        return _Held(resource_request=resource_request, number=number, process=self._processes[number], begin=self._begin)

    def _begin(self, number: int, config: Mapping[str, Any]) -> TuneActor:
        self._starts(config[TRIAL])
        made = self._actors[number] = TuneActor(self._workers[number], self._inputs, self._hang_seconds, config)
        return made

    def free_resources(self, acquired_resource: _Held) -> None:
        """No trial has the worker any more; whether it is alive will be seen."""
        number = acquired_resource.number
        actor = self._actors.pop(number, None)
        if actor is not None and actor.died():
            self._gone[number] = acquired_resource.process, time.monotonic()
        self._free.add(number)
        self._looked_at = 0.0

    def end_hung(self) -> None:
        """Ends the workers that hang."""
        for actor in self._actors.values():
            ended = actor.end_if_hung()
            if ended is not None and not actor.stopped:
                self.hung[actor.trial] = ended

    def close(self) -> None:
        """Gives up the inputs: Tune's own objects, which refer to this one, may stay in memory for a while."""
        self._inputs, self._actors = None, {}

    def clear(self) -> None:
        self._asked, self._free = [], set(range(len(self._workers)))

    def _look(self) -> None:
        now = time.monotonic()
        if now - self._looked_at < LOOK_SECONDS:
            return
        self._looked_at = now
        found = {number: process_of(worker) for number, worker in enumerate(self._workers)}
        self._processes = {n: process for n, process in found.items() if process is not None and not self._is_gone(n, process)}
        if self._processes:
            self._none_since = None
            return
        self._none_since = self._none_since or now
        if now - self._none_since > PATIENCE_SECONDS:
            self._lost(f"all {len(self._workers)} workers died, and none came back in {PATIENCE_SECONDS:g} s")

    def _is_gone(self, number: int, process: int) -> bool:
        """Whether this very process died a moment ago."""
        died, when = self._gone.get(number, (-1, 0.0))
        return process == died and time.monotonic() - when < UNAVAILABLE_SECONDS
