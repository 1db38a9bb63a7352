"""What a searcher is to this project: a function from what was seen so far to the next point. Knows no Ray.

A proposer keeps no state of its own: all it may use is the history and the generator that it is given. So saving
those two saves a search completely, and the same seed and history give the same proposals.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from tuneoff.algorithms.settings import require
from tuneoff.space import SearchSpace, Value

Point: TypeAlias = Mapping[str, Value]

MAX_REDRAWS = 10
"""How often a repeated proposal is drawn again before an untried point is taken at random."""


@dataclass(frozen=True, kw_only=True)
class History:
    """What a search knows.

    tried: every point proposed so far, in order, whatever became of it. pending: those whose trials still run.
    observed: points whose trials ended with a score, in the order in which they ended. A trial's score is the best
    that it reported. Points of failed or diverged trials are in `tried` only.
    """

    tried: tuple[Point, ...] = ()
    pending: tuple[Point, ...] = ()
    observed: tuple[tuple[Point, float], ...] = ()


class Proposer(ABC):
    """num_trials: how many points it proposes at most. learns: whether scores change what it proposes."""

    learns: bool = False

    def __init__(self, num_trials: int) -> None:
        self.num_trials = num_trials

    @abstractmethod
    def propose(self, history: History, rng: np.random.Generator) -> Point | None:
        """The next point, or None where nothing is left."""


class ModelProposer(Proposer):
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
        """The model's best next point given at least one observation; may repeat a point. Below 2**31: `seed`."""

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
