"""What is measured in the workers before a search's clock starts: the precision, and the speed that costs are foretold by."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import ray
from ray.exceptions import RayError

from tuneoff.algorithms.base import Plan
from tuneoff.calibrate import Rates
from tuneoff.config import RunConfig
from tuneoff.errors import UserError
from tuneoff.host import ExecutorHost
from tuneoff.planning import trial_inputs
from tuneoff.prepare import Prepared
from tuneoff.runtime import Slots, executors, gpu_share

PRECISIONS = ("fp32", "bf16")


class WorkerError(UserError):
    """A worker that could not take its first steps."""


@contextmanager
def workers(config: RunConfig, slots: Slots, device: str) -> Iterator[tuple[Any, ...]]:
    """The executors; on a cluster, where each search's workers are its own, as many for as long as this is used."""
    kept = executors(config, slots, device)
    if kept:
        yield kept
        return
    kind = ray.remote(num_cpus=config.resources.cpus_per_trial, num_gpus=gpu_share(config, device))(ExecutorHost)
    handles = tuple(kind.remote() for _ in range(slots.count))
    try:
        yield handles
    finally:
        for handle in handles:
            ray.kill(handle)


def settle_precision(config: RunConfig, prepared: Prepared, plan: Plan, handles: Sequence[Any]) -> Prepared:
    """What `training.precision=auto` stands for: the faster of fp32 and bf16, each worker having timed a few steps of both.

    All at once, as trials run; every other worker begins with the other one.
    """
    inputs = trial_inputs(config, prepared, plan)
    asked = [handle.call.remote("time_precisions", inputs, PRECISIONS[::-1 if number % 2 else 1])
             for number, handle in enumerate(handles)]
    try:
        found = ray.get(asked)
    except RayError as error:
        cause = getattr(error, "cause", None) or error
        raise WorkerError(f"the first training steps failed ({type(cause).__name__}: {str(cause).strip().splitlines()[0]}), "
                          "of which training.precision=auto times a few: give training.precision=fp32, or make a step "
                          "smaller with hparams.batch_size") from error
    seconds = {name: statistics.fmean(times[name] for times in found) for name in PRECISIONS}
    return prepared.with_precision({"chosen": min(seconds, key=lambda name: seconds[name]), "by": "measurement",
                                    "token_seconds": seconds})


def measure(config: RunConfig, prepared: Prepared, plan: Plan, handles: Sequence[Any]) -> list[Rates]:
    """Has every worker take up network and data and measure its speed. RayError where one fails."""
    inputs = trial_inputs(config, prepared, plan)
    rates: list[Rates] = ray.get([handle.call.remote("prepare", inputs) for handle in handles])
    return rates
