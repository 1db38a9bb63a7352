"""Ray's driver loop without Ray: proposals, scores and endings in a fixed order."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from tuneoff.algorithms.base import AlgorithmConfig, Plan, SearchContext, build
from tuneoff.space import Choice, Float, Int, SearchSpace, Value

MIXED = SearchSpace(
    {
        "learning_rate": Float(low=1e-5, high=1e-3, log=True),
        "weight_decay": Float(low=0.0, high=0.3),
        "batch_size": Choice(values=(16, 32, 64)),
        "num_epochs": Int(low=2, high=5),
        "lr_schedule": Choice(values=("linear", "constant", "cosine")),
    }
)
DEFAULTS: dict[str, Value] = {
    "learning_rate": 5e-5,
    "weight_decay": 0.01,
    "batch_size": 32,
    "num_epochs": 3,
    "lr_schedule": "linear",
    "warmup_ratio": 0.0,
}


def context(**changes: Any) -> SearchContext:
    values: dict[str, Any] = {
        "space": MIXED,
        "seed": 0,
        "slots": 2,
        "max_epochs": 5,
        "defaults": DEFAULTS,
        "evaluations_per_epoch": 1,
    }
    return SearchContext(**{**values, **changes})


def algorithm(
    searcher: str = "random",
    scheduler: str = "none",
    trials: int | None = 8,
    searcher_knobs: Mapping[str, Any] | None = None,
    scheduler_knobs: Mapping[str, Any] | None = None,
) -> AlgorithmConfig:
    return AlgorithmConfig.from_dict(
        {
            "name": "test",
            "trials": trials,
            "searcher": {"name": searcher, **(searcher_knobs or {})},
            "scheduler": {"name": scheduler, **(scheduler_knobs or {})},
        }
    )


def plan(
    searcher: str = "random",
    scheduler: str = "none",
    trials: int | None = 8,
    *,
    where: SearchContext | None = None,
    searcher_knobs: Mapping[str, Any] | None = None,
    scheduler_knobs: Mapping[str, Any] | None = None,
) -> Plan:
    return build(algorithm(searcher, scheduler, trials, searcher_knobs, scheduler_knobs), where or context())


def score(point: Mapping[str, Value]) -> float:
    """Best (1.0) near learning_rate 1e-4, batch_size 32, lr_schedule cosine; works on any space."""
    value = 1.0
    if "learning_rate" in point:
        value -= 0.1 * (math.log10(float(point["learning_rate"])) + 4) ** 2
    if "batch_size" in point:
        value -= 0.05 * abs(math.log2(float(point["batch_size"])) - 5)
    if "weight_decay" in point:
        value -= 0.2 * float(point["weight_decay"])
    return value - (0.1 if point.get("lr_schedule", "cosine") != "cosine" else 0.0)


@dataclass
class Driver:
    """`slots` trials out at once; the oldest ends first. Each reports half of its score, then its score."""

    plan: Plan
    slots: int = 2
    fails: Callable[[int], bool] = lambda _: False
    proposals: list[dict[str, Value]] = field(default_factory=list)
    running: list[tuple[str, dict[str, Value]]] = field(default_factory=list)

    def step(self) -> bool:
        """Fills the slots, then ends the oldest trial; False once the search is over."""
        while len(self.running) < self.slots:
            name = f"t{len(self.proposals):03d}"
            point = self.plan.searcher.suggest(name)
            if not isinstance(point, dict):
                break
            self.running.append((name, point))
            self.proposals.append(point)
        if not self.running:
            return False
        name, point = self.running.pop(0)
        self.plan.searcher.on_trial_result(name, {"score": score(point) / 2})
        if self.fails(int(name[1:])):
            self.plan.searcher.on_trial_complete(name, error=True)
        else:
            self.plan.searcher.on_trial_complete(name, {"score": score(point), "done": True})
        return True

    def run(self, steps: int = 10_000) -> list[dict[str, Value]]:
        for _ in range(steps):
            if not self.step():
                break
        return self.proposals


class FakeTrial:
    """What a scheduler reads of a Ray trial."""

    def __init__(self, number: int, config: dict[str, Any] | None = None) -> None:
        self.trial_id = f"t{number:03d}"
        self.config = config or {}
        self.experiment_tag = self.trial_id
        self.status = "RUNNING"
        self.latest_checkpoint_result: Any = None
        self.temporary_state = SimpleNamespace(saving_to=None)

    def is_finished(self) -> bool:
        return self.status in ("TERMINATED", "ERROR")
