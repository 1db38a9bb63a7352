"""An executor that does nothing, and a searcher that proposes numbers. Imported in Ray's workers."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import ray

from tuneoff.algorithms.contracts import History, Point, SearchContext, Searcher
from tuneoff.evaluation import Cost, Score
from tuneoff.execution.messages import SCORE, TRIAL
from tuneoff.records.schema import COMPLETED

_SCORE = Score(metrics={"accuracy": 0.5}, loss=0.0, n_examples=2, predicted_counts=(1, 1))


class NoOpHost:
    """Stands in for host.ExecutorHost: asks the board as a real step does, reports one evaluation of the real form, whose
    score says nothing, and ends the trial."""

    def __init__(self, board: Any) -> None:
        self._board = board
        self._name = ""

    def call(self, method: str, *arguments: Any) -> Any:
        return getattr(self, method)(*arguments)

    def begin(self, inputs: Any, config: dict[str, Any], since: float) -> None:  # noqa: ARG002
        self.reset(config)

    def reset(self, config: dict[str, Any]) -> None:
        self._name = config[TRIAL]

    def step(self) -> tuple[dict[str, Any], int | None]:
        ray.get(self._board.take.remote(self._name, 1.0, 0.0))
        tested = ray.get(self._board.offer.remote(0.5))
        evaluation = {
            "trial_id": self._name,
            "parent_trial_id": None,
            "hparams": {},
            "examples_seen": 1,
            "epoch": 1.0,
            "validation": asdict(_SCORE),
            "test": asdict(_SCORE) if tested else None,
            "cost": asdict(Cost()),
            "peak_memory_bytes": None,
            "worker": "no-op",
            "snapshot": None,
        }
        return {
            SCORE: 0.5,
            "epoch": 1.0,
            "done": True,
            "status": COMPLETED,
            "snapshot": None,
            "serial": None,
            "parent_serial": None,
            "rates": None,
            "evaluation": evaluation,
        }, None


class Numbers(Searcher):
    """Proposes 0, 1, 2, ... as a number that nothing reads."""

    @classmethod
    def build(cls, settings: Any, context: SearchContext, trials: int | None) -> Numbers:  # noqa: ARG003
        assert trials is not None
        return cls(trials)

    def propose(self, history: History, rng: np.random.Generator) -> Point:  # noqa: ARG002
        return {"number": len(history.tried)}
