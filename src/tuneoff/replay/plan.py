"""Which replays are made: searches, scenarios (budget, slots, price, interruptions) and the worlds that they meet."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from tuneoff.algorithms.configuration import AlgorithmConfig
from tuneoff.algorithms.contracts import SearchContext
from tuneoff.algorithms.search import Search, build
from tuneoff.budget import Budget
from tuneoff.price import Price
from tuneoff.replay.simulate import Outcome, ReplayError, Setting, simulate
from tuneoff.replay.table import Table
from tuneoff.replay.world import World

UNLIMITED_TRIALS = 100_000
SEEDS_A_WORLD = 100_000
"""Replay r of world w has the seed w x SEEDS_A_WORLD + r."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A search. settings: as plain values. command: the words that run it for real."""

    label: str
    settings: Mapping[str, Any]
    command: str

    @property
    def algorithm(self) -> AlgorithmConfig:
        return AlgorithmConfig.from_dict(self.settings)

    @property
    def population(self) -> bool:
        return self.algorithm.scheduler.kind.population


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """devices: held for `slots` trials at once. change: in words, of a what-if; empty for the searches as they would be run.
    target: a validation score; what it took to reach it is noted, and the search goes on."""

    budget: Budget
    slots: int
    devices: int
    price: Price
    interruptions_per_hour: float = 0.0
    change: str = ""
    target: float | None = None

    @property
    def budget_text(self) -> str:
        return f"{self.budget.unit}:{self.budget.amount:g}"

    def deadline(self) -> float:
        """Wall seconds. BudgetError for a budget in dollars where the price is 0."""
        seconds = self.budget.wall_seconds(self.price, self.devices)
        return math.inf if seconds is None else seconds

    def setting(self, world: World) -> Setting:
        return Setting(
            slots=self.slots,
            evaluations_per_epoch=world.table.evaluations_per_epoch,
            epochs=self.budget.amount if self.budget.unit == "epochs" else math.inf,
            deadline=self.deadline(),
            expected_seconds=world.interval_seconds,
            overhead_seconds=world.table.overhead_seconds,
            start_seconds=world.table.start_seconds,
            interruptions_per_hour=self.interruptions_per_hour,
        )


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """One replay's end. test: of the best by validation; nan where no trial was scored. row: of the winner, -1 for none.

    distance: from a proposed point to the recorded one in its place, on average; 0 in a surrogate world. reached_epochs,
    reached_seconds: what it took to reach the scenario's target; infinite where it was not reached, or there is none.
    """

    test: float
    validation: float
    epochs: float
    wall_seconds: float
    trials: int
    evaluations: int
    row: int
    distance: float = 0.0
    reached_epochs: float = math.inf
    reached_seconds: float = math.inf


def trials_within(algorithm: AlgorithmConfig, budget: Budget, evaluations_per_epoch: int) -> int | None:
    """As many trials as the budget could ever start; the configured number where a search's is its own."""
    if algorithm.searcher.kind.trials_fixed:
        return algorithm.trials
    if budget.unit != "epochs":
        return UNLIMITED_TRIALS
    return max(1, math.floor(budget.amount * evaluations_per_epoch + 1e-9))


def make_search(candidate: AlgorithmConfig, scenario: Scenario, table: Table, space: Any, seed: int) -> Search:
    trials = trials_within(candidate, scenario.budget, table.evaluations_per_epoch)
    context = SearchContext(
        space=space,
        seed=seed,
        slots=scenario.slots,
        max_epochs=table.max_epochs,
        defaults=table.defaults,
        evaluations_per_epoch=table.evaluations_per_epoch,
    )
    return build(replace(candidate, trials=trials), context)


def replay_once(algorithm: AlgorithmConfig, scenario: Scenario, world: World, seed: int) -> Replayed:
    """One search, once. ReplayError for a search that copies weights."""
    replay = world.replay(seed)
    search = make_search(algorithm, scenario, world.table, replay.space, seed)
    outcome = simulate(search, replay, scenario.setting(world), length_of=world.length_of, seed=seed)
    return _end(outcome, replay.mean_distance, scenario.target)


def _end(outcome: Outcome, distance: float, target: float | None) -> Replayed:
    last = outcome.incumbents[-1] if outcome.incumbents else None
    there = next((one for one in outcome.incumbents if target is not None and one.validation >= target), None)
    return Replayed(
        test=last.test if last else math.nan,
        validation=last.validation if last else math.nan,
        epochs=outcome.epochs,
        wall_seconds=outcome.wall_seconds,
        trials=outcome.trials,
        evaluations=outcome.evaluations,
        row=last.row if last else -1,
        distance=distance,
        reached_epochs=there.epochs if there else math.inf,
        reached_seconds=there.wall_seconds if there else math.inf,
    )


def check(candidate: Candidate, scenario: Scenario, table: Table) -> None:
    """UserError where the search, the budget and the table do not go together."""
    if candidate.population:
        raise ReplayError(
            f"{candidate.label} can't be replayed: copied weights under new hyperparameters have no recorded curve. Run it for "
            f"real: {candidate.command}"
        )
    if scenario.budget.unit != "epochs" and not table.timed:
        raise ReplayError(
            f"budget is {scenario.budget_text}, but {table.name} has no seconds: give a budget in epochs, such as "
            f"budgets=epochs:{8 * table.max_epochs}"
        )
    scenario.deadline()
    make_search(candidate.algorithm, scenario, table, table.space, 0)


def identity(table: Table, kind: str, candidate: Candidate, scenario: Scenario) -> str:
    """Of everything that a replay's result follows from, but its world's number and seed; 12 hexadecimal digits."""
    described = {
        "table": table.hash,
        "world": kind,
        "search": {key: value for key, value in candidate.settings.items() if key in ("searcher", "scheduler")},
        "trials": trials_within(candidate.algorithm, scenario.budget, table.evaluations_per_epoch),
        "scenario": {key: value for key, value in asdict(scenario).items() if key not in ("change", "price", "target")},
        "dollars": scenario.price.per_device_hour_usd if scenario.budget.unit == "dollars" else None,
        **({} if scenario.target is None else {"target": scenario.target}),
    }
    return hashlib.sha256(json.dumps(described, sort_keys=True, default=str).encode()).hexdigest()[:12]
