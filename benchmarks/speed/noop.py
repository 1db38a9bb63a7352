"""A worker that does nothing, and a searcher that proposes numbers. Imported in Ray's workers."""

from __future__ import annotations

from typing import Any

import ray
from ray.tune.search import Searcher

from tuneoff.evaluation import Cost, Score
from tuneoff.execution.messages import Evaluated, TrialRequest

_SCORE = Score(metrics={"accuracy": 0.5}, loss=0.0, n_examples=2, predicted_counts=(1, 1))


class NoOpWorker:
    """Stands in for execution.actor.WorkerActor: asks the shared state as a real step does, reports one evaluation of the real
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
