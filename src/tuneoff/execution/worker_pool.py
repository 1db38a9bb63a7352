"""The driver's executors: one process a slot, for all searches that this process runs on this machine, one after the other."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import ray

from tuneoff.execution.actor import ExecutorHost
from tuneoff.execution.messages import Material

if TYPE_CHECKING:
    from tuneoff.study.prepare import Prepared


@dataclass(kw_only=True)
class _Kept:
    """What outlives a search. device, threads: an executor of others is of no use."""

    device: str = ""
    threads: int = 0
    gpus: float = 0.0
    executors: list[Any] = field(default_factory=list)
    material_key: str = ""
    material: Any = None


_kept = _Kept()
"""As Ray's runtime itself, there is one a process."""


def executors(slots: int, *, device: str, threads: int, gpus: float) -> tuple[Any, ...]:
    """Handles of `slots` executors with `gpus` each; those of the search before where they are of use.

    New ones are still importing what they need. They take no CPUs from the trials, which hold those. Where one dies Ray starts
    it anew; they end with the driver.
    """
    if (_kept.device, _kept.threads, _kept.gpus) != (device, threads, gpus):
        for handle in _kept.executors:
            ray.kill(handle)
        _kept.executors, _kept.device, _kept.threads, _kept.gpus = [], device, threads, gpus
    missing = slots - len(_kept.executors)
    kind = ray.remote(num_cpus=0, num_gpus=gpus, max_restarts=-1)(ExecutorHost)
    _kept.executors += [kind.remote() for _ in range(missing)]
    return tuple(_kept.executors[:slots])


def material(prepared: Prepared) -> tuple[str, Any]:
    """(key, reference): in the object store once, for all searches in a row on the same."""
    key = _key(prepared)
    if _kept.material_key != key:
        _kept.material = ray.put(
            Material(base=prepared.base, train=prepared.train, validation=prepared.validation, test=prepared.test)
        )
        _kept.material_key = key
    return key, _kept.material


def forget() -> None:
    """Ray's runtime is gone, and with it all that was kept."""
    global _kept  # noqa: PLW0603
    _kept = _Kept()


def _key(prepared: Prepared) -> str:
    """SHA-256 over what a Material is made from: weights, the model's settings, tokens and labels of each part."""
    facts = prepared.facts
    parts = [
        facts["model_sha256"],
        prepared.base.config.to_json(),
        str(prepared.base.missing),
        *(f"{name}={digest}" for name, digest in sorted(facts["encoded_sha256"].items())),
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
