"""Any proposer as a Ray Tune `Searcher`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from ray.tune.search import Searcher

from tuneoff.algorithms.adapters.results import RayMetric, has_score, score_of
from tuneoff.algorithms.proposer import History, Point, Proposer
from tuneoff.space import Value


class ProposalSearcher(RayMetric, Searcher):  # type: ignore[misc]
    """Keeps the history that a proposer works from, and saves it.

    A trial's score is the best that it reported: that is what a trial is worth to a search whose result is the best
    evaluation of any trial. A trial stopped early gives the score that it had: lower than it might have become, but
    it was stopped for being among the worst. A trial that failed, or whose last result has no finite score (as one
    that diverged), gives none.

    limit: the most trials out at once, or None. Ray asks for one proposal ahead of the free slots; a model would then
    propose without the newest score. stays_open: report the search finished only when all trials have ended.
    generator: the n-th proposal draws from generator(n), so a search that is resumed proposes what it would have.
    """

    def __init__(
        self,
        proposer: Proposer,
        generator: Callable[[int], np.random.Generator],
        *,
        limit: int | None = None,
        stays_open: bool = False,
    ) -> None:
        super().__init__()
        self.proposer = proposer
        self._generator = generator
        self._limit = limit
        self._stays_open = stays_open
        self._tried: list[Point] = []
        self._pending: dict[str, Point] = {}
        self._best: dict[str, float] = {}
        self._observed: list[tuple[Point, float]] = []

    @property
    def history(self) -> History:
        return History(tried=tuple(self._tried), pending=tuple(self._pending.values()), observed=tuple(self._observed))

    def suggest(self, trial_id: str) -> dict[str, Value] | str | None:
        """A configuration, None (ask again later) or FINISHED."""
        if len(self._tried) >= self.proposer.num_trials:
            return None if self._stays_open and self._pending else str(Searcher.FINISHED)
        if self._limit is not None and len(self._pending) >= self._limit:
            return None
        point = self.proposer.propose(self.history, self._generator(len(self._tried)))
        if point is None:
            return str(Searcher.FINISHED)
        self.adopt(trial_id, point)
        return dict(point)

    def adopt(self, trial_id: str, point: Point) -> None:
        """Takes `point` for proposed: by this searcher, or by its predecessor in a search that is resumed."""
        self._tried.append(dict(point))
        self._pending[trial_id] = dict(point)

    def on_trial_result(self, trial_id: str, result: Mapping[str, Any]) -> None:
        """AlgorithmError where a trial that goes on reports no score: Ray would search on without one."""
        score = score_of(result, trial_id)
        if trial_id in self._pending and has_score(result):
            self._best[trial_id] = max(score, self._best.get(trial_id, score))

    def on_trial_complete(self, trial_id: str, result: Mapping[str, Any] | None = None, error: bool = False) -> None:
        failed = error or (bool(result) and not has_score(result))
        if result and not failed:
            self.on_trial_result(trial_id, result)
        point, score = self._pending.pop(trial_id, None), self._best.pop(trial_id, None)
        if point is not None and score is not None and not failed:
            self._observed.append((point, score))

    def get_state(self) -> dict[str, Any]:
        """Plain values only."""
        return {
            "tried": [dict(point) for point in self._tried],
            "best": dict(self._best),
            "pending": {trial: dict(point) for trial, point in self._pending.items()},
            "observed": [[dict(point), score] for point, score in self._observed],
        }

    def set_state(self, state: dict[str, Any]) -> None:
        self._tried, self._pending, self._best = list(state["tried"]), dict(state["pending"]), dict(state["best"])
        self._observed = [(point, score) for point, score in state["observed"]]

    def save(self, checkpoint_path: str) -> None:
        Path(checkpoint_path).write_text(json.dumps(self.get_state(), allow_nan=False), encoding="utf-8")

    def restore(self, checkpoint_path: str) -> None:
        self.set_state(json.loads(Path(checkpoint_path).read_text(encoding="utf-8")))
