"""No scheduling: every trial runs to its end, first come, first served."""

from __future__ import annotations

from dataclasses import dataclass

from tuneoff.algorithms.base import Scheduling, SearchContext


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Nothing to set."""


def build(settings: Settings, context: SearchContext, num_trials: int) -> Scheduling:  # noqa: ARG001
    from ray.tune.schedulers import FIFOScheduler

    return Scheduling(scheduler=FIFOScheduler())
