"""What a search will cost, before it is paid for: from rates measured on the device and the plan of the search."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from tuneoff.algorithms.base import SCORE, TIME, Plan
from tuneoff.config import RunConfig
from tuneoff.records.schema import CalibrationRecord

SIMULATIONS = 20
"""Of a scheduler that stops trials, on scores that say nothing."""
SECONDS_PER_EVALUATION = 0.04
"""Between one evaluation and the next step: Ray Tune's loop and the record. Measured in results/entail-searches: median 0.03,
mean 0.05 over 758 evaluations on two cores."""
START_SECONDS = 2.0
"""From a session's beginning to a trial's first step, with executors that are ready: Ray Tune starts its processes. Measured on
two cores: 1.7 to 2.1."""
STATE_COPIES = 3
"""Numbers in a state for each parameter: the weight and two moments."""


@dataclass(frozen=True, kw_only=True)
class Workload:
    """What the search will train, on average over simulations. Epochs by batch size, over all trials."""

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


def simulate(config: RunConfig, make_plan: Any, seed: int = 0) -> Workload:
    """Runs the plan without training: proposals drawn from the space (a grid's are its own), scores at random.

    make_plan: () -> Plan. A search that learns proposes otherwise later; that is not foreseen.
    """
    rng = np.random.default_rng(seed)
    stops = hasattr(make_plan().scheduler, "replay") and not make_plan().checkpoints
    runs = [_simulate_once(config, make_plan(), rng) for _ in range(SIMULATIONS if stops else 3)]
    sizes = {size for run in runs for size in run[2]}
    return Workload(
        trials=statistics.fmean(r[0] for r in runs),
        evaluations=statistics.fmean(r[1] for r in runs),
        epochs={size: statistics.fmean(r[2].get(size, 0.0) for r in runs) for size in sizes},
    )


def _simulate_once(config: RunConfig, plan: Plan, rng: np.random.Generator) -> tuple[int, int, dict[int, float]]:
    share = 1 / config.training.evaluations_per_epoch
    left = config.budget.amount if config.budget and config.budget.unit == "epochs" else math.inf
    epochs: dict[int, float] = {}
    trials = evaluations = 0
    whole = not plan.checkpoints and not hasattr(plan.scheduler, "replay")
    while trials < plan.num_trials and left >= share:
        point = _proposal(config, plan, trials, rng)
        size = int(point.get("batch_size", config.hparams.get("batch_size") or 0))
        length = config.epochs_of(point) * config.training.evaluations_per_epoch
        if whole and left * config.training.evaluations_per_epoch < length:
            break
        trial = SimpleNamespace(trial_id=f"simulated-{trials}", config=point, is_finished=lambda: False)
        trials += 1
        for clock in range(1, length + 1):
            if left < share:
                break
            left -= share
            evaluations += 1
            epochs[size] = epochs.get(size, 0.0) + share
            if clock < length and not plan.checkpoints and _stops(plan, trial, clock, float(rng.random())):
                break
    return trials, evaluations, epochs


def _proposal(config: RunConfig, plan: Plan, number: int, rng: np.random.Generator) -> Mapping[str, Any]:
    proposer = plan.searcher.proposer
    if proposer.learns:
        return config.space.sample(rng)
    proposal = plan.searcher.suggest(f"simulated-{number}")
    return proposal if isinstance(proposal, dict) else config.space.sample(rng)


def _stops(plan: Plan, trial: Any, clock: int, score: float) -> bool:
    if not hasattr(plan.scheduler, "replay"):
        return False
    plan.scheduler.on_trial_add(None, trial)
    return bool(plan.scheduler.on_trial_result(None, trial, {SCORE: score, TIME: clock}) == "STOP")


def estimate(
    config: RunConfig,
    work: Workload,
    rates: Sequence[CalibrationRecord],
    facts: Mapping[str, Any],
    *,
    slots: int,
    devices: int,
    checkpoints: bool,
) -> Estimate:
    """facts: `Header.data`. Trials are spread evenly over the slots; the last one alone is half a trial of waiting."""
    mean = statistics.fmean
    tokens = facts["tokens"]
    train = sum(epochs * tokens["train"] * mean(_rate(r, size) for r in rates) for size, epochs in work.epochs.items())
    evaluate_rate = mean(r.evaluate_token_seconds for r in rates)
    validation = work.evaluations * tokens["validation"] * evaluate_rate
    every = config.protocol.rules.tests_every_evaluation
    tests = work.evaluations if every else _expected_incumbents(work, checkpoints)
    busy = train + validation + tests * tokens["test"] * evaluate_rate + work.evaluations * SECONDS_PER_EVALUATION
    epochs = sum(work.epochs.values())
    one_trial = busy / work.trials
    wall = max(r.start_up_seconds for r in rates) + max(busy / slots + (one_trial / 2 if slots > 1 else 0), one_trial)
    if config.budget is not None and config.budget.unit != "epochs":
        limit = config.budget.wall_seconds(config.price, devices)
        assert limit is not None
        if not checkpoints or wall > limit:
            epochs, wall = epochs * min(1.0, limit / wall), limit
    state = facts["parameters"] * 4 * STATE_COPIES
    live = work.trials if checkpoints else slots
    return Estimate(
        trials=work.trials,
        epochs=epochs,
        wall_seconds=wall,
        device_seconds=wall * devices,
        dollars=config.price.dollars(wall * devices),
        disk_bytes=2 * live * state,
    )


def _rate(record: CalibrationRecord, batch_size: int) -> float:
    """Seconds per token at a batch size, interpolated in its logarithm between those that were measured."""
    sizes = sorted((int(size), seconds) for size, seconds in record.train_token_seconds.items())
    return float(np.interp(math.log(batch_size), [math.log(s) for s, _ in sizes], [seconds for _, seconds in sizes]))


def _expected_incumbents(work: Workload, population: bool) -> float:
    """How many evaluations are the best so far, and so scored on test.

    Of n trials in random order the k-th is the best so far with probability 1/k. Scores rise within a trial: all evaluations
    of the first trial count, and about half of those that follow the first one of a later winner. In a population each
    generation begins anew.
    """
    n, each = max(1, round(work.trials)), max(1.0, work.evaluations / work.trials)
    wins = sum(1 / k for k in range(1, n + 1))
    return each * wins if population else each + (wins - 1) * (1 + each) / 2


def describe(config: RunConfig, found: Estimate, device_kind: str, started: float) -> str:
    """For a person, a few lines."""
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
