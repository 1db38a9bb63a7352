"""The search for the row that promises most. (The same as bayesian-optimization's: test_gaussian_process.py.)"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tuneoff.algorithms.searchers._acquisition import best_row
from tuneoff.algorithms.searchers._unit_cube import UnitCube
from tuneoff.space import Float

CUBE = UnitCube([Float(low=0.0, high=1.0)])
DRAWN = CUBE.draw(10_000, np.random.RandomState(3))[:, 0]


class Straight:
    """A model whose mean at a row is the row's number."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.asked: list[np.ndarray] = []

    def predict(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self.sizes.append(len(rows))
        return rows[:, 0], np.ones(len(rows))

    def predict_each(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self.asked.append(rows[:, 0])
        return self.predict(rows)


def best(promise: Callable[[np.ndarray], Any], model: Straight | None = None) -> float:
    (found,) = best_row(CUBE, model or Straight(), lambda mean, _: promise(mean), np.random.RandomState(3))  # type: ignore[arg-type]
    return float(found)


@pytest.mark.parametrize("place", [0.3, 0.005, 0.9951])
def test_the_best_of_the_rows_at_random_are_improved_to_the_maximum(place: float) -> None:
    assert best(lambda x: -((x - place) ** 2)) == pytest.approx(place, abs=1e-6)


def test_a_maximum_at_a_bound_is_the_bound() -> None:
    assert best(lambda x: x) == 1.0
    assert best(lambda x: -x) == 0.0


def test_the_ten_best_rows_of_ten_thousand_are_the_starts() -> None:
    model = Straight()
    best(lambda x: -np.abs(x - 0.3), model)
    assert model.sizes[0] == len(DRAWN)
    nearest = DRAWN[np.argsort(np.abs(DRAWN - 0.3))[:10]]
    starts, stepped = model.asked[0][::2], model.asked[0][1::2]
    assert starts.tolist() == nearest.tolist()
    assert stepped - starts == pytest.approx(1e-8)


def test_differences_at_the_upper_bound_are_taken_from_below() -> None:
    model = Straight()
    best(lambda x: x, model)
    assert max(asked.max() for asked in model.asked) == 1.0


def test_where_nothing_is_gained_the_first_of_the_best_rows_at_random_is_taken() -> None:
    """A plateau: every start ends where it begins."""
    assert best(lambda x: np.minimum(x, 0.5)) == DRAWN[np.argmax(DRAWN >= 0.5)]


class Broken(Straight):
    """One that is not a number wherever it is asked alone."""

    def predict_each(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.full(len(rows), np.nan), np.ones(len(rows))


def test_where_no_start_converges_the_best_row_at_random_is_taken() -> None:
    assert best(lambda x: -np.abs(x - 0.3), Broken()) == DRAWN[np.abs(DRAWN - 0.3).argmin()]
