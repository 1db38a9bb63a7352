"""A trial that does nothing, and a searcher that proposes numbers. Imported in Ray's workers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ray.tune.search import Searcher

from tuneoff.algorithms.base import SCORE
from tuneoff.record import COMPLETED, Cost, Score
from tuneoff.trial import TRIAL, Trial

_SCORE = Score(metrics={"accuracy": 0.5}, loss=0.0, n_examples=2, predicted_counts=(1, 1))


class NoOp(Trial):
    """Reports one evaluation of the real trial's form, whose score says nothing, and ends."""

    def setup(self, config: dict[str, Any]) -> None:  # type: ignore[override]
        self._begin(config)

    def _begin(self, config: Mapping[str, Any]) -> None:
        self._name = config[TRIAL]
        self._serial = 0

    def step(self) -> dict[str, Any]:
        return {
            SCORE: 0.5, "epoch": 1.0, "done": True, "status": COMPLETED, "serial": 0, "parent_serial": None, "rates": None,
            "evaluation": {
                "trial_id": self._name, "parent_trial_id": None, "hparams": {}, "examples_seen": 1, "epoch": 1.0,
                "validation": asdict(_SCORE), "test": None, "cost": asdict(Cost()), "peak_memory_bytes": None,
                "worker": "no-op", "snapshot": None}}


class Numbers(Searcher):  # type: ignore[misc]
    """Proposes 0, 1, 2, ... as a number that nothing reads."""

    def __init__(self) -> None:
        super().__init__()
        self._next = 0

    def suggest(self, trial_id: str) -> dict[str, Any]:  # noqa: ARG002
        self._next += 1
        return {"number": self._next}

    def set_search_properties(self, metric: str | None, mode: str | None, config: dict[str, Any], **spec: Any) -> bool:  # noqa: ARG002
        return True

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        pass
