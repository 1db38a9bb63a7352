"""`dry_run=true`: measures the device for a few steps in as many workers as would train, and says what it would cost."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict

import ray

from tuneoff.algorithms.base import build
from tuneoff.config import RunConfig
from tuneoff.estimate import describe, estimate, simulate
from tuneoff.host import ExecutorHost
from tuneoff.planning import algorithm_and_context, trial_inputs
from tuneoff.prepare import prepare, resolve_device
from tuneoff.record import CalibrationRecord
from tuneoff.runtime import executors, find_slots, gpu_share, start_ray


def dry_run(config: RunConfig) -> str:
    """The estimate, as text. Leaves nothing behind. UserError where the input is bad."""
    make_plan: Callable[[], object] = lambda: build(*algorithm_and_context(config, slots=1, devices=1))  # noqa: E731
    make_plan()
    slots = find_slots(config, resolve_device(config))
    prepared = prepare(config)
    plan = build(*algorithm_and_context(config, slots.count, slots.devices))
    start_ray(config, slots)
    workers = executors(config, slots, prepared.device)
    inputs = trial_inputs(config, prepared, plan)
    if not workers:
        kind = ray.remote(num_cpus=config.resources.cpus_per_trial, num_gpus=gpu_share(config, prepared.device))(ExecutorHost)
        workers = tuple(kind.remote() for _ in range(slots.count))
    rates = [CalibrationRecord(worker="", elapsed_seconds=0.0, **asdict(measured))
             for measured in ray.get([worker.call.remote("prepare", inputs) for worker in workers])]
    found = estimate(config, simulate(config, make_plan), rates, prepared.facts, slots=slots.count,
                     devices=slots.devices, checkpoints=plan.checkpoints)
    return describe(config, found, slots.device_kind, time.time())
