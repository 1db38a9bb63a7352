"""Ray's asynchronous successive halving, made to fail loudly, draw from a given generator and survive a resume."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
from ray.tune.schedulers import ASHAScheduler, TrialScheduler

from tuneoff.algorithms.adapters.results import RayMetric, has_score, score_of
from tuneoff.algorithms.base import MODE, SCORE, TIME


class Asha(RayMetric, ASHAScheduler):  # type: ignore[misc]
    """Ray's goes on silently where the score is missing, never stops a trial whose score is NaN, and draws brackets
    from numpy's global generator."""

    def __init__(
        self,
        *,
        max_t: int,
        grace_period: int,
        reduction_factor: float,
        brackets: int,
        generator: Callable[[int], np.random.Generator],
    ) -> None:
        super().__init__(
            time_attr=TIME,
            metric=SCORE,
            mode=MODE,
            max_t=max_t,
            grace_period=grace_period,
            reduction_factor=reduction_factor,
            brackets=brackets,
        )
        self._generator = generator
        self._added = 0

    def on_trial_add(self, tune_controller: Any, trial: Any) -> None:  # noqa: ARG002
        """A trial that comes back after a failure or a resume stays in its bracket; one that has ended needs none."""
        if trial.trial_id not in self._trial_info and not trial.is_finished():
            rungs = np.array([len(bracket._rungs) for bracket in self._brackets])
            weights = np.exp(rungs - rungs.max())
            rng = self._generator(self._added)
            self._added += 1
            chosen = int(rng.choice(len(self._brackets), p=weights / weights.sum()))
            self._trial_info[trial.trial_id] = self._brackets[chosen]

    def on_trial_result(self, tune_controller: Any, trial: Any, result: Mapping[str, Any]) -> str:
        """AlgorithmError without a score; a trial whose score is not finite is stopped at once."""
        if not math.isfinite(score_of(result, trial.trial_id)):
            self._num_stopped += 1
            return str(TrialScheduler.STOP)
        return str(super().on_trial_result(tune_controller, trial, result))

    def on_trial_complete(self, tune_controller: Any, trial: Any, result: Mapping[str, Any]) -> None:
        if has_score(result):
            super().on_trial_complete(tune_controller, trial, result)
        else:
            self._trial_info.pop(trial.trial_id, None)

    def on_trial_remove(self, tune_controller: Any, trial: Any) -> None:  # noqa: ARG002
        self._trial_info.pop(trial.trial_id, None)

    def replay(self, trial_id: str, evaluation: int, score: float) -> None:
        """Takes a result of an earlier session for seen: a search that is resumed compares against it."""
        trial = SimpleNamespace(trial_id=trial_id, is_finished=lambda: False)
        self.on_trial_add(None, trial)
        self._trial_info[trial_id].on_result(trial, evaluation, score)
