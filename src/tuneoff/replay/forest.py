"""A table as a forest that keeps leaf donors: for spaces in which training collapses, which no smooth mean describes.

A trial gets the whole curve of a recorded trial from its leaf of a random tree: the mean over trees is the forest's
prediction, and scores at chance come as often as they do nearby.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.ensemble import RandomForestRegressor

from tuneoff.algorithms.contracts import Point
from tuneoff.replay.curves import Curves, curves_of, half, in_virtual_time
from tuneoff.replay.duration import Duration, Failures
from tuneoff.replay.table import Floats, Table, unit_point
from tuneoff.replay.world import Curve, Luck, Replay, World

TREES, LEAF = 60, 3
"""LEAF: fewest trials in one."""
OUTPUTS = 8
"""Evaluation points, evenly spread, whose scores the trees are split by."""


class Forest:
    """Trees over the unit cube, and the rows in each leaf."""

    def __init__(self, units: Floats, values: Floats, seed: int = 0) -> None:
        """units: (n, coordinates); values: (n, outputs)."""
        made = RandomForestRegressor(TREES, min_samples_leaf=LEAF, max_features=0.8, random_state=seed, n_jobs=1)
        made.fit(units, values)
        self._trees: list[Any] = [tree.tree_ for tree in made.estimators_]
        self._rows: list[dict[int, np.ndarray]] = []
        single = units.astype(np.float32)
        for tree in self._trees:
            leaves = tree.apply(single)
            self._rows.append({int(leaf): np.flatnonzero(leaves == leaf) for leaf in np.unique(leaves)})

    def donor(self, x: Floats, luck: list[float]) -> int:
        """A row from the leaf of a random tree; x: shape (coordinates,)."""
        number = int(luck[0] * len(self._trees))
        rows = self._rows[number][int(self._trees[number].apply(x[None, :].astype(np.float32))[0])]
        return int(rows[int(luck[1] * len(rows))])

    def mean(self, units: Floats, values: Floats) -> Floats:
        """Of the donors' values, shape (m, outputs); values: (n, outputs), of the rows that it was made from."""
        single = units.astype(np.float32)
        total = np.zeros((len(units), values.shape[1]))
        for tree, rows in zip(self._trees, self._rows, strict=True):
            means = {leaf: values[members].mean(axis=0) for leaf, members in rows.items()}
            total += np.stack([means[int(leaf)] for leaf in tree.apply(single)])
        return total / len(self._trees)


def outputs(curves: Curves) -> Floats:
    """Validation scores at a few evaluation points, on one scale."""
    points = curves.validation.shape[1]
    chosen = curves.validation[:, np.unique(np.linspace(0, points - 1, OUTPUTS).round().astype(int))]
    return chosen / np.maximum(chosen.std(axis=0), 1e-12)  # type: ignore[no-any-return]


class ForestWorld(World):
    posterior = False

    def __init__(self, table: Table, rows: np.ndarray | None = None) -> None:
        self.table = in_virtual_time(table)
        everything = curves_of(self.table)
        self.curves = everything if rows is None else everything.take(rows)
        self._all = everything
        self._forest = Forest(self.curves.units, outputs(self.curves))
        self._duration, self._failures = Duration(self.curves), Failures(self.table)

    def redrawn(self, seed: int) -> ForestWorld:
        return ForestWorld(self.table, half(self._all.groups, seed))

    def replay(self, seed: int) -> ForestReplay:
        return ForestReplay(self, seed)

    def curve(self, point: Point, luck: list[float]) -> Curve:
        """luck: see Luck."""
        x = unit_point(self.table.space, point)
        donor, length = self._forest.donor(x, luck), self.length_of(point)
        failed = self._failures.draw(x, luck[2])
        length = length if failed is None else min(failed[0], length - 1)
        return Curve(
            validation=self.curves.validation[donor, :length].tolist(),
            test=self.curves.test[donor, :length].tolist(),
            train_seconds=self._duration.train_seconds(x, donor)[:length].tolist(),
            evaluate_seconds=[self._duration.evaluate] * length,
            test_seconds=[self._duration.test] * length,
            row=int(self.curves.rows[donor]),
            failed=failed is not None,
            failing_seconds=0.0 if failed is None else failed[1],
        )


class ForestReplay(Replay):
    def __init__(self, world: ForestWorld, seed: int) -> None:
        self._world, self._luck, self.space = world, Luck(seed), world.table.space

    def curve(self, number: int, point: Point) -> Curve:
        return self._world.curve(point, self._luck(number))
