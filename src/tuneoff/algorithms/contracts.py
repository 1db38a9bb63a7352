"""The contracts of an algorithm's two parts. A searcher proposes, a scheduler decides who goes on; neither knows Ray.

Both are functions of what a search has seen and of numbered generators: the n-th draw has a generator of its own, made from the
search's seed. So nothing but the records has to be kept: shown the same events again, in the same order, they propose and
decide the same.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, TypeAlias

import numpy as np

from tuneoff.algorithms.settings import require
from tuneoff.records.recipe import Schedule
from tuneoff.space import SearchSpace, Value
from tuneoff.training.protocol import RESUME_EXAMPLES

Point: TypeAlias = Mapping[str, Value]
SEARCHER_STREAM, SCHEDULER_STREAM = 0, 1
"""Streams of draws: they make the searcher's and the scheduler's draws from one seed independent."""


@dataclass(frozen=True, kw_only=True)
class SearchContext:
    """The search that an algorithm is built for."""

    space: SearchSpace
    seed: int
    slots: int
    """Trials running at once."""
    max_epochs: int
    """The most epochs that a trial can have."""
    defaults: Mapping[str, Value]
    """The untuned value of each hyperparameter."""
    evaluations_per_epoch: int
    study_seed: int = 0
    """Shared by every repeat of the study; for draws that its repeats have in common."""
    mutable: tuple[str, ...] = ()
    """Hyperparameters that a population mutates unless told otherwise; see hparams.Hyperparameter."""
    shaping: tuple[str, ...] = ()
    """Hyperparameters that can't change while weights are trained."""

    @property
    def max_evaluations(self) -> int:
        return self.max_epochs * self.evaluations_per_epoch

    def generator(self, stream: int, draw: int = 0) -> np.random.Generator:
        """The generator of draw number `draw`: no generator's state has to be saved for a search to go on."""
        return np.random.default_rng([self.seed, stream, draw])

    def generators(self, stream: int) -> Callable[[int], np.random.Generator]:
        return partial(self.generator, stream)

    def evaluations(self, epochs: float, setting: str) -> int:
        """Epochs in evaluations (the schedulers' unit of time). Raises AlgorithmError where they are no whole number."""
        count = epochs * self.evaluations_per_epoch
        ok = count >= 1 and abs(count - round(count)) < 1e-9
        require(
            ok,
            setting,
            epochs,
            f"a whole number of evaluations (there are {self.evaluations_per_epoch} an epoch), at least one",
        )
        return round(count)


@dataclass(frozen=True, kw_only=True)
class History:
    """The points of a search, from which a searcher proposes.

    tried: every point proposed so far, in order, whatever became of it. pending: those whose trials still run.
    observed: points whose trials ended with a score, in the order in which they ended. A trial's score is the best
    that it reported. Points of failed or diverged trials are in `tried` only.
    """

    tried: tuple[Point, ...] = ()
    pending: tuple[Point, ...] = ()
    observed: tuple[tuple[Point, float], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Report:
    """One evaluation, as a scheduler sees it.

    clock: evaluations behind the trial's weights, those of the weights that it copied included. score: higher is better;
    it may be nan. hparams: in force, the space's only. done: the trial's last evaluation; no decision follows from it.
    """

    trial_id: str
    clock: int
    score: float
    hparams: Point
    done: bool = False


@dataclass(frozen=True, kw_only=True)
class Continue:
    """The trial goes on."""


@dataclass(frozen=True, kw_only=True)
class Stop:
    """The trial ends here."""


@dataclass(frozen=True, kw_only=True)
class Wait:
    """The trial trains no further until `Scheduler.release` names it."""


@dataclass(frozen=True, kw_only=True)
class Copy:
    """The trial goes on from the weights of another one.

    donor: the trial whose weights are copied. clock: evaluations behind these weights, which tells them from the donor's
    others: they are those of its last comparison. hparams: the ones under which the trial goes on.
    """

    donor: str
    clock: int
    hparams: Point


Decision: TypeAlias = Continue | Stop | Wait | Copy


@dataclass(frozen=True, kw_only=True)
class NoSettings:
    """Nothing to set."""


class Searcher(ABC):
    """Proposes points. It keeps nothing: all it may use is the history and the generator that it is given."""

    knobs: ClassVar[type[Any]] = NoSettings
    """A frozen dataclass: the knobs that a configuration may give."""
    learns: ClassVar[bool] = False
    """Whether scores change its proposals. If so, none is asked for before a slot is free."""
    trials_fixed: ClassVar[bool] = False
    """Whether a budget leaves the configured number of trials alone."""
    trials_optional: ClassVar[bool] = False
    """Whether `trials` may be null, because the searcher has a size of its own."""

    recording: ClassVar[bool] = False
    """Whether it makes a table to be replayed, rather than searches: test is scored at every evaluation."""

    def __init__(self, num_trials: int) -> None:
        self.num_trials = num_trials
        """The most points that it proposes."""

    @classmethod
    @abstractmethod
    def build(cls, settings: Any, context: SearchContext, trials: int | None) -> Searcher:
        """The searcher of a search. Raises AlgorithmError where a setting does not fit the context."""

    @property
    def schedule(self) -> Schedule | None:
        """The schedule that every trial follows instead of its point; None where there is none."""
        return None

    @abstractmethod
    def propose(self, history: History, rng: np.random.Generator) -> Point | None:
        """The next point, or None where nothing is left."""


class Scheduler(ABC):
    """Decides after each evaluation whether its trial goes on. Rebuilt completely by showing it the same events again."""

    knobs: ClassVar[type[Any]] = NoSettings
    """A frozen dataclass: the knobs that a configuration may give."""
    stops_early: ClassVar[bool] = False
    """Whether it can end trials before they are fully trained. If so, a budget buys evaluations, not whole trials."""
    population: ClassVar[bool] = False
    """Whether trials copy each other. If so, all of them are alive together and their checkpoints are kept."""

    @classmethod
    @abstractmethod
    def build(cls, settings: Any, context: SearchContext, num_trials: int) -> Scheduler:
        """The scheduler of a search. Raises AlgorithmError where a setting does not fit the context."""

    @property
    def resume(self) -> str:
        """How a trial goes on from a checkpoint, one of RESUME."""
        return RESUME_EXAMPLES

    @property
    def turn(self) -> int:
        """Evaluations that a member of a population trains before it makes room for others, where members outnumber slots."""
        return 1

    def add(self, trial_id: str, hparams: Point) -> None:  # noqa: B027 - most need not know
        """A trial was proposed. Trials are added in order of their numbers."""

    @abstractmethod
    def report(self, report: Report) -> Decision:
        """The decision on the trial that was evaluated."""

    def release(self) -> Mapping[str, Continue | Copy]:
        """The trials that were told to wait and may go on, each named once. Asked after every event."""
        return {}

    def end(self, trial_id: str) -> None:  # noqa: B027 - most need not know
        """A trial ended, for whatever reason."""

    def close(self) -> None:  # noqa: B027 - most need not know
        """No more trials will be added."""

    def rewind(self, trial_id: str, clock: int) -> None:  # noqa: B027 - most need not know
        """A trial lost its newest weights: it goes on from those after `clock` evaluations."""
