"""From settings to a search's plan: its algorithm and number of trials, and its budget."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import ray

from tuneoff.algorithms.base import AlgorithmConfig, Plan, SearchContext, build
from tuneoff.algorithms.discovery import load
from tuneoff.budget import Budget
from tuneoff.config import RunConfig
from tuneoff.execution.runtime import Slots
from tuneoff.records.history import Earlier
from tuneoff.seeds import derive

UNLIMITED_TRIALS = 100_000
"""More than a budget of time could start."""


def build_plan(config: RunConfig, *, slots: int, devices: int) -> Plan:
    """The searcher and scheduler of the search. AlgorithmError where a setting does not fit."""
    return build(*algorithm_and_context(config, slots, devices))


def algorithm_and_context(config: RunConfig, slots: int, devices: int) -> tuple[AlgorithmConfig, SearchContext]:
    """The algorithm with its number of trials, which a budget decides where there is one."""
    defaults: dict[str, Any] = {name: config.hparams[name] for name in config.space.domains}
    context = SearchContext(
        space=config.space,
        seed=derive(config.seed, config.repeat)["search"],
        slots=slots,
        max_epochs=config.max_epochs,
        defaults=defaults,
        evaluations_per_epoch=config.training.evaluations_per_epoch,
    )
    if config.budget is None:
        return config.algorithm, context
    config.budget.wall_seconds(config.price, devices)
    return replace(config.algorithm, trials=_trials_within(config, config.budget)), context


def _trials_within(config: RunConfig, budget: Budget) -> int | None:
    """As many trials as the budget could ever start; a population is as large as the budget can train to the end.

    A population under a budget of time keeps its configured size: how many epochs that buys is not known beforehand.
    """
    if getattr(load("searcher", config.algorithm.searcher.name), "TRIALS_FIXED", False):
        return config.algorithm.trials
    population = getattr(load("scheduler", config.algorithm.scheduler.name), "POPULATION", False)
    if budget.unit != "epochs":
        return config.algorithm.trials if population else UNLIMITED_TRIALS
    if population:
        return max(2, int(budget.amount / config.max_epochs + 1e-9))
    return max(1, int(budget.amount * config.training.evaluations_per_epoch + 1e-9))


def budget_gate(config: RunConfig, plan: Plan, shared_state: Any) -> Callable[[str, Mapping[str, Any]], bool]:
    """Whether one more trial may start: a whole one where nothing stops it early, an evaluation of it otherwise."""
    whole = not plan.checkpoints and not hasattr(plan.scheduler, "replay")

    def may_start(name: str, point: Mapping[str, Any]) -> bool:
        if whole:
            return bool(ray.get(shared_state.reserve.remote(name, float(config.epochs_of(point)))))
        return bool(ray.get(shared_state.left.remote(1 / config.training.evaluations_per_epoch)))

    return may_start


def budget_limits(config: RunConfig, slots: Slots, earlier: Earlier) -> dict[str, Any]:
    """The fields of shared_state.Limits that the budget sets."""
    if config.budget is None:
        return {}
    seconds = config.budget.wall_seconds(config.price, slots.devices)
    if seconds is None:
        return {"epochs": config.budget.amount}
    return {"deadline": time.time() + seconds - earlier.elapsed_seconds}
