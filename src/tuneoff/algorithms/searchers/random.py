"""Random search: independent draws from the space, the baseline that every other search must beat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tuneoff.algorithms.base import SearchContext
from tuneoff.algorithms.proposer import History, Point, Proposer
from tuneoff.space import SearchSpace


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Nothing to set."""


class Random(Proposer):
    """Draws are independent, so a small countable space can give a point twice."""

    def __init__(self, space: SearchSpace, trials: int) -> None:
        super().__init__(trials)
        self.space = space

    def propose(self, history: History, rng: np.random.Generator) -> Point:  # noqa: ARG002
        return self.space.sample(rng)


def build(settings: Settings, context: SearchContext, trials: int) -> Random:  # noqa: ARG001
    return Random(context.space, trials)
