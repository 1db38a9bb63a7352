"""Population-based training (Jaderberg et al. 2017, arXiv 1711.09846).

The population is the search's trials, which start from the searcher's points. At every interval a member among the
worst continues from the weights of one among the best, under hyperparameters perturbed from that donor's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tuneoff.algorithms.contracts import (
    SCHEDULER_STREAM,
    Continue,
    Copy,
    Decision,
    Point,
    Report,
    Scheduler,
    SearchContext,
    Wait,
)
from tuneoff.algorithms.settings import AlgorithmError, nearest, require
from tuneoff.errors import is_number
from tuneoff.space import Choice, Domain, Int, SearchSpace, Value
from tuneoff.training.protocol import RESUME, RESUME_EXAMPLES

FIXED = ("num_epochs",)


@dataclass(frozen=True, kw_only=True)
class Settings:
    perturbation_interval_epochs: float = 1.0
    """Epochs that a member trains between two comparisons."""
    quantile_fraction: float = 0.25
    """The worst share of the population copies from the best share."""
    resample_probability: float = 0.25
    """How often a mutated value is drawn anew from the space instead of perturbed."""
    perturbation_factors: tuple[float, ...] = (1.2, 0.8)
    """A perturbed number is multiplied by one of these; a choice moves to a neighbour. A value of 0 stays 0."""
    mutated: tuple[str, ...] | None = None
    """Names of the hyperparameters to mutate; null: those of the space that the engine declares
    mutable. The rest is the donor's."""
    synchronous: bool = False
    """Wait until the whole population has trained an interval before comparing."""
    clip: bool = True
    """Keep perturbed numbers within the space. False only to repeat the published experiment, which did not."""
    resume: str = RESUME_EXAMPLES
    """How a member goes on from a copy: examples, or trainer_2020 to repeat the published experiment's defects."""

    def __post_init__(self) -> None:
        require(
            self.perturbation_interval_epochs > 0,
            "scheduler.perturbation_interval_epochs",
            self.perturbation_interval_epochs,
            "above 0",
        )
        require(
            0 < self.quantile_fraction <= 0.5, "scheduler.quantile_fraction", self.quantile_fraction, "above 0 and at most 0.5"
        )
        require(0 <= self.resample_probability <= 1, "scheduler.resample_probability", self.resample_probability, "from 0 to 1")
        require(
            bool(self.perturbation_factors) and min(self.perturbation_factors) > 0,
            "scheduler.perturbation_factors",
            list(self.perturbation_factors),
            "numbers above 0, at least one",
        )
        require(self.resume in RESUME, "scheduler.resume", self.resume, f"one of {', '.join(RESUME)}")
        for name in self.mutated or ():
            require(
                name not in FIXED,
                "scheduler.mutated",
                list(self.mutated or ()),
                f"without {name}",
                "a trial's length can't change while it trains",
            )


@dataclass(kw_only=True)
class _Member:
    """score: at the last comparison, None before the first. clock: evaluations behind the weights of that comparison, or
    behind those copied since. waits: for the rest of a synchronous population."""

    hparams: Point
    score: float | None = None
    clock: int = 0
    waits: bool = False

    @property
    def rank(self) -> float:
        """A score that isn't finite is worst."""
        return self.score if self.score is not None and math.isfinite(self.score) else -math.inf


