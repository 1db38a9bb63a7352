"""The workers of one command, one process a slot, and the values that all of them read."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import ray
from ray.exceptions import ActorUnavailableError, RayError

from tuneoff.errors import ConfigError, first_line
from tuneoff.execution.actor import CODE, MACHINE, NODE, WorkerActor
from tuneoff.records.provenance import code_hash, versions
from tuneoff.training.protocol import Shared

ACCELERATOR = "accelerator_type:"


@dataclass(frozen=True, kw_only=True)
class WorkerKind:
    """The settings of a worker process; a search reuses workers of its own kind only. threads: cores that each holds; gpus: its
    share of a GPU. modules: those imported first, while the driver goes on."""

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
        self.machines: tuple[frozenset[str], ...] = ()
        """Of the workers that `placed` found, the words that Ray has for their machines."""

    def workers(self, count: int, kind: WorkerKind) -> tuple[Any, ...]:
        """Handles of `count` workers; those of the search before where they are of the same kind.

        New ones are still importing what they need, or wait for a place on a cluster. Where one dies Ray starts it anew, on
        another machine where its own is gone; they end with the driver.
        """
        if self._kind != kind:
            self._stop()
            self._kind = kind
        made = ray.remote(num_cpus=kind.threads, num_gpus=kind.gpus, max_restarts=-1)(WorkerActor)
        self._workers += [made.remote(kind.modules) for _ in range(count - len(self._workers))]
        return tuple(self._workers[:count])

    def placed(self, count: int, patience_seconds: float) -> tuple[Any, ...]:
        """So many workers, or those for which a cluster finds a place in time; the others are given up, and hold nothing later.

        Raises ConfigError where one can't start there, or where its machine has other versions or code than this one.
        """
        until = time.monotonic() + patience_seconds
        here = {**versions(), CODE: code_hash()}
        asked = {worker.origin.remote(): worker for worker in self._workers}
        found: list[Any] = []
        nodes: list[str] = []
        while asked and len(found) < count and time.monotonic() < until:
            answered, _ = ray.wait(list(asked), num_returns=1, timeout=until - time.monotonic())
            for one in answered:
                worker = asked.pop(one)
                try:
                    there = ray.get(one)
                except ActorUnavailableError:  # it is being started anew, since its machine is gone
                    time.sleep(1.0)
                    asked[worker.origin.remote()] = worker
                    continue
                except RayError as error:
                    raise ConfigError(
                        f"a worker could not start on the cluster of resources.address ({first_line(error)}): tuneoff and what "
                        "it needs must be installed on each of its machines"
                    ) from error
                _must_be_the_same(here, there)
                found.append(worker)
                nodes.append(there[NODE])
        for worker in self._workers:
            if worker not in found:
                ray.kill(worker)
        self._workers = found
        words = {node["NodeID"]: words_of(node) for node in ray.nodes()} if nodes else {}
        self.machines = tuple(words.get(node, frozenset()) for node in nodes)
        return tuple(found)

    def share(self, key: str, make: Callable[[], Any]) -> Shared:
        """Puts the value into the object store, once for all searches in a row with the same key."""
        if self._shared is None or self._shared.key != key:
            self._shared = Shared(key=key, fetch=partial(ray.get, ray.put(make())))
        return self._shared

    def _stop(self) -> None:
        for handle in self._workers:
            ray.kill(handle)
        self._workers = []


def words_of(node: Mapping[str, Any]) -> frozenset[str]:
    """By which a machine can be told from others: its labels' values, the resources that it was given, its accelerators."""
    resources = {name.removeprefix(ACCELERATOR) for name in node["Resources"] if not name.startswith("node:")}
    return frozenset(resources - {"CPU", "GPU", "memory", "object_store_memory"}) | frozenset(
        str(value) for name, value in node.get("Labels", {}).items() if name != "ray.io/node-id"
    )


def _must_be_the_same(here: Mapping[str, str], there: Mapping[str, str]) -> None:
    for name, value in here.items():
        if there.get(name) != value:
            raise ConfigError(
                f"resources.address is a cluster whose machine {there[MACHINE]} has {name} {there.get(name)}, but here it is "
                f"{value}, and trials of one search must be trained alike: install the same on all machines"
            )
