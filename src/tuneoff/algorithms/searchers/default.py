"""The untuned baseline: the default value of every hyperparameter, no search."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tuneoff.algorithms.base import SearchContext
from tuneoff.algorithms.proposer import History, Point, Proposer
from tuneoff.algorithms.settings import AlgorithmError

TRIALS_FIXED = True
"""A budget does not buy more of them: the best of many untuned runs is not the untuned default."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Nothing to set."""


class Default(Proposer):
    """The same point in every trial."""

    def __init__(self, point: Point, trials: int) -> None:
        super().__init__(trials)
        self.point = point

    def propose(self, history: History, rng: np.random.Generator) -> Point:  # noqa: ARG002
        return self.point


def build(settings: Settings, context: SearchContext, trials: int) -> Default:  # noqa: ARG001
    """A default that lies outside the space stays what it is: clipped, it would not be the default."""
    missing = [name for name in context.space.domains if name not in context.defaults]
    if missing:
        raise AlgorithmError(
            f"algorithm.searcher.name is 'default', but {', '.join(missing)} in the space has no "
            "default value: take it out of the space, or use another searcher"
        )
    return Default({name: context.defaults[name] for name in context.space.domains}, trials)
