"""`dry_run=true`: measures the device for a few steps in as many workers as would train, and says what it would cost."""

from __future__ import annotations

import time
from dataclasses import asdict, replace

from tuneoff.algorithms.search import Search, build
from tuneoff.config import RunConfig
from tuneoff.execution.runtime import find_slots, start_ray
from tuneoff.records.schema import CalibrationRecord
from tuneoff.study.estimate import START_SECONDS, describe, estimate, simulate
from tuneoff.study.plan import algorithm_and_context
from tuneoff.study.prepare import prepare, resolve_device
from tuneoff.study.readiness import measure, settle_precision, workers
from tuneoff.study.reading import read_task


def dry_run(config: RunConfig) -> str:
    """The estimate, as text. Leaves nothing behind. UserError where the input is bad."""

    def new_search() -> Search:
        return build(*algorithm_and_context(config, slots=1, devices=1))

    new_search()
    device = resolve_device(config)
    slots = find_slots(config, device)
    task, splits = read_task(config)
    search = build(*algorithm_and_context(config, slots.count, slots.devices))
    start_ray(config, slots)
    with workers(config, slots, device) as handles:
        prepared = prepare(config, task, splits)
        if prepared.facts["precision"] is None:
            prepared = settle_precision(config, prepared, search, handles)
        rates = [
            CalibrationRecord(worker="", elapsed_seconds=0.0, **asdict(measured))
            for measured in measure(config, prepared, search, handles)
        ]
    if config.resources.address is None:
        rates = [replace(measured, start_up_seconds=START_SECONDS) for measured in rates]
    found = estimate(
        config,
        simulate(config, new_search),
        rates,
        prepared.facts,
        slots=slots.count,
        devices=slots.devices,
        population=search.population,
    )
    return describe(config, found, slots.device_kind, time.time())
