"""Random search: independent draws from the space, the baseline that every other search must beat."""

from __future__ import annotations

from typing import Any

import numpy as np

from tuneoff.algorithms.contracts import History, Point, SearchContext, Searcher
from tuneoff.space import SearchSpace


class Random(Searcher):
    """Draws are independent, so a small countable space can give a point twice."""

    def __init__(self, space: SearchSpace, trials: int) -> None:
        super().__init__(trials)
        self.space = space

    @classmethod
    def build(cls, settings: Any, context: SearchContext, trials: int | None) -> Random:  # noqa: ARG003
        assert trials is not None
        return cls(context.space, trials)

    def propose(self, history: History, rng: np.random.Generator) -> Point:  # noqa: ARG002
        return self.space.sample(rng)
