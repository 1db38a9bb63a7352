"""The contract of a world: where a replayed search's points get their learning curves from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean
from typing import TypeAlias

import numpy as np

from tuneoff.algorithms.contracts import Point
from tuneoff.replay.table import Table
from tuneoff.space import SearchSpace, Value

Numbers: TypeAlias = Sequence[float]


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A trial as it would run if nothing stopped it; tuples have a value for each evaluation point.

    row: the recorded trial that it is, or whose residuals it has. failed: it ends without a score after the points given,
    failing_seconds later.
    """

    validation: Numbers
    test: Numbers
    train_seconds: Numbers
    evaluate_seconds: Numbers
    test_seconds: Numbers
    row: int
    failed: bool = False
    failing_seconds: float = 0.0


LUCKS, TRIALS_AHEAD = 4, 64


class Luck:
    """Uniform draws of the trials of one replay, by a trial's number: the same whichever search asks, and in whichever order.

    One generator a replay: making one a trial takes longer than all that is drawn from it.
    """

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng([seed, 5])
        self._drawn: list[list[float]] = []

    def __call__(self, number: int) -> list[float]:
        """LUCKS numbers in [0, 1)."""
        while len(self._drawn) <= number:
            self._drawn += self._rng.random((TRIALS_AHEAD, LUCKS)).tolist()
        return self._drawn[number]


class Replay(ABC):
    """One replay's share of a world: the same number gives a trial of the same luck to every search."""

    space: SearchSpace
    """Searched by this replay."""

    def settle(self, point: Point) -> Point:
        """The point that is trained in place of `point`; the search is told of it. The same unless a world has only some."""
        return point

    @property
    def mean_distance(self) -> float:
        """From the proposed points to those trained in their place, in the unit cube."""
        return 0.0

    @abstractmethod
    def curve(self, number: int, point: Point) -> Curve:
        """Of the trial of this number, whose point is settled; called once for each trial."""


class World(ABC):
    """A table as a world. Everything is drawn from the seeds that it is given."""

    table: Table
    posterior: bool
    """Whether `redrawn` draws what the truth may be, given the table; else it leaves half of the table out."""

    @abstractmethod
    def replay(self, seed: int) -> Replay:
        """The world of one replay; searches that are given the same seed meet the same luck."""

    @abstractmethod
    def redrawn(self, seed: int) -> World:
        """A world that another table of this size might have led to. Its spread is the table's error."""

    @cached_property
    def interval_seconds(self) -> float:
        """From one evaluation to the next, on average over the recorded ones."""
        return fmean(
            train + evaluate
            for t in self.table.trials
            for train, evaluate in zip(t.train_seconds, t.evaluate_seconds, strict=True)
        )

    def length_of(self, point: Mapping[str, Value]) -> int:
        return self.table.length_of(point)
