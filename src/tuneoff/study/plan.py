"""A search's plan from its settings: its algorithm, number of trials and budget."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import ray

from tuneoff.algorithms.configuration import AlgorithmConfig
from tuneoff.algorithms.contracts import Point, SearchContext
from tuneoff.algorithms.search import Search, build
from tuneoff.budget import Budget, MayStart
from tuneoff.config import RunConfig
from tuneoff.execution.runtime import Slots
from tuneoff.records.history import Earlier
from tuneoff.seeds import derive

UNLIMITED_TRIALS = 100_000
"""The number of trials under a budget of time: more than it could start."""


def build_search(config: RunConfig, *, slots: int, devices: int) -> Search:
    """The search, of which nothing has run yet. Raises AlgorithmError where a setting does not fit."""
    return build(*algorithm_and_context(config, slots, devices))


def algorithm_and_context(config: RunConfig, slots: int, devices: int) -> tuple[AlgorithmConfig, SearchContext]:
    """The algorithm with its number of trials, which a budget decides where there is one."""
    defaults: dict[str, Any] = {name: config.hparams[name] for name in config.space.domains}
    context = SearchContext(
        space=config.space,
        seed=derive(config.seed, config.repeat)["search"],
        study_seed=derive(config.seed, 0)["search"],
        slots=slots,
        max_epochs=config.max_epochs,
        defaults=defaults,
        evaluations_per_epoch=config.training.evaluations_per_epoch,
        mutable=config.engine.declared.mutable,
        shaping=config.engine.declared.shaping,
    )
    if config.budget is None:
        return config.algorithm, context
    config.budget.wall_seconds(config.price, devices)
    return replace(config.algorithm, trials=_trials_within(config, config.budget)), context


def _trials_within(config: RunConfig, budget: Budget) -> int | None:
    """As many trials as the budget could ever start; a population is as large as the budget can train to the end.

    A population under a budget of time keeps its configured size: how many epochs that buys is not known beforehand.
    """
    if config.algorithm.searcher.kind.trials_fixed:
        return config.algorithm.trials
    population = config.algorithm.scheduler.kind.population
    if budget.unit != "epochs":
        return config.algorithm.trials if population else UNLIMITED_TRIALS
    if population:
        return max(2, int(budget.amount / config.max_epochs + 1e-9))
    return max(1, int(budget.amount * config.training.evaluations_per_epoch + 1e-9))


def budget_gate(config: RunConfig, search: Search, shared_state: Any) -> MayStart:
    """The test of whether the budget has room for one more trial: for all of it where nothing stops it early, else for one
    evaluation."""

    def may_start(name: str, point: Point, epochs_trained: float) -> bool:
        if search.whole_trials:
            return bool(ray.get(shared_state.reserve.remote(name, config.epochs_of(point) - epochs_trained)))
        return bool(ray.get(shared_state.left.remote(1 / config.training.evaluations_per_epoch)))

    return may_start


def budget_limits(config: RunConfig, slots: Slots, earlier: Earlier) -> dict[str, Any]:
    """The fields of shared_state.Limits that the budget sets."""
    if config.budget is None:
        return {}
    seconds = config.budget.wall_seconds(config.price, slots.devices)
    if seconds is None:
        return {"epochs": config.budget.amount}
    return {"deadline": time.monotonic() + seconds - earlier.elapsed_seconds}
