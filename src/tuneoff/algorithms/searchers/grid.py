"""Full factorial grid."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import numpy as np

from tuneoff.algorithms.contracts import SEARCHER_STREAM, History, Point, SearchContext, Searcher
from tuneoff.algorithms.settings import AlgorithmError, require

MAX_POINTS = 10_000


@dataclass(frozen=True, kw_only=True)
class Settings:
    points: int = 3
    """Values of each continuous or whole-number hyperparameter (fewer where it has fewer); choices give all theirs."""
    shuffle: bool = True
    """Go through the grid in a seeded random order, so that a grid cut by `trials` is not a corner of the space."""

    def __post_init__(self) -> None:
        require(self.points >= 1, "searcher.points", self.points, ">= 1")


class Grid(Searcher):
    """`trials` cuts the grid; a grid smaller than that stays as it is."""

    knobs = Settings
    trials_optional = True

    def __init__(self, points: list[Point]) -> None:
        super().__init__(len(points))
        self.points = points

    @classmethod
    def build(cls, settings: Settings, context: SearchContext, trials: int | None) -> Grid:
        points: list[Point] = list(islice(context.space.grid(settings.points), MAX_POINTS + 1))
        if len(points) > MAX_POINTS:
            raise AlgorithmError(
                f"algorithm.searcher.points is {settings.points}, which makes a grid of more than "
                f"{MAX_POINTS} points: lower it, or take hyperparameters out of the space"
            )
        if settings.shuffle:
            order = context.generator(SEARCHER_STREAM).permutation(len(points))
            points = [points[int(i)] for i in order]
        return cls(points if trials is None else points[:trials])

    def propose(self, history: History, rng: np.random.Generator) -> Point | None:  # noqa: ARG002
        position = len(history.tried)
        return self.points[position] if position < len(self.points) else None
