"""From settings to what a search is given: its algorithm and number of trials, its trials' inputs, its budget."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import ray

from tuneoff.algorithms.configuration import AlgorithmConfig
from tuneoff.algorithms.contracts import Point, SearchContext
from tuneoff.algorithms.search import Search
from tuneoff.budget import Budget
from tuneoff.config import RunConfig
from tuneoff.execution import worker_pool as pool
from tuneoff.execution.earlier import Earlier
from tuneoff.execution.messages import TrialInputs
from tuneoff.execution.ray_searcher import MayStart
from tuneoff.execution.runtime import Slots
from tuneoff.records.store import STATE_FOLDER
from tuneoff.seeds import derive

if TYPE_CHECKING:
    from tuneoff.study.prepare import Prepared

UNLIMITED_TRIALS = 100_000
"""More than a budget of time could start."""


def trial_inputs(
    config: RunConfig,
    prepared: Prepared,
    search: Search,
    board: Any = None,
    *,
    retraining: bool = False,
    deadline: float | None = None,
) -> TrialInputs:
    """What every trial is given. Ray must have been started: what is large is put into its object store."""
    training, began = config.training, time.time()
    material_key, material = pool.material(prepared)
    return TrialInputs(
        material=material,
        material_key=material_key,
        n_labels=len(prepared.task.label_names),
        metrics=prepared.task.metrics,
        hparams=config.hparams,
        seed=derive(config.seed, config.repeat)["retraining" if retraining else "training"],
        device=prepared.device,
        threads=config.resources.cpus_per_trial,
        batch_sizes=config.batch_sizes,
        bf16=prepared.bf16,
        evaluations_per_epoch=training.evaluations_per_epoch,
        bucket_lengths=training.bucket_lengths,
        cuda_graphs=training.cuda_graphs == "auto",
        evaluation_batch_size=training.evaluation_batch_size,
        resume=search.resume,
        checkpoints=search.population,
        schedule=search.schedule,
        snapshot_folder=str(config.cell / STATE_FOLDER),
        snapshot_seconds=training.snapshot_seconds,
        test_always=retraining or config.protocol.name == "blog2020",
        began=began,
        deadline=deadline,
        board=board,
    )


def algorithm_and_context(config: RunConfig, slots: int, devices: int) -> tuple[AlgorithmConfig, SearchContext]:
    """The algorithm with its number of trials, which a budget decides where there is one."""
    defaults = {name: getattr(config.hparams, name) for name in config.space.domains}
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
    if config.algorithm.searcher.kind.trials_fixed:
        return config.algorithm.trials
    population = config.algorithm.scheduler.kind.population
    if budget.unit != "epochs":
        return config.algorithm.trials if population else UNLIMITED_TRIALS
    if population:
        return max(2, int(budget.amount / config.max_epochs + 1e-9))
    return max(1, int(budget.amount * config.training.evaluations_per_epoch + 1e-9))


def budget_gate(config: RunConfig, search: Search, board: Any) -> MayStart:
    """Whether one more trial may start: a whole one where nothing stops it early, an evaluation of it otherwise."""

    def may_start(name: str, point: Point, epochs_trained: float) -> bool:
        if search.whole_trials:
            epochs = float(point.get("num_epochs", config.hparams.num_epochs)) - epochs_trained
            return bool(ray.get(board.reserve.remote(name, epochs)))
        return bool(ray.get(board.left.remote(1 / config.training.evaluations_per_epoch)))

    return may_start


def budget_limits(config: RunConfig, slots: Slots, earlier: Earlier) -> dict[str, Any]:
    """What of a board's Limits the budget sets."""
    if config.budget is None:
        return {}
    seconds = config.budget.wall_seconds(config.price, slots.devices)
    if seconds is None:
        return {"epochs": config.budget.amount}
    return {"deadline": time.time() + seconds - earlier.elapsed_seconds}
