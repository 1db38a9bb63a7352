"""Gaussian-process regression with one Matern 5/2 kernel (Rasmussen and Williams 2006, algorithm 2.1 and equation 5.9).

The same numbers, bit for bit, as scikit-learn's `GaussianProcessRegressor(Matern(nu=2.5), normalize_y=True,
n_restarts_optimizer=5)`, which a test shows, without what it spends on checking its input at each of some hundred
evaluations a proposal. That is why the order of operations is not to be tidied up.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotrs, dtrtrs
from scipy.spatial.distance import cdist

from tuneoff.algorithms.searchers._lbfgs import minimise
from tuneoff.algorithms.searchers._unit_cube import Rows

SQRT_5 = math.sqrt(5)
RESTARTS, BLOCK = 5, 512
LOG_SHORTEST, LOG_LONGEST = np.log(1e-5), np.log(1e5)


class Regression:
    """A process fitted to `scores` at `rows`, shape (n, dim), which are snapped. noise: a variance, as a share of theirs."""

    def __init__(self, rows: Rows, scores: Rows, noise: float, random: np.random.RandomState) -> None:
        self._rows, self._noise = rows, noise
        self._mean, scale = np.mean(scores, axis=0), np.std(scores, axis=0)
        self._scale = scale if scale >= 10 * np.finfo(float).eps else 1.0
        self._targets = ((scores - self._mean) / self._scale)[:, np.newaxis]
        self._constant = len(rows) / 2 * np.log(2 * np.pi)
        self._identity = np.eye(len(rows))
        self._length = float(np.exp(self._best_log_length(random)))
        self._scaled = rows / self._length
        covariance, _ = self._covariance(self._length)
        self._factor, failed = dpotrf(covariance, lower=True, clean=True)
        assert failed == 0, "noise on the diagonal makes the covariance positive definite"
        self._weights = dpotrs(self._factor, self._targets[:, 0], lower=True)[0]

    def _best_log_length(self, random: np.random.RandomState) -> float:
        """The likeliest one from length 1 and from five others drawn at random."""
        starts = [np.zeros(1), *(random.uniform(LOG_SHORTEST, LOG_LONGEST, 1) for _ in range(RESTARTS))]
        optima = minimise(self._losses, starts, LOG_SHORTEST, LOG_LONGEST)
        return float(optima[int(np.argmin([optimum.value for optimum in optima]))].at[0])

    def _covariance(self, length: float) -> tuple[Rows, Rows]:
        """With noise, and the distances in lengths; both of shape (n, n)."""
        scaled = self._rows / length
        distances = cdist(scaled, scaled)
        covariance = matern(distances)
        covariance.flat[:: len(self._rows) + 1] += self._noise
        return covariance, distances

    def _losses(self, log_lengths: Rows) -> tuple[Rows, Rows]:
        """Minus the log marginal likelihood of each, shape (m, 1), and its derivative."""
        found = [self._loss(log_length) for log_length in log_lengths[:, 0]]
        return np.array([loss for loss, _ in found]), np.array([[slope] for _, slope in found])

    def _loss(self, log_length: float) -> tuple[float, float]:
        covariance, distances = self._covariance(np.exp(log_length))
        factor, failed = dpotrf(covariance, lower=True, clean=True)
        if failed:
            return math.inf, 0.0
        weights, _ = dpotrs(factor, self._targets, lower=True)
        likelihood = -0.5 * np.einsum("ik,ik->k", self._targets, weights)
        likelihood -= np.log(np.diag(factor)).sum()
        likelihood -= self._constant
        squares = distances**2
        ratio = np.sqrt(5 * squares)
        slope = 5.0 / 3.0 * squares * (ratio + 1) * np.exp(-ratio)
        inner = np.einsum("ik,jk->ijk", weights, weights)
        inner -= dpotrs(factor, self._identity, lower=True)[0][..., np.newaxis]
        gradient = 0.5 * np.einsum("ijl,jik->kl", inner, slope[..., np.newaxis])
        return -float(likelihood[0]), -float(gradient[0, 0])

    def predict(self, rows: Rows) -> tuple[Rows, Rows]:
        """Mean and standard deviation at rows, which are snapped; shape (len(rows),) each."""
        kernel = self._kernel(rows)
        solved, _ = dtrtrs(self._factor, kernel.T, lower=True)
        return self._in_scores(kernel @ self._weights, np.einsum("ij,ji->i", solved.T, solved))

    def predict_each(self, rows: Rows) -> tuple[Rows, Rows]:
        """As `predict`, but each row gets the numbers that it would get alone, which BLAS does not promise of many."""
        kernel = self._kernel(rows)
        means, explained = np.empty(len(rows)), np.empty(len(rows))
        for i in range(len(rows)):
            one = kernel[i : i + 1]
            solved, _ = dtrtrs(self._factor, one.T, lower=True)
            means[i : i + 1] = one @ self._weights
            explained[i : i + 1] = np.einsum("ij,ji->i", solved.T, solved)
        return self._in_scores(means, explained)

    def _kernel(self, rows: Rows) -> Rows:
        return matern(cdist(rows / self._length, self._scaled))

    def _in_scores(self, means: Rows, explained: Rows) -> tuple[Rows, Rows]:
        """explained: the share of the variance that the observations take away."""
        variance = np.maximum(1.0 - explained, 0.0)
        return self._scale * means + self._mean, np.sqrt(variance * self._scale**2)


def matern(distances: Rows) -> Rows:
    """Matern 5/2 of distances in lengths, shape (m, n), in blocks that stay in the processor's cache."""
    kernel = distances * SQRT_5
    for first in range(0, len(kernel), BLOCK):
        block = kernel[first : first + BLOCK]
        polynomial = block**2
        polynomial /= 3.0
        polynomial += 1.0 + block
        np.exp(np.negative(block, out=block), out=block)
        block *= polynomial
    return np.asarray(kernel)
