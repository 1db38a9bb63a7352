"""A large table as it is: a random search draws its rows, any other search gets the nearest row that is left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from tuneoff.algorithms.contracts import Point
from tuneoff.replay.curves import half, in_virtual_time
from tuneoff.replay.table import Floats, RecordedTrial, Table, unit_coordinates, unit_point
from tuneoff.replay.world import Curve, Replay, World
from tuneoff.space import SearchSpace, Value


@dataclass(frozen=True)
class TableSpace(SearchSpace):
    """The table's space, of which only the recorded points are drawn."""

    draw: Callable[[], Point]

    def sample(self, rng: np.random.Generator) -> dict[str, Value]:  # noqa: ARG002 - the order of the draws is the replay's
        return dict(self.draw())


class Pool(World):
    posterior = False

    def __init__(self, table: Table) -> None:
        self.table = in_virtual_time(table)
        self.points = [trial.point for trial in table.trials]
        self.units = unit_coordinates(table.space, self.points)
        self.curves = [curve_of(trial, row) for row, trial in enumerate(self.table.trials)]
        self.keys = {tuple(point.values()): row for row, point in enumerate(self.points)}

    def replay(self, seed: int) -> PoolReplay:
        return PoolReplay(self, np.random.default_rng([seed, 2]))

    def redrawn(self, seed: int) -> Pool:
        """Half of the trials."""
        numbers = {key: i for i, key in enumerate(self.keys)}
        groups = np.array([numbers[tuple(point.values())] for point in self.points])
        chosen = half(groups, seed)
        return Pool(replace(self.table, trials=tuple(self.table.trials[i] for i in chosen)))


class PoolReplay(Replay):
    """Draws without replacement; a search that uses up the table begins it again, in the same order.

    distances: from each proposed point to the row that stands for it, in the unit cube.
    """

    def __init__(self, pool: Pool, rng: np.random.Generator) -> None:
        self._pool = pool
        self._order = rng.permutation(len(pool.points))
        self._free = np.ones(len(pool.points), dtype=bool)
        self._at = 0
        self._distance = 0.0
        self.space = TableSpace(pool.table.space.domains, self._draw)
        self.distances: list[float] = []

    @property
    def mean_distance(self) -> float:
        return float(np.mean(self.distances)) if self.distances else 0.0

    def _draw(self) -> Point:
        """The next row in the replay's order that no trial has had."""
        while self._at < len(self._order) and not self._free[self._order[self._at]]:
            self._at += 1
        if self._at == len(self._order):
            self._free[:], self._at = True, 0
        return self._pool.points[int(self._order[self._at])]

    def settle(self, point: Point) -> Point:
        row, self._distance = self._row(point)
        return self._pool.points[row]

    def _row(self, point: Point) -> tuple[int, float]:
        row = self._pool.keys.get(tuple(point.values()))
        if row is not None and self._free[row]:
            return row, 0.0
        target: Floats = unit_point(self._pool.table.space, point)
        if not self._free.any():
            self._free[:], self._at = True, 0
        distances = np.square(self._pool.units - target).sum(axis=1)
        distances[~self._free] = np.inf
        row = int(np.argmin(distances))
        return row, float(np.sqrt(distances[row]))

    def curve(self, number: int, point: Point) -> Curve:  # noqa: ARG002
        row, _ = self._row(point)
        self._free[row] = False
        self.distances.append(self._distance)
        return self._pool.curves[row]


def curve_of(trial: RecordedTrial, row: int) -> Curve:
    return Curve(
        validation=trial.validation,
        test=trial.test,
        train_seconds=trial.train_seconds,
        evaluate_seconds=trial.evaluate_seconds,
        test_seconds=trial.test_seconds,
        row=row,
        failed=trial.failed,
        failing_seconds=trial.failing_seconds,
    )
