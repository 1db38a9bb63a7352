"""Asynchronous successive halving, the stopping variant (Li et al. 2020, arXiv 1810.05934), by Ray.

A trial that reaches a rung is stopped unless it is among the best 1 / reduction_factor of those that reached it
before. Nothing is paused or promoted later: the first trial at a rung always goes on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from tuneoff.algorithms.base import SCHEDULER_STREAM, Scheduling, SearchContext
from tuneoff.algorithms.settings import require


@dataclass(frozen=True, kw_only=True)
class Settings:
    grace_epochs: float = 1.0
    """The first rung, in epochs: no trial is stopped before it."""
    reduction_factor: float = 4.0
    """Rungs lie at grace_epochs x reduction_factor ** k; about 1 / reduction_factor of the trials pass each."""
    brackets: int = 1
    """Bracket s starts at rung s instead of the first; each trial joins one at random, low ones less often."""
    max_epochs: float | None = None
    """No trial runs longer, and rungs are laid up to here; null: the most epochs that a trial can have."""

    def __post_init__(self) -> None:
        require(self.grace_epochs > 0, "scheduler.grace_epochs", self.grace_epochs, "above 0")
        require(self.reduction_factor >= 2, "scheduler.reduction_factor", self.reduction_factor, ">= 2")
        require(self.brackets >= 1, "scheduler.brackets", self.brackets, ">= 1")
        require(
            self.max_epochs is None or self.max_epochs >= self.grace_epochs,
            "scheduler.max_epochs",
            self.max_epochs,
            f">= grace_epochs ({self.grace_epochs:g})",
            "raise it, or lower grace_epochs",
        )


def build(settings: Settings, context: SearchContext, num_trials: int) -> Scheduling:  # noqa: ARG001
    from tuneoff.algorithms.adapters.asha import Asha

    max_epochs = context.max_epochs if settings.max_epochs is None else settings.max_epochs
    require(
        settings.grace_epochs <= max_epochs,
        "scheduler.grace_epochs",
        settings.grace_epochs,
        f"at most the {max_epochs:g} epochs that a trial can have",
        "lower it, or use scheduler.name=none",
    )
    grace = context.evaluations(settings.grace_epochs, "scheduler.grace_epochs")
    longest = context.evaluations(max_epochs, "scheduler.max_epochs")
    rungs = int(math.log(longest / grace) / math.log(settings.reduction_factor) + 1e-9) + 1
    require(
        settings.brackets <= rungs,
        "scheduler.brackets",
        settings.brackets,
        f"at most the {rungs} rungs that {max_epochs:g} epochs have room for",
        "lower it, grace_epochs or reduction_factor",
    )
    return Scheduling(
        scheduler=Asha(
            max_t=longest,
            grace_period=grace,
            reduction_factor=settings.reduction_factor,
            brackets=settings.brackets,
            generator=context.generators(SCHEDULER_STREAM),
        )
    )
