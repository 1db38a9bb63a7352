"""Searchers that propose what a model of the scores suggests."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from tuneoff.algorithms.contracts import History, Point, Searcher
from tuneoff.algorithms.settings import require
from tuneoff.space import SearchSpace

MAX_REDRAWS = 10
"""How often a repeated proposal is drawn again before an untried point is taken at random."""


class ModelSearcher(Searcher):
    """Proposes at random first, then what a model of the scores suggests; no point of a countable space twice.

    A space with a continuous domain is not countable. In a countable one no more trials are promised than it has
    points.
    """

    learns = True

    def __init__(self, space: SearchSpace, trials: int, initial_points: int | None) -> None:
        size = space.size()
        super().__init__(trials if size is None else min(trials, size))
        self.space = space
        self.initial_points = default_initial_points(space, trials) if initial_points is None else initial_points
        require(
            initial_points is None or initial_points < trials,
            "searcher.initial_points",
            initial_points,
            f"below algorithm.trials ({trials}), or every trial would be random",
            "lower it, raise algorithm.trials, or leave it out",
        )

    @abstractmethod
    def suggest(self, history: History, seed: int) -> Point:
        """The model's best next point given at least one observation; may repeat a point. seed: below 2**31."""

    def propose(self, history: History, rng: np.random.Generator) -> Point | None:
        size = self.space.size()
        if size is None:
            return self._candidate(history, rng)
        tried = {tuple(point.values()) for point in history.tried}
        if len(tried) >= size:
            return None
        for _ in range(MAX_REDRAWS):
            point = self._candidate(history, rng)
            if tuple(point.values()) not in tried:
                return point
        left = untried(self.space, history)
        return left[int(rng.integers(len(left)))]

    def _candidate(self, history: History, rng: np.random.Generator) -> Point:
        if len(history.tried) < self.initial_points or not history.observed:
            return self.space.sample(rng)
        return self.space.clip(self.suggest(history, int(rng.integers(2**31 - 1))))


def untried(space: SearchSpace, history: History) -> list[Point]:
    """The points of a countable space that were not proposed yet, in a fixed order."""
    tried = {tuple(point.values()) for point in history.tried}
    return [point for point in space.every_point() if tuple(point.values()) not in tried]


def default_initial_points(space: SearchSpace, trials: int) -> int:
    """One more than there are hyperparameters, at least 4, but at most half of the trials."""
    return max(1, min(max(4, len(space.domains) + 1), trials // 2))
