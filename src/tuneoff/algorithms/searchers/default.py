"""The untuned baseline: the default value of every hyperparameter, no search."""

from __future__ import annotations

from typing import Any

import numpy as np

from tuneoff.algorithms.contracts import History, Point, SearchContext, Searcher
from tuneoff.algorithms.settings import AlgorithmError


class Default(Searcher):
    """The same point in every trial. A budget does not buy more of them: the best of many untuned runs is not the untuned
    default."""

    trials_fixed = True

    def __init__(self, point: Point, trials: int) -> None:
        super().__init__(trials)
        self.point = point

    @classmethod
    def build(cls, settings: Any, context: SearchContext, trials: int | None) -> Default:  # noqa: ARG003
        """A default that lies outside the space stays what it is: clipped, it would not be the default."""
        missing = [name for name in context.space.domains if name not in context.defaults]
        if missing:
            raise AlgorithmError(
                f"algorithm.searcher.name is 'default', but {', '.join(missing)} in the space has no "
                "default value: take it out of the space, or use another searcher"
            )
        assert trials is not None
        return cls({name: context.defaults[name] for name in context.space.domains}, trials)

    def propose(self, history: History, rng: np.random.Generator) -> Point:  # noqa: ARG002
        return self.point
