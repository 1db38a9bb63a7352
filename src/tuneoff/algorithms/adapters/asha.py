"""Ray's asynchronous successive halving, made to fail loudly, draw from a given generator and survive a resume."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from ray.tune.schedulers import ASHAScheduler, TrialScheduler

from tuneoff.algorithms.adapters.results import RayMetric, has_score, score_of
from tuneoff.algorithms.base import MODE, SCORE, TIME


class Asha(RayMetric, ASHAScheduler):  # type: ignore[misc]
    """Ray's goes on silently where the score is missing, never stops a trial whose score is NaN, draws brackets from
    numpy's global generator, and is not saved with an experiment."""

    def __init__(self, *, max_t: int, grace_period: int, reduction_factor: float, brackets: int,
                 rng: np.random.Generator) -> None:
        super().__init__(time_attr=TIME, metric=SCORE, mode=MODE, max_t=max_t, grace_period=grace_period,
                         reduction_factor=reduction_factor, brackets=brackets)
        self._rng = rng

    def on_trial_add(self, tune_controller: Any, trial: Any) -> None:  # noqa: ARG002
        """A trial that comes back after a failure or a resume stays in its bracket; one that has ended needs none."""
        if trial.trial_id not in self._trial_info and not trial.is_finished():
            rungs = np.array([len(bracket._rungs) for bracket in self._brackets])
            weights = np.exp(rungs - rungs.max())
            chosen = int(self._rng.choice(len(self._brackets), p=weights / weights.sum()))
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

    def get_state(self) -> dict[str, Any]:
        """Plain values: for each bracket and rung (longest first) the scores by trial id, and who is where."""
        return {"rungs": [[dict(scores) for _, scores in bracket._rungs] for bracket in self._brackets],
                "trials": {trial: self._brackets.index(bracket) for trial, bracket in self._trial_info.items()},
                "stopped": self._num_stopped, "rng": self._rng.bit_generator.state}

    def set_state(self, state: dict[str, Any]) -> None:
        for bracket, saved in zip(self._brackets, state["rungs"], strict=True):
            for (_, scores), old in zip(bracket._rungs, saved, strict=True):
                scores.clear()
                scores.update({trial: float(score) for trial, score in old.items()})
        self._trial_info = {trial: self._brackets[index] for trial, index in state["trials"].items()}
        self._num_stopped = state["stopped"]
        self._rng.bit_generator.state = state["rng"]
