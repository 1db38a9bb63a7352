"""The curves of a table as arrays, all as long as the longest trial's."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tuneoff.replay.table import Floats, Table, unit_coordinates


@dataclass(frozen=True, kw_only=True)
class Curves:
    """Of the trials that have a score. Shapes: units (n, coordinates), scores and seconds (n, points), lengths (n,).

    A shorter trial's last score stands for the points that it did not reach: they are never read, but models are fitted to
    them. rows: (n,) their numbers in the table. groups: (n,) equal for repetitions of one configuration.
    """

    units: Floats
    validation: Floats
    test: Floats
    train_seconds: Floats
    evaluate_seconds: Floats
    test_seconds: Floats
    lengths: np.ndarray
    rows: np.ndarray
    groups: np.ndarray

    @property
    def both(self) -> Floats:
        """Validation and test side by side, shape (n, 2 points)."""
        return np.hstack([self.validation, self.test])

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, which: np.ndarray) -> Curves:
        return Curves(**{name: getattr(self, name)[which] for name in self.__dataclass_fields__})


def curves_of(table: Table) -> Curves:
    """Of the trials that were scored to their ends; failed ones are not among them."""
    rows = [i for i, trial in enumerate(table.trials) if trial.validation and not trial.failed]
    trials = [table.trials[i] for i in rows]
    points = [trial.point for trial in trials]
    keys = {tuple(point.values()): None for point in points}
    numbers = {key: i for i, key in enumerate(keys)}
    longest = table.longest

    def padded(values: tuple[float, ...]) -> list[float]:
        return [*values, *[values[-1]] * (longest - len(values))]

    return Curves(
        units=unit_coordinates(table.space, points),
        validation=np.array([padded(t.validation) for t in trials]),
        test=np.array([padded(t.test) for t in trials]),
        train_seconds=np.array([padded(t.train_seconds) for t in trials]),
        evaluate_seconds=np.array([padded(t.evaluate_seconds) for t in trials]),
        test_seconds=np.array([padded(t.test_seconds) for t in trials]),
        lengths=np.array([len(t.validation) for t in trials]),
        rows=np.array(rows),
        groups=np.array([numbers[tuple(point.values())] for point in points]),
    )


def in_virtual_time(table: Table) -> Table:
    """The table with seconds for every interval: the recorded ones, or an epoch's share where none are known.

    Scoring on test is then free, since only its order matters.
    """
    if table.timed:
        known = [s for t in table.trials for s in t.test_seconds if np.isfinite(s)]
        usual = float(np.median(known)) if known else 0.0
        trials = tuple(
            replace(t, test_seconds=tuple(s if np.isfinite(s) else usual for s in t.test_seconds)) for t in table.trials
        )
        return replace(table, trials=trials)
    share = 1 / table.evaluations_per_epoch
    trials = tuple(
        replace(
            t,
            train_seconds=(share,) * len(t.validation),
            evaluate_seconds=(0.0,) * len(t.validation),
            test_seconds=(0.0,) * len(t.validation),
            failing_seconds=share,
        )
        for t in table.trials
    )
    return replace(table, trials=trials, overhead_seconds=0.0, start_seconds=0.0)


def half(groups: np.ndarray, seed: int) -> np.ndarray:
    """Half of the rows without replacement, shape (about n / 2,); repetitions of one configuration stay together."""
    rng = np.random.default_rng([seed, 3])
    names = np.unique(groups)
    return np.flatnonzero(np.isin(groups, rng.permutation(names)[: max(1, round(len(names) / 2))]))
