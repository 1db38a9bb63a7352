"""The cost of a search, predicted before it begins from rates measured on the device and the plan of the search."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tuneoff.algorithms.contracts import Point, Stop
from tuneoff.algorithms.search import Search
from tuneoff.config import RunConfig
from tuneoff.records.schema import CalibrationRecord

SIMULATIONS = 20
"""Simulations of a search whose scheduler stops trials, on random scores."""
SECONDS_PER_EVALUATION = 0.04
"""Seconds between an evaluation and the next step: Ray Tune's loop and the record. Measured in results/entail-searches:
median 0.03, mean 0.05 over 758 evaluations on two cores."""
START_SECONDS = 0.4
"""Seconds from a session's beginning to a trial's first step when workers are ready. Measured on two cores: 0.40 to 0.44 in
four searches of a sweep."""
STATE_COPIES = 3
"""Numbers in a state for each parameter: the weight and two moments."""


@dataclass(frozen=True, kw_only=True)
class Workload:
    """The work of a search, on average over simulations. epochs: by batch size, over all trials."""

    trials: float
    evaluations: float
    epochs: Mapping[int, float]


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Seconds are wall seconds; device_seconds are charged (wall x devices held); disk in bytes."""

    trials: float
    epochs: float
    wall_seconds: float
    device_seconds: float
    dollars: float
    disk_bytes: float

    def to_dict(self) -> dict[str, float]:
        return asdict(self)


def simulate(config: RunConfig, new_search: Callable[[], Search], seed: int = 0) -> Workload:
    """Runs the search without training: proposals drawn from the space (a grid's are its own), scores at random.

    A search that learns proposes otherwise later; that is not predicted.
    """
    rng = np.random.default_rng(seed)
    runs = [_simulate_once(config, new_search(), rng) for _ in range(SIMULATIONS if new_search().stops_early else 3)]
    sizes = {size for run in runs for size in run[2]}
    return Workload(
        trials=statistics.fmean(r[0] for r in runs),
        evaluations=statistics.fmean(r[1] for r in runs),
        epochs={size: statistics.fmean(r[2].get(size, 0.0) for r in runs) for size in sizes},
    )


def _simulate_once(config: RunConfig, search: Search, rng: np.random.Generator) -> tuple[int, int, dict[int, float]]:
    """One trial after the other: (trials, evaluations, epochs by batch size)."""
    per_epoch = config.training.evaluations_per_epoch
    budget = config.budget.amount if config.budget and config.budget.unit == "epochs" else math.inf
    left = math.floor(budget * per_epoch + 1e-9) if math.isfinite(budget) else math.inf
    epochs: dict[int, float] = {}
    trials = evaluations = 0
    while trials < search.num_trials and left >= 1:
        name = f"t{trials:03d}"
        point = _proposal(config, search, name, rng)
        size = int(point.get("batch_size") or config.hparams.get("batch_size") or 0)
        length = config.epochs_of(point) * per_epoch
        if search.whole_trials and left < length:
            break
        trained = _simulate_trial(search, name, min(length, left), length, rng)
        trials, evaluations, left = trials + 1, evaluations + trained, left - trained
        epochs[size] = epochs.get(size, 0.0) + trained / per_epoch
    return trials, evaluations, epochs


def _simulate_trial(search: Search, name: str, most: float, length: int, rng: np.random.Generator) -> int:
    """Evaluations until the trial is stopped, or after `most` of its `length`."""
    clock = 0
    while clock < most:
        clock += 1
        if search.stops_early:
            decision = search.report(name, clock=clock, score=float(rng.random()), done=clock == length)
            if isinstance(decision, Stop):
                break
    search.end(name, scored=True)
    return clock


def _proposal(config: RunConfig, search: Search, name: str, rng: np.random.Generator) -> Point:
    point = None if search.searcher.learns else search.propose()
    if point is None:
        point = config.space.sample(rng)
    search.adopt(name, point)
    return point


def estimate(
    config: RunConfig,
    work: Workload,
    rates: Sequence[CalibrationRecord],
    facts: Mapping[str, Any],
    *,
    slots: int,
    devices: int,
    population: bool,
) -> Estimate:
    """facts: `Header.data`. Trials are spread evenly over the slots; for the last one, which runs alone, half a trial is
    added."""
    mean = statistics.fmean
    tokens = facts["tokens"]
    train = sum(epochs * tokens["train"] * mean(_rate(r, size) for r in rates) for size, epochs in work.epochs.items())
    evaluate_rate = mean(r.evaluate_token_seconds for r in rates)
    validation = work.evaluations * tokens["validation"] * evaluate_rate
    tests = work.evaluations if config.tests_every_evaluation else _expected_incumbents(work, population)
    busy = train + validation + tests * tokens["test"] * evaluate_rate + work.evaluations * SECONDS_PER_EVALUATION
    epochs = sum(work.epochs.values())
    one_trial = busy / work.trials
    wall = max(r.start_up_seconds for r in rates) + max(busy / slots + (one_trial / 2 if slots > 1 else 0), one_trial)
    if config.budget is not None and config.budget.unit != "epochs":
        limit = config.budget.wall_seconds(config.price, devices)
        assert limit is not None
        if not population or wall > limit:
            epochs, wall = epochs * min(1.0, limit / wall), limit
    state = facts.get("trained_parameters", facts["parameters"]) * 4 * STATE_COPIES
    live = work.trials if population else slots
    kept = (slots + 1) * state / STATE_COPIES if config.keep is not None else 0.0
    return Estimate(
        trials=work.trials,
        epochs=epochs,
        wall_seconds=wall,
        device_seconds=wall * devices,
        dollars=config.price.dollars(wall * devices),
        disk_bytes=2 * live * state + kept,
    )


def _rate(record: CalibrationRecord, batch_size: int) -> float:
    """Seconds per token at a batch size, interpolated in its logarithm between those that were measured."""
    sizes = sorted((int(size), seconds) for size, seconds in record.train_token_seconds.items())
    return float(np.interp(math.log(batch_size), [math.log(s) for s, _ in sizes], [seconds for _, seconds in sizes]))


def _expected_incumbents(work: Workload, population: bool) -> float:
    """The expected number of evaluations that are the best so far, and so scored on test.

    Of n trials in random order the k-th is the best so far with probability 1/k. Scores rise within a trial: all evaluations of
    the first trial count, and about half of those that follow the first one of a later winner. In a population each generation
    begins anew.
    """
    n, each = max(1, round(work.trials)), max(1.0, work.evaluations / work.trials)
    wins = sum(1 / k for k in range(1, n + 1))
    return each * wins if population else each + (wins - 1) * (1 + each) / 2


def describe(config: RunConfig, found: Estimate, device_kind: str, started: float) -> str:
    """The estimate in a few lines of text."""
    kind = "GPU" if device_kind == "gpu" else "CPU"
    ends = time.strftime("%H:%M:%S", time.localtime(started + found.wall_seconds))
    return "\n".join(
        [
            f"{config.algorithm.name} on {config.task.name} with {config.model.name}, before paying:",
            f"  trials          {found.trials:.0f}",
            f"  epochs          {found.epochs:.1f}",
            f"  wall time       {found.wall_seconds:.0f} s (would end at {ends} if started now)",
            f"  {kind}-minutes     {found.device_seconds / 60:.2f} charged",
            f"  dollars         {found.dollars:.4f} at {config.price.per_device_hour_usd:g} per {kind}-hour "
            f"(price={config.price.name})",
            f"  disk            {found.disk_bytes / 1e6:.0f} MB at most while it runs (snapshots of live trials)",
        ]
    )
