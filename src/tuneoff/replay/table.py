"""A recorded table: trials that ran unstopped, with validation and test scores at every evaluation point."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tuneoff.algorithms.contracts import Point
from tuneoff.errors import UserError
from tuneoff.hparams import NUM_EPOCHS
from tuneoff.space import Choice, SearchSpace, Value
from tuneoff.task.units import is_share

Floats: TypeAlias = NDArray[np.float64]

FEWEST_TRIALS = 12
"""Below it a hold-out says nothing; 48 to 96 make a sensible table."""
WIDEST_GAP = 0.25
"""Of a hyperparameter's range, between an end of the space and the nearest recorded value."""


class TableError(UserError):
    """A table that can't be read, or that can't answer for the searches."""


@dataclass(frozen=True, kw_only=True)
class RecordedTrial:
    """One trial. Every tuple has a value for each evaluation point, first to last; scores: higher is better.

    split: which rows it was trained and validated on. Seconds are nan where they are not known; test_seconds is what scoring
    the test set once takes. failed: it ended without a further score after its evaluations, failing_seconds later.
    """

    point: Point
    split: str
    validation: tuple[float, ...]
    test: tuple[float, ...]
    train_seconds: tuple[float, ...]
    evaluate_seconds: tuple[float, ...]
    test_seconds: tuple[float, ...]
    failed: bool = False
    failing_seconds: float = 0.0

    def __post_init__(self) -> None:
        lengths = {
            len(self.validation),
            len(self.test),
            len(self.train_seconds),
            len(self.evaluate_seconds),
            len(self.test_seconds),
        }
        assert len(lengths) == 1, f"values for {lengths} evaluation points"


@dataclass(frozen=True, kw_only=True)
class Table:
    """trials: with one or more evaluations, or failed. drawn_at_random: independent draws from the space, all of them: only
    then a draw from the table is a draw from the space.

    evaluations_per_epoch, max_epochs: the unit in which searches count, and the longest trial. defaults: the untuned point,
    where known. overhead_seconds: a slot's idle time an evaluation; start_seconds: before a slot's first step. test_rows: of
    the test set; disagreement: the share of them on which two good trials predict differently; None where not known.
    left_out: how many trials were not used, by reason. recorded_device_seconds: charged for the recording.
    slots, devices: with which it was recorded. task_words: of the command that runs a search on the same task and model for
    real; none for a foreign table.
    """

    name: str
    source: str
    metric: str
    space: SearchSpace
    trials: tuple[RecordedTrial, ...]
    evaluations_per_epoch: int
    max_epochs: int
    drawn_at_random: bool
    defaults: Mapping[str, Value] = field(default_factory=dict)
    overhead_seconds: float = 0.0
    start_seconds: float = 0.0
    test_rows: int | None = None
    disagreement: float | None = None
    left_out: Mapping[str, int] = field(default_factory=dict)
    recorded_device_seconds: float | None = None
    slots: int | None = None
    devices: int | None = None
    task_words: tuple[str, ...] = ()
    attribution: str = ""

    @property
    def share(self) -> bool:
        """Whether scores are shares, whose chance follows from the number of rows; a correlation's or an error's does not."""
        return is_share(self.metric)

    @property
    def timed(self) -> bool:
        """Whether seconds are known, so that budgets in minutes and dollars can be replayed."""
        return all(math.isfinite(s) for t in self.trials for s in (*t.train_seconds, *t.evaluate_seconds))

    @property
    def longest(self) -> int:
        """Evaluation points of the longest trial."""
        return self.max_epochs * self.evaluations_per_epoch

    @property
    def hash(self) -> str:
        """Of all that a replay goes by; 12 hexadecimal digits."""
        numbers = [[sorted(t.point.items()), t.split, t.validation, t.test, t.train_seconds, t.failed] for t in self.trials]
        text = json.dumps([self.metric, repr(self.space), self.evaluations_per_epoch, self.max_epochs, numbers])
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def length_of(self, point: Mapping[str, Value]) -> int:
        """Evaluation points of a trial with these hyperparameters, which may set its length."""
        epochs = point.get(NUM_EPOCHS)
        return round(epochs * self.evaluations_per_epoch) if isinstance(epochs, int | float) else self.longest

    def used(self) -> str:
        """How many trials are used, and why others are not."""
        failed = sum(trial.failed for trial in self.trials)
        text = f"{len(self.trials)} trials" + (f", {failed} of which failed or diverged" if failed else "")
        left = ", ".join(f"{count} {reason}" for reason, count in self.left_out.items() if count)
        return text + (f"; not used: {left}" if left else "")


def unit_coordinates(space: SearchSpace, points: Sequence[Mapping[str, Value]]) -> Floats:
    """Positions in the unit cube, shape (points, coordinates); a choice of texts is a block of zeros and ones."""
    return np.array([unit_point(space, point) for point in points])


def unit_point(space: SearchSpace, point: Mapping[str, Value]) -> Floats:
    """As unit_coordinates, of one point: shape (coordinates,)."""
    found: list[float] = []
    for name, domain in space.domains.items():
        value = point[name]
        if isinstance(domain, Choice) and not domain.ordered:
            found += [float(value == listed) for listed in domain.values]
        else:
            found.append(domain.to_unit(domain.clip(value)))
    return np.array(found)


def checked(table: Table) -> Table:
    """The table. TableError where it has too few trials, or where they do not cover the space."""
    scored = [trial for trial in table.trials if trial.validation]
    if len(scored) < FEWEST_TRIALS:
        why = ", ".join(f"{count} {reason}" for reason, count in table.left_out.items() if count)
        raise TableError(
            f"{table.name} has {len(scored)} trials to replay on{f' ({why})' if why else ''}, but it must have at least "
            f"{FEWEST_TRIALS}, better 48 to 96, that ran unstopped with test scores at every evaluation: record more"
        )
    for name, domain in table.space.domains.items():
        values = [trial.point[name] for trial in table.trials]
        if isinstance(domain, Choice):
            missing = [value for value in domain.values if value not in values]
            if missing:
                raise TableError(f"{table.name} has no trial with {name}={missing[0]}, which the space allows: {_remedy(name)}")
            continue
        units = sorted(domain.to_unit(domain.clip(value)) for value in values)
        if units[0] > WIDEST_GAP or units[-1] < 1 - WIDEST_GAP:
            found = f"{domain.from_unit(units[0]):g} to {domain.from_unit(units[-1]):g}"
            raise TableError(
                f"{table.name} was recorded for {name} from {found}, but the space goes from {domain.low:g} to "
                f"{domain.high:g}, so what a search would meet there is not known: {_remedy(name)}"
            )
    return table


def _remedy(name: str) -> str:
    return f"record trials there, or narrow space.{name}"
