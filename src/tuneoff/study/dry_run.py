"""`dry_run=true`: measures the device for a few steps in as many workers as would train, and predicts what it would cost."""

from __future__ import annotations

import time
from dataclasses import asdict, replace

from tuneoff.config import RunConfig
from tuneoff.errors import ConfigError
from tuneoff.records.schema import CalibrationRecord
from tuneoff.study.estimate import START_SECONDS, Estimate, describe, estimate, simulate
from tuneoff.study.plan import build_search
from tuneoff.study.session import Session


def dry_run(session: Session, config: RunConfig) -> tuple[Estimate, str]:
    """Returns the estimate, and the estimate as text. Leaves nothing behind. Raises UserError where the input is bad."""
    session.check(config)
    ready = session.ready(config)
    slots = ready.slots
    search = build_search(config, slots=slots.count, devices=slots.devices)
    ready = session.settled(ready)
    measured = session.measure(ready, search)
    if not measured:
        raise ConfigError(f"dry_run is true, but engine={config.engine.name} does not measure its speed: run the search itself")
    rates = [CalibrationRecord(worker="", elapsed_seconds=0.0, **asdict(one)) for one in measured]
    rates = [replace(one, start_up_seconds=START_SECONDS) for one in rates]
    work = simulate(config, lambda: build_search(config, slots=1, devices=1))
    found = estimate(
        config, work, rates, ready.prepared.facts, slots=slots.count, devices=slots.devices, population=search.population
    )
    notes = (f"note: {caution}" for caution in ready.prepared.facts.get("cautions", ()))
    return found, "\n".join([describe(config, found, slots.device_kind, time.time()), *notes])
