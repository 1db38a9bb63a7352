"""A worker that does nothing, and a searcher that proposes numbers. Imported in Ray's workers."""

from __future__ import annotations

from typing import Any

import numpy as np
import ray

from tuneoff.algorithms.contracts import History, Point, SearchContext, Searcher
from tuneoff.evaluation import Cost, Score
from tuneoff.execution.actor import WorkerActor
from tuneoff.execution.messages import Evaluated, TrialRequest

_SCORE = Score(metrics={"accuracy": 0.5}, loss=0.0, n_examples=2, predicted_counts=(1, 1))


class NoOpWorker:
    """Stands in for execution.worker.Worker: asks the shared state as a real step does, reports one evaluation of the real
    form, whose score says nothing, and ends the trial."""

    def __init__(self, shared_state: Any) -> None:
        self._shared_state = shared_state
        self._name = ""

    def begin(self, inputs: Any, request: TrialRequest, since: float) -> None:  # noqa: ARG002
        self.reset(request)

    def reset(self, request: TrialRequest) -> None:
        self._name = request.trial_id

    def step(self) -> Evaluated:
        ray.get(self._shared_state.take.remote(self._name, 1.0, 0.0))
        tested = ray.get(self._shared_state.offer.remote(0.5))
        return Evaluated(
            trial_id=self._name,
            score=0.5,
            hparams={},
            examples_seen=1,
            epoch=1.0,
            done=True,
            validation=_SCORE,
            test=_SCORE if tested else None,
            cost=Cost(),
            peak_memory_bytes=None,
            worker="no-op",
            snapshot=None,
            serial=None,
            parent=None,
            rates=None,
        )


class NoOpActor(WorkerActor):
    def __init__(self, shared_state: Any) -> None:
        self._worker: Any = NoOpWorker(shared_state)
        self._clock = 0


class Numbers(Searcher):
    """Proposes 0, 1, 2, ... as a number that nothing reads."""

    @classmethod
    def build(cls, settings: Any, context: SearchContext, trials: int | None) -> Numbers:  # noqa: ARG003
        assert trials is not None
        return cls(trials)

    def propose(self, history: History, rng: np.random.Generator) -> Point:  # noqa: ARG002
        return {"number": len(history.tried)}
