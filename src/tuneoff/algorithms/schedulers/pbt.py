"""Population-based training (Jaderberg et al. 2017, arXiv 1711.09846): the knobs, and how a configuration is explored.

The population is the search's trials, which start from the searcher's points. At every interval a member among the
worst continues from the weights of one among the best, under hyperparameters perturbed from that donor's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tuneoff.algorithms.base import RESUME, RESUME_EXAMPLES, SCHEDULER_STREAM, Scheduling, SearchContext
from tuneoff.algorithms.settings import AlgorithmError, nearest, require
from tuneoff.errors import is_number
from tuneoff.space import Choice, Domain, Int, SearchSpace, Value

MUTATED = ("learning_rate", "weight_decay", "batch_size")
"""What is mutated where nothing else is said, as far as the space has it."""
FIXED = ("num_epochs",)
POPULATION = True
"""`trials` is the size of a population that trains together."""
KEEP_CHECKPOINTS = 4
"""A member's newest checkpoints to keep: one can be waited for while its writer has gone on (Ray warns at 2)."""


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
    """Names of the hyperparameters to mutate; null: those of MUTATED that the space has. The rest is the donor's."""
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


def build(settings: Settings, context: SearchContext, num_trials: int) -> Scheduling:
    from tuneoff.algorithms.adapters.pbt import Pbt

    require(num_trials >= 2, "trials", num_trials, ">= 2 for population-based training", "it is the size of the population")
    interval = context.evaluations(settings.perturbation_interval_epochs, "scheduler.perturbation_interval_epochs")
    scheduler = Pbt(
        settings=settings,
        space=context.space,
        mutated=mutated_names(settings, context.space),
        interval=interval,
        population=num_trials,
        generator=context.generators(SCHEDULER_STREAM),
    )
    return Scheduling(scheduler=scheduler, checkpoints=True, keep_checkpoints=KEEP_CHECKPOINTS, resume=settings.resume)


def mutated_names(settings: Settings, space: SearchSpace) -> tuple[str, ...]:
    usual = tuple(name for name in MUTATED if name in space.domains)
    names = usual if settings.mutated is None else settings.mutated
    for name in names:
        if name not in space.domains:
            raise AlgorithmError(
                f"algorithm.scheduler.mutated names {name!r}, but the space does not have it"
                f"{nearest(name, space.domains)}; it has {', '.join(space.domains)}"
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
    """A configuration perturbed from the donor's, and what was done to each mutated value."""
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
