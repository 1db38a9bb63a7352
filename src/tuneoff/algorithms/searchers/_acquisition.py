"""Where a fitted process promises most: expected improvement or an upper confidence bound, and the search for its maximum.

10,000 points at random, and L-BFGS-B from the best ten of them, as bayesian-optimization 3.x does it; a test compares the two.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import TypeAlias

import numpy as np
from scipy.special import ndtr

from tuneoff.algorithms.searchers._lbfgs import minimise
from tuneoff.algorithms.searchers._regression import Regression
from tuneoff.algorithms.searchers._unit_cube import Rows, UnitCube

Criterion: TypeAlias = Callable[[Rows, Rows], Rows]
"""Of means and standard deviations: how much each point promises."""
AT_RANDOM, STARTS = 10_000, 10
STEP = 1e-8
"""Of finite differences."""
SQRT_2_PI = math.sqrt(2 * math.pi)


def expected_improvement(mean: Rows, sd: Rows, *, best: float, xi: float) -> Rows:
    """Beyond best + xi (Jones, Schonlau and Welch 1998)."""
    above = mean - best - xi
    z = above / sd
    return np.asarray(above * ndtr(z) + sd * (np.exp(-(z**2) / 2.0) / SQRT_2_PI))


def upper_confidence_bound(mean: Rows, sd: Rows, *, kappa: float) -> Rows:
    return mean + kappa * sd


def best_row(cube: UnitCube, model: Regression, criterion: Criterion, random: np.random.RandomState) -> Rows:
    """The row that promises most, shape (dim,)."""
    rows = cube.draw(AT_RANDOM, random)
    losses = -1 * criterion(*model.predict(cube.snap(rows)))
    starts = list(rows[np.argsort(losses)[:STARTS]])
    optima = [one for one in minimise(partial(_losses, cube, model, criterion), starts, 0.0, 1.0) if one.converged]
    best = min(optima, key=lambda optimum: optimum.value, default=None)
    if best is None or not losses.min() > best.value:
        return np.asarray(rows[losses.argmin()])
    return np.clip(best.at, 0.0, 1.0)


def _losses(cube: UnitCube, model: Regression, criterion: Criterion, rows: Rows) -> tuple[Rows, Rows]:
    """Minus what each row promises, and its gradient by finite differences, with steps that stay in the cube."""
    count, dim = rows.shape
    stepped = rows + np.where(rows + STEP > 1.0, -STEP, STEP)
    together = np.repeat(rows[:, np.newaxis], dim + 1, axis=1)
    together[:, np.arange(1, dim + 1), np.arange(dim)] = stepped
    losses = -1 * criterion(*model.predict_each(cube.snap(together.reshape(-1, dim)))).reshape(count, dim + 1)
    return losses[:, 0], (losses[:, 1:] - losses[:, :1]) / (stepped - rows)
