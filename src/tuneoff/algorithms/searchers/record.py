"""A recording: random search whose curves a replay can use. Some configurations come back, to show what chance alone does."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tuneoff.algorithms.contracts import SEARCHER_STREAM, History, Point, SearchContext, Searcher
from tuneoff.algorithms.settings import require

TINY = 1e-9
SHARED_STREAM = 2
"""Draws of the configurations that every repeat of a recording has."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    repeated: float = 0.2
    """Share of the trials that train a configuration once more, under another seed; and share of the configurations that are
    the same in every repeat, and so under other splits."""

    def __post_init__(self) -> None:
        require(0 <= self.repeated <= 0.5, "searcher.repeated", self.repeated, "from 0 to 0.5")


class Record(Searcher):
    """Independent draws from the space. With `repeated` r, every (1/r)-th trial repeats the earliest configuration that was not
    repeated yet, so that a recording that is cut short has its share as well."""

    knobs = Settings
    recording = True

    def __init__(self, context: SearchContext, trials: int, repeated: float) -> None:
        super().__init__(trials)
        self.context, self.repeated = context, repeated

    @classmethod
    def build(cls, settings: Settings, context: SearchContext, trials: int | None) -> Record:
        assert trials is not None
        return cls(context, trials, settings.repeated)

    def propose(self, history: History, rng: np.random.Generator) -> Point:  # noqa: ARG002
        number = self.configuration(len(history.tried))
        if self._due(number):
            generator = np.random.default_rng([self.context.study_seed, SHARED_STREAM, number])
        else:
            generator = self.context.generator(SEARCHER_STREAM, number)
        return self.context.space.sample(generator)

    def configuration(self, trial: int) -> int:
        """Number of the configuration that the trial of this number trains; both from 0."""
        return self._among(trial) if self._due(trial) else trial - self._among(trial)

    def _due(self, position: int) -> bool:
        return self._among(position + 1) > self._among(position)

    def _among(self, positions: int) -> int:
        """How many of the first `positions` are repeats."""
        return math.floor(positions * self.repeated + TINY)
