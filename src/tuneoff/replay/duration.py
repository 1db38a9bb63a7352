"""Seconds of an interval from the hyperparameters, and failures from the neighbours."""

from __future__ import annotations

import numpy as np

from tuneoff.replay.curves import Curves
from tuneoff.replay.table import Floats, Table, unit_coordinates

NEIGHBOURS = 5
RIDGE = 1e-3
ONE = np.ones(1)


class Duration:
    """Training seconds: log-linear in the unit coordinates and their squares, so that a slow batch size costs what it costs;
    times the ratio of a recorded trial to its own prediction."""

    def __init__(self, curves: Curves) -> None:
        usual = np.log(np.maximum(np.median(curves.train_seconds, axis=1), 1e-9))
        features = _features(curves.units)
        gram = features.T @ features + RIDGE * np.eye(features.shape[1])
        self._coefficients = np.linalg.solve(gram, features.T @ (usual - usual.mean()))
        self._mean = float(usual.mean())
        self._ratios = curves.train_seconds / np.exp(self._mean + features @ self._coefficients)[:, None]
        self._range = (float(curves.train_seconds.min()), float(curves.train_seconds.max()))
        self.evaluate = float(np.median(curves.evaluate_seconds))
        self.test = float(np.median(curves.test_seconds))

    def train_seconds(self, x: Floats, donor: int) -> Floats:
        """For each evaluation point; x: shape (coordinates,)."""
        usual = np.exp(self._mean + np.concatenate((ONE, x, x * x)) @ self._coefficients)
        result: Floats = np.minimum(np.maximum(usual * self._ratios[donor], self._range[0]), self._range[1])
        return result


def _features(units: Floats) -> Floats:
    return np.hstack([np.ones((len(units), 1)), units, np.square(units)])


class Failures:
    """A trial fails as often as its nearest recorded neighbours do, as one of them did."""

    def __init__(self, table: Table) -> None:
        self._units = unit_coordinates(table.space, [trial.point for trial in table.trials])
        self._trials = table.trials
        self.any = any(trial.failed for trial in table.trials)

    def draw(self, x: Floats, luck: float) -> tuple[int, float] | None:
        """(evaluations before it, seconds after them) of a trial that fails, or None; x: shape (coordinates,); luck: in
        [0, 1)."""
        if not self.any:
            return None
        nearest = np.argsort(np.square(self._units - x).sum(axis=1))[:NEIGHBOURS]
        trial = self._trials[int(nearest[int(luck * len(nearest))])]
        return (len(trial.validation), trial.failing_seconds) if trial.failed else None
