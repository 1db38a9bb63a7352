"""What is measured in the workers before a search's clock starts: the precision, and the speed that costs are foretold by."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import ray
from ray.exceptions import RayError

from tuneoff.algorithms.search import Search
from tuneoff.config import RunConfig
from tuneoff.errors import UserError, first_line
from tuneoff.execution.actor import ExecutorHost
from tuneoff.execution.runtime import Slots, executors, gpu_share
from tuneoff.study.plan import trial_inputs
from tuneoff.study.prepare import Prepared
from tuneoff.training.speed import Rates

PRECISIONS = ("fp32", "bf16")
PLACEMENT_SECONDS = 60.0
"""For which a cluster may keep workers waiting for a place."""


class WorkerError(UserError):
    """Workers that could not be had, or could not take their first steps."""


@contextmanager
def workers(config: RunConfig, slots: Slots, device: str) -> Iterator[tuple[Any, ...]]:
    """The executors; on a cluster, where each search's workers are its own, up to as many for as long as this is used.

    WorkerError where the cluster has a place for none.
    """
    kept = executors(config, slots, device)
    if kept:
        yield kept
        return
    kind = ray.remote(num_cpus=config.resources.cpus_per_trial, num_gpus=gpu_share(config, device))(ExecutorHost)
    handles = {(handle := kind.remote()).__ray_ready__.remote(): handle for _ in range(slots.count)}
    try:
        placed, _ = ray.wait(list(handles), num_returns=slots.count, timeout=PLACEMENT_SECONDS)
        if not placed:
            raise WorkerError(
                f"resources.address is {config.resources.address!r}, but that cluster had no place for a worker "
                f"in {PLACEMENT_SECONDS:g} s: wait until it is less busy, or ask for less with "
                "resources.cpus_per_trial and resources.gpus_per_trial"
            )
        yield tuple(handles[ready] for ready in placed)
    finally:
        for handle in handles.values():
            ray.kill(handle)


def settle_precision(config: RunConfig, prepared: Prepared, search: Search, handles: Sequence[Any]) -> Prepared:
    """What `training.precision=auto` stands for: the faster of fp32 and bf16, all workers at once timing a few steps of one
    and then of the other. WorkerError where one fails."""
    inputs = trial_inputs(config, prepared, search)
    seconds = {name: statistics.fmean(_ask(handles, "time_precision", inputs, name)) for name in PRECISIONS}
    return prepared.with_precision(
        {"chosen": min(seconds, key=lambda name: seconds[name]), "by": "measurement", "token_seconds": seconds}
    )


def measure(config: RunConfig, prepared: Prepared, search: Search, handles: Sequence[Any]) -> list[Rates]:
    """Has every worker take up network and data and measure its speed. WorkerError where one fails."""
    return _ask(handles, "prepare", trial_inputs(config, prepared, search))


def _ask(handles: Sequence[Any], method: str, *arguments: Any) -> list[Any]:
    try:
        found: list[Any] = ray.get([handle.call.remote(method, *arguments) for handle in handles])
    except RayError as error:
        cause = getattr(error, "cause", None) or error
        raise WorkerError(
            f"a worker's first training steps failed ({first_line(cause)}): if a step is too large for the "
            "device, make it smaller (model, model.max_length, the largest batch_size), or give "
            "resources.slots=N to have fewer at once"
        ) from error
    return found