class PopulationBasedTraining(Scheduler):
    """Compares a member with the others after each interval that it trained (synchronous: all of them, once all have).

    A member that has ended is neither donor nor replaced. The n-th copy draws from generator n.
    """

    knobs = Settings
    population = True

    def __init__(
        self,
        *,
        settings: Settings,
        space: SearchSpace,
        mutated: tuple[str, ...],
        interval: int,
        size: int,
        generator: Callable[[int], np.random.Generator],
    ) -> None:
        self.mutated = mutated
        self._settings, self._space, self._interval, self._generator = settings, space, interval, generator
        self._missing = size
        """Members that are still to be added."""
        self._members: dict[str, _Member] = {}
        """The members that have not ended, in order of their numbers."""
        self._copies = 0
        self._round_ends = interval

    @classmethod
    def build(cls, settings: Settings, context: SearchContext, num_trials: int) -> PopulationBasedTraining:
        require(num_trials >= 2, "trials", num_trials, ">= 2 for population-based training", "it is the size of the population")
        return cls(
            settings=settings,
            space=context.space,
            mutated=mutated_names(settings, context),
            interval=context.evaluations(settings.perturbation_interval_epochs, "scheduler.perturbation_interval_epochs"),
            size=num_trials,
            generator=context.generators(SCHEDULER_STREAM),
        )

    @property
    def resume(self) -> str:
        return self._settings.resume

    @property
    def turn(self) -> int:
        return self._interval

    def add(self, trial_id: str, hparams: Point) -> None:
        self._members[trial_id] = _Member(hparams=hparams)
        self._missing -= 1

    def close(self) -> None:
        self._missing = 0

    def end(self, trial_id: str) -> None:
        self._members.pop(trial_id, None)

    def rewind(self, trial_id: str, clock: int) -> None:
        """Until it reports again the member is neither donor nor replaced: its score is of weights that are lost."""
        member = self._members[trial_id]
        member.score, member.clock, member.waits = None, clock, False

    def report(self, report: Report) -> Decision:
        member = self._members[report.trial_id]
        if report.done or not self._due(member, report.clock):
            return Continue()
        member.score, member.clock, member.hparams = report.score, report.clock, report.hparams
        if self._settings.synchronous:
            member.waits = True
            return Wait()
        worst, best = self._quantiles()
        return self._copy(report.trial_id, best) if report.trial_id in worst else Continue()

    def _due(self, member: _Member, clock: int) -> bool:
        return clock >= self._round_ends if self._settings.synchronous else clock - member.clock >= self._interval

    def release(self) -> Mapping[str, Continue | Copy]:
        """One round of a synchronous population, once every member that is left has trained to its end."""
        alive = self._members
        if not self._settings.synchronous or self._missing > 0 or not alive or not all(m.waits for m in alive.values()):
            return {}
        worst, best = self._quantiles()
        released: dict[str, Continue | Copy] = {name: Continue() for name in alive if name not in worst}
        for name in worst:
            released[name] = self._copy(name, best)
        newest = max(member.clock for member in alive.values())
        self._round_ends = max(self._round_ends, newest) + self._interval
        for member in alive.values():
            member.waits = False
        return released

    def _quantiles(self) -> tuple[list[str], list[str]]:
        """Names of the worst and of the best of the members that were compared; none where no score is finite."""
        compared = [name for name, member in self._members.items() if member.score is not None]
        ranked = sorted(compared, key=lambda name: self._members[name].rank)
        count = min(math.ceil(len(ranked) * self._settings.quantile_fraction), len(ranked) // 2)
        best = [name for name in ranked[len(ranked) - count :] if math.isfinite(self._members[name].rank)]
        return (ranked[:count], best) if best else ([], [])

    def _copy(self, trial_id: str, best: Sequence[str]) -> Copy:
        rng = self._generator(self._copies)
        self._copies += 1
        name = best[int(rng.permutation(len(best))[0])]
        donor, member = self._members[name], self._members[trial_id]
        hparams, _ = explore(donor.hparams, space=self._space, mutated=self.mutated, settings=self._settings, rng=rng)
        member.clock, member.hparams = donor.clock, hparams
        return Copy(donor=name, clock=donor.clock, hparams=hparams)


def mutated_names(settings: Settings, context: SearchContext) -> tuple[str, ...]:
    """The names that `mutated` gives, or the default. Raises AlgorithmError where there are none, or the space lacks one."""
    space = context.space
    usual = tuple(name for name in context.mutable if name in space.domains)
    names = usual if settings.mutated is None else settings.mutated
    for name in names:
        if name not in space.domains:
            raise AlgorithmError(
                f"algorithm.scheduler.mutated names {name!r}, but the space does not have it"
                f"{nearest(name, space.domains)}; it has {', '.join(space.domains)}"
            )
    shaping = [name for name in names if name in context.shaping]
    if shaping:
        raise AlgorithmError(
            f"algorithm.scheduler.mutated is {list(names)}, but it must be without {shaping[0]}, on which the weights' shapes "
            "depend: a copy has its donor's. It may be in the space all the same: members then begin with several"
        )
    if not names:
        raise AlgorithmError(
            f"algorithm.scheduler.mutated names nothing that the space has: list some of "
            f"{', '.join(space.domains)}, or use another scheduler"
        )
    return names


def explore(
    donor: Mapping[str, Value], *, space: SearchSpace, mutated: Sequence[str], settings: Settings, rng: np.random.Generator
) -> tuple[dict[str, Value], dict[str, str]]:
    """Returns a configuration perturbed from the donor's, and the change made to each mutated value."""
    point: dict[str, Value] = dict(donor)
    operations: dict[str, str] = {}
    for name in mutated:
        domain = space.domains[name]
        value, operations[name] = _perturb(donor[name], domain, settings, rng)
        point[name] = domain.clip(value) if settings.clip else value
    return point, operations


def _perturb(value: Value, domain: Domain, settings: Settings, rng: np.random.Generator) -> tuple[Value, str]:
    resample = rng.random() < settings.resample_probability
    if isinstance(domain, Choice):
        if resample or not domain.ordered or not domain.contains(value):
            return domain.sample(rng), "resample"
        shift = int(rng.choice([-1, 1]))
        position = domain.values.index(value) + shift
        return domain.values[min(max(position, 0), len(domain.values) - 1)], f"shift {shift:+d}"
    if resample:
        return domain.sample(rng), "resample"
    factor = settings.perturbation_factors[int(rng.integers(len(settings.perturbation_factors)))]
    assert is_number(value)
    return round(value * factor) if isinstance(domain, Int) else value * factor, f"* {factor:g}"
