"""Our Gaussian-process regression is scikit-learn's, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Matern

from tuneoff.algorithms.searchers._regression import Regression

EPSILON = np.finfo(float).eps


def observed(count: int, dim: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.RandomState(count)
    rows = random.uniform(size=(count, dim))
    return rows, np.sin(3 * rows.sum(axis=1)) + 0.05 * random.standard_normal(count)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(("count", "dim", "noise"), [(1, 1, 0.01), (2, 1, 1e-6), (7, 3, 0.01), (30, 2, 0.1)])
def test_predictions_are_those_of_scikit_learn(count: int, dim: int, noise: float) -> None:
    rows, scores = observed(count, dim)
    asked = np.random.RandomState(9).uniform(size=(20, dim))
    theirs = GaussianProcessRegressor(
        Matern(nu=2.5), alpha=noise, normalize_y=True, n_restarts_optimizer=5, random_state=np.random.RandomState(4)
    ).fit(rows, scores)
    ours = Regression(rows, scores, noise, np.random.RandomState(4))
    mean, sd = theirs.predict(asked, return_std=True)
    assert ours.predict(asked)[0].tolist() == mean.tolist()
    assert ours.predict(asked)[1].tolist() == sd.tolist()
    alone = [theirs.predict(row[np.newaxis], return_std=True) for row in asked]
    assert ours.predict_each(asked)[0].tolist() == [float(mean[0]) for mean, _ in alone]
    assert ours.predict_each(asked)[1].tolist() == [float(sd[0]) for _, sd in alone]


@pytest.mark.parametrize(("spread", "scale"), [(0.0, 1.0), (9.5, 1.0), (10.0, 10 * EPSILON), (10.5, 10.5 * EPSILON)])
def test_scores_that_are_equal_but_for_rounding_have_no_scale(spread: float, scale: float) -> None:
    """0 and 2 s have the standard deviation s. Far from both the mean is theirs, s, and the standard deviation the scale."""
    scores = np.array([0.0, 2 * spread * EPSILON])
    model = Regression(np.array([[0.0], [1.0]]), scores, 0.01, np.random.RandomState(0))
    mean, sd = model.predict(np.array([[1e9]]))
    assert mean[0] == pytest.approx(spread * EPSILON, rel=1e-6, abs=1e-30)
    assert sd[0] == pytest.approx(scale, rel=1e-6)
