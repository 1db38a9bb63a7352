"""The workers of one command on this machine, one process a slot, and the values that all of them read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import ray

from tuneoff.execution.actor import WorkerActor
from tuneoff.training.protocol import Shared


@dataclass(frozen=True, kw_only=True)
class WorkerKind:
    """The settings of a worker process; a search reuses workers of its own kind only. gpus: share of a GPU that each holds.
    modules: those imported first, while the driver goes on."""

    device: str
    threads: int
    gpus: float
    modules: tuple[str, ...]


class WorkerPool:
    """Outlives a search: the next one of the command finds its workers warm. Lives as long as Ray's runtime."""

    def __init__(self) -> None:
        self._kind: WorkerKind | None = None
        self._workers: list[Any] = []
        self._shared: Shared | None = None

    def workers(self, count: int, kind: WorkerKind) -> tuple[Any, ...]:
        """Handles of `count` workers; those of the search before where they are of the same kind.

        New ones are still importing what they need. They take no CPUs from the trials, which hold those. Where one dies Ray
        starts it anew; they end with the driver.
        """
        if self._kind != kind:
            self._stop()
            self._kind = kind
        made = ray.remote(num_cpus=0, num_gpus=kind.gpus, max_restarts=-1)(WorkerActor)
        self._workers += [made.remote(kind.modules) for _ in range(count - len(self._workers))]
        return tuple(self._workers[:count])

    def share(self, key: str, make: Callable[[], Any]) -> Shared:
        """Puts the value into the object store, once for all searches in a row with the same key."""
        if self._shared is None or self._shared.key != key:
            self._shared = Shared(key=key, fetch=partial(ray.get, ray.put(make())))
        return self._shared

    def _stop(self) -> None:
        for handle in self._workers:
            ray.kill(handle)
        self._workers = []


def own_workers(count: int, kind: WorkerKind, cpus: int) -> list[Any]:
    """Workers that hold their CPUs, on a cluster, for as long as the caller keeps them: see `placed`."""
    made = ray.remote(num_cpus=cpus, num_gpus=kind.gpus)(WorkerActor)
    return [made.remote(kind.modules) for _ in range(count)]


def placed(handles: Sequence[Any], patience_seconds: float) -> list[Any]:
    """The handles of the workers that the cluster found a place for in time."""
    ready = {handle.__ray_ready__.remote(): handle for handle in handles}
    found, _ = ray.wait(list(ready), num_returns=len(ready), timeout=patience_seconds)
    return [ready[one] for one in found]
