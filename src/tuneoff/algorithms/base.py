"""An algorithm: its configuration, checked without Ray, and the plan that is built from it for Ray Tune."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from tuneoff.algorithms.discovery import load
from tuneoff.algorithms.settings import AlgorithmError, make_settings, nearest, require, whole
from tuneoff.errors import check_mapping, check_name
from tuneoff.space import SearchSpace, Value

if TYPE_CHECKING:
    from ray.tune.schedulers import TrialScheduler
    from ray.tune.search import Searcher

SCORE = "score"
"""The key of a result that searchers and schedulers go by; higher is better."""
MODE = "max"
TIME = "training_iteration"
"""Ray's count of evaluations; after an exploit it is the donor's."""

RESUME_EXAMPLES, RESUME_TRAINER_2020 = "examples", "trainer_2020"
RESUME = (RESUME_EXAMPLES, RESUME_TRAINER_2020)
"""By examples seen and the hyperparameters in force; or as transformers' Trainer of 2020 did, which restored the
donor's learning rate and weight decay over the mutated ones and recomputed progress from the count of steps."""
SEARCHER_STREAM, SCHEDULER_STREAM = 0, 1
"""So that the searcher's and the scheduler's draws from one seed are independent."""
KEYS = ("name", "trials", "searcher", "scheduler")


@dataclass(frozen=True, kw_only=True)
class SearchContext:
    """What an algorithm is told about the search that it is built for."""

    space: SearchSpace
    seed: int
    slots: int
    """Trials running at once."""
    max_epochs: int
    """The most epochs that a trial can have."""
    defaults: Mapping[str, Value]
    """The untuned value of each hyperparameter."""
    evaluations_per_epoch: int

    @property
    def max_evaluations(self) -> int:
        return self.max_epochs * self.evaluations_per_epoch

    def generator(self, stream: int, draw: int = 0) -> np.random.Generator:
        """A generator of its own for each draw: nothing has to be saved for a search to go on as it would have."""
        return np.random.default_rng([self.seed, stream, draw])

    def generators(self, stream: int) -> Callable[[int], np.random.Generator]:
        return partial(self.generator, stream)

    def evaluations(self, epochs: float, setting: str) -> int:
        """Epochs in evaluations (the schedulers' unit of time), which must come out whole."""
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
class Scheduling:
    """What a scheduler's `build` returns.

    checkpoints: whether it needs the trials' checkpoints, as population-based training does; then all trials of the
    search are alive together. keep_checkpoints: how many of a trial's newest must be kept for it. resume: how a trial
    continues from a checkpoint, one of RESUME.
    """

    scheduler: TrialScheduler
    checkpoints: bool = False
    keep_checkpoints: int | None = None
    resume: str = RESUME_EXAMPLES


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What Ray Tune is given. Do not set `max_concurrent_trials` beside it: the searcher sees to that."""

    searcher: Searcher
    scheduler: TrialScheduler
    num_trials: int
    """Exactly how many trials the search starts."""
    num_samples: int
    """For `TuneConfig`. With a population one more than there are trials: the searcher itself ends the search, after
    its last trial, because Ray stops reusing actors (at each exploit) once it has got all of its samples."""
    checkpoints: bool
    """Whether the scheduler needs trial checkpoints."""
    keep_checkpoints: int | None
    """How many of a trial's newest checkpoints must be kept, or None where none are needed."""
    resume: str
    """How a trial continues from a checkpoint, one of RESUME."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """A searcher or a scheduler: the name of its file and an instance of that file's `Settings`."""

    name: str
    settings: Any

    @classmethod
    def from_dict(cls, kind: str, values: Any) -> Part:
        if not isinstance(values, Mapping) or not isinstance(values.get("name"), str):
            raise AlgorithmError(
                f"algorithm.{kind} is {values!r}, but it must be a mapping with a name, "
                f"for example {{name: {'random' if kind == 'searcher' else 'none'}}}"
            )
        knobs = {str(key): value for key, value in values.items() if key != "name"}
        module = load(kind, values["name"])
        return cls(name=values["name"], settings=make_settings(module.Settings, knobs, kind))


@dataclass(frozen=True, kw_only=True)
class AlgorithmConfig:
    """A searcher and a scheduler. `trials` may be null where the searcher has a size of its own (grid)."""

    name: str
    trials: int | None
    searcher: Part
    scheduler: Part

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> AlgorithmConfig:
        """From plain values; AlgorithmError where one is unknown, missing or breaks a rule. Does not import Ray."""
        check_mapping("algorithm", values, "algorithm=pbt", AlgorithmError)
        for key in values:
            if key not in KEYS:
                raise AlgorithmError(
                    f"algorithm.{key} does not exist{nearest(key, KEYS)}; "
                    f"there are {', '.join(KEYS)}: correct the name or leave the setting out"
                )
        for key in ("name", "searcher", "scheduler"):
            require(values.get(key) is not None, key, values.get(key), "given", "see conf/algorithm/ for examples")
        check_name("algorithm.name", values["name"], AlgorithmError)
        searcher = Part.from_dict("searcher", values["searcher"])
        trials = values.get("trials")
        if trials is not None:
            trials = whole(trials, "trials")
            require(trials >= 1, "trials", trials, ">= 1")
        else:
            optional = getattr(load("searcher", searcher.name), "TRIALS_OPTIONAL", False)
            require(
                optional,
                "trials",
                trials,
                "a whole number >= 1",
                f"say how many trials the {searcher.name} searcher may start, for example algorithm.trials=16",
            )
        scheduler = Part.from_dict("scheduler", values["scheduler"])
        return cls(name=values["name"], trials=trials, searcher=searcher, scheduler=scheduler)


def build(algorithm: AlgorithmConfig, context: SearchContext) -> Plan:
    """The searcher and scheduler objects of a search; AlgorithmError where a setting does not fit the context."""
    from tuneoff.algorithms.adapters.searcher import ProposalSearcher

    proposer = load("searcher", algorithm.searcher.name).build(algorithm.searcher.settings, context, algorithm.trials)
    scheduling: Scheduling = load("scheduler", algorithm.scheduler.name).build(
        algorithm.scheduler.settings, context, proposer.num_trials
    )
    population = scheduling.checkpoints
    searcher = ProposalSearcher(
        proposer,
        context.generators(SEARCHER_STREAM),
        limit=context.slots if proposer.learns and not population else None,
        stays_open=population,
    )
    return Plan(
        searcher=searcher,
        scheduler=scheduling.scheduler,
        num_trials=proposer.num_trials,
        num_samples=proposer.num_trials + population,
        checkpoints=scheduling.checkpoints,
        keep_checkpoints=scheduling.keep_checkpoints,
        resume=scheduling.resume,
    )
