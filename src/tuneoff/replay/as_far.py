"""Somebody's old search, graded: what would other searches have cost to get as far?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tuneoff.budget import Budget
from tuneoff.replay.plan import Scenario
from tuneoff.replay.runner import Case
from tuneoff.replay.table import Table


@dataclass(frozen=True, kw_only=True)
class OldSearch:
    """A table as the search that made it. validation, test: of its best evaluation by validation. epochs: of all its trials."""

    trials: int
    epochs: float
    validation: float
    test: float


@dataclass(frozen=True, kw_only=True)
class Reached:
    """How a search gets as far in replays that may spend as many epochs. share: of the replays that do. epochs, device_seconds:
    the quartiles over all replays, math.inf where the replay did not get there in time."""

    case: Case
    share: float
    epochs: tuple[float, float, float]
    device_seconds: tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class AsFar:
    old: OldSearch
    searches: tuple[Reached, ...]


def old_search(table: Table) -> OldSearch:
    scored = [
        (validation, test) for trial in table.trials for validation, test in zip(trial.validation, trial.test, strict=True)
    ]
    validation, test = max(scored, key=lambda pair: pair[0])
    return OldSearch(
        trials=len(table.trials), epochs=len(scored) / table.evaluations_per_epoch, validation=validation, test=test
    )


def as_far_scenario(table: Table, like: Scenario) -> Scenario:
    """As many epochs as the old search trained, to reach the validation score at which it ended."""
    old = old_search(table)
    return replace(like, budget=Budget(unit="epochs", amount=math.ceil(old.epochs)), target=old.validation, change="")


def grade(table: Table, cases: Sequence[Case]) -> AsFar:
    """The cheapest first."""
    found = []
    for case in cases:
        made = [one for draw in (case.whole, *case.draws) for one in draw]
        spent = np.array([one.reached_epochs for one in made])
        wall = np.array([one.reached_seconds for one in made])
        found.append(
            Reached(
                case=case,
                share=float(np.isfinite(spent).mean()),
                epochs=_quartiles(spent),
                device_seconds=_quartiles(wall * case.scenario.devices),
            )
        )
    return AsFar(old=old_search(table), searches=tuple(sorted(found, key=lambda one: (one.epochs[1], -one.share))))


def _quartiles(values: np.ndarray) -> tuple[float, float, float]:
    """Each is one of the values."""
    low, middle, high = (float(np.quantile(values, share, method="higher")) for share in (0.25, 0.5, 0.75))
    return low, middle, high
