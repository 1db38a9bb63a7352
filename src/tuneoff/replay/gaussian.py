"""Gaussian processes on the unit cube: fit, posterior mean, and functions drawn from the posterior.

A quadratic trend with random coefficients plus a Matern 5/2 process. With the process alone a table of 24 trials is taken to
rise towards its mean where little was recorded, and the searches that go there, grid above all, are overrated by 1 to 3 points.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize

from tuneoff.replay.table import Floats

LENGTH, AMPLITUDE, NOISE, TREND = (math.log(0.7), 0.8), (math.log(0.5), 1.0), (math.log(0.3), 1.0), (math.log(0.5), 1.0)
"""Mean and sd of the logarithms' normal priors: length scales, process's sd, noise's sd, trend's coefficients' sd; of values of
unit variance. Without priors a table of 24 is fitted with no noise at all every few times."""
JITTER = 1e-8
ONE = np.ones(1)
METROPOLIS_STEPS, METROPOLIS_SCALE = 40, 0.35
"""SCALE: of a step, in sds of the priors."""
FEATURES = 256
"""Random Fourier features of a drawn function (Rahimi and Recht 2007)."""


@dataclass(frozen=True, kw_only=True)
class Process:
    """Matern 5/2 with a length scale for each coordinate. lengths: shape (coordinates,); amplitude, noise and trend: sds."""

    lengths: Floats
    amplitude: float
    noise: float
    trend: float


def trend_features(units: Floats) -> Floats:
    """One, the coordinates from -1 to 1, their squares and products: (n, coordinates) -> (n, features)."""
    z = 2 * units - 1
    first, second = np.triu_indices(units.shape[1])
    return np.hstack([np.ones((len(z), 1)), z, z[:, first] * z[:, second]])


class _Target:
    """Minus the logarithm of the hyperparameters' posterior density, up to a constant. theta: logarithms of the length scales,
    amplitude, noise and trend."""

    def __init__(self, units: Floats, values: Floats) -> None:
        d = units.shape[1]
        self.means = np.array([LENGTH[0]] * d + [AMPLITUDE[0], NOISE[0], TREND[0]])
        self.sds = np.array([LENGTH[1]] * d + [AMPLITUDE[1], NOISE[1], TREND[1]])
        self._values, self._squares = values, np.square(units[:, None, :] - units[None, :, :])
        features = trend_features(units)
        self._trend = features @ features.T

    def __call__(self, theta: Floats) -> float:
        amplitude, noise, trend = np.exp(2 * theta[-3:])
        made = amplitude * matern(self._squares @ np.exp(-2 * theta[:-3])) + trend * self._trend
        made[np.diag_indices_from(made)] += noise + JITTER
        try:
            factor = cho_factor(made, lower=True, check_finite=False)
        except np.linalg.LinAlgError:
            return math.inf
        fitted = 0.5 * self._values @ cho_solve(factor, self._values, check_finite=False) + np.log(np.diag(factor[0])).sum()
        return float(fitted + 0.5 * np.square((theta - self.means) / self.sds).sum())


def _process(theta: Floats) -> Process:
    amplitude, noise, trend = np.exp(theta[-3:])
    return Process(
        lengths=np.exp(theta[:-3]), amplitude=float(amplitude), noise=math.sqrt(noise**2 + JITTER), trend=float(trend)
    )


def fit(units: Floats, values: Floats) -> Process:
    """The most probable hyperparameters. units: (n, coordinates); values: (n,), of mean 0 and variance 1."""
    target = _Target(units, values)
    shift = np.array([-0.7] * units.shape[1] + [0.0, 0.7, 0.0])
    bounds = [(m - 4 * s, m + 4 * s) for m, s in zip(target.means, target.sds, strict=True)]
    starts = (target.means, target.means + shift)
    found = min((minimize(target, start, method="L-BFGS-B", bounds=bounds) for start in starts), key=lambda result: result.fun)
    return _process(found.x)


def sampled(process: Process, units: Floats, values: Floats, rng: np.random.Generator) -> Process:
    """Hyperparameters drawn from their posterior, by Metropolis's algorithm from the most probable ones: a small table does not
    say how smooth its world is, and the most probable answer alone makes it look known."""
    target = _Target(units, values)
    theta = np.log([*process.lengths, process.amplitude, process.noise, process.trend])
    loss = target(theta)
    for _ in range(METROPOLIS_STEPS):
        tried = theta + METROPOLIS_SCALE * target.sds * rng.standard_normal(len(theta))
        other = target(tried)
        if math.log(1 - rng.random()) < loss - other:
            theta, loss = tried, other
    return _process(theta)


def matern(squares: Floats) -> Floats:
    """Correlation at squared distances in length scales."""
    r = np.sqrt(5 * squares)
    result: Floats = (1 + r + r * r / 3) * np.exp(-r)
    return result


def covariance(process: Process, a: Floats, b: Floats) -> Floats:
    """Of the functions' values at a, shape (m, coordinates), and b, (n, coordinates): (m, n)."""
    differences = (a[:, None, :] - b[None, :, :]) / process.lengths
    trend = trend_features(a) @ trend_features(b).T
    return process.amplitude**2 * matern(np.square(differences).sum(axis=2)) + process.trend**2 * trend


@dataclass(frozen=True, kw_only=True)
class Posterior:
    """k processes on one set of points. Shapes: scaled (k, n, coordinates), weights (k, n), amplitudes (k,).

    leverages: (k, n), the share of its own value in each point's mean.
    """

    processes: tuple[Process, ...]
    units: Floats
    values: Floats
    inverses: Floats
    weights: Floats
    leverages: Floats

    @classmethod
    def of(cls, units: Floats, values: Floats, processes: tuple[Process, ...]) -> Posterior:
        """values: (n, k)."""
        inverses = np.stack([np.linalg.inv(covariance(p, units, units) + p.noise**2 * np.eye(len(units))) for p in processes])
        return cls(
            processes=processes,
            units=units,
            values=values,
            inverses=inverses,
            weights=np.einsum("kij,jk->ki", inverses, values),
            leverages=np.stack([1 - p.noise**2 * np.diag(a) for p, a in zip(processes, inverses, strict=True)]),
        )


class Function:
    """The posterior's mean (without rng), or a function drawn from it by Matheron's rule (Wilson et al. 2020): a prior draw,
    corrected by what it misses at the recorded points."""

    def __init__(self, posterior: Posterior, rng: np.random.Generator | None = None) -> None:
        lengths = np.stack([p.lengths for p in posterior.processes])
        self._first, self._second = np.triu_indices(lengths.shape[1])
        self._lengths = lengths
        self._points = posterior.units[None, :, :] / lengths[:, None, :]
        self._weights = posterior.weights
        self._variances = np.array([p.amplitude**2 for p in posterior.processes])[:, None]
        self._drawn = rng is not None
        features = trend_features(posterior.units)
        trends = np.array([p.trend for p in posterior.processes])[:, None]
        if rng is None:
            self._trend = trends**2 * (self._weights @ features)
            return
        k, d = lengths.shape
        heavy = np.sqrt(5 / rng.chisquare(5, size=(k, FEATURES, 1)))  # Matern 5/2's spectral density: Student's t, 5 degrees
        self._frequencies = rng.standard_normal((k, FEATURES, d)) * heavy
        self._phases = rng.uniform(0, 2 * np.pi, size=(k, FEATURES))
        self._coefficients = rng.standard_normal((k, FEATURES)) * np.sqrt(2 / FEATURES * self._variances)
        drawn = trends * rng.standard_normal((k, features.shape[1]))
        prior = np.stack([self._prior(x) for x in posterior.units], axis=1) + drawn @ features.T
        noise = np.array([p.noise for p in posterior.processes])[:, None] * rng.standard_normal(prior.shape)
        self._weights = np.einsum("kij,kj->ki", posterior.inverses, posterior.values.T - prior - noise)
        self._trend = drawn + trends**2 * (self._weights @ features)

    def _prior(self, x: Floats) -> Floats:
        angles = (self._frequencies @ (x / self._lengths)[:, :, None])[:, :, 0] + self._phases
        result: Floats = np.einsum("km,km->k", np.cos(angles), self._coefficients)
        return result

    def __call__(self, x: Floats) -> Floats:
        """Values at one point, shape (coordinates,) -> (k,)."""
        differences = self._points - (x / self._lengths)[:, None, :]
        correlations = matern(np.einsum("knd,knd->kn", differences, differences))
        values: Floats = np.einsum("kn,kn->k", self._variances * correlations, self._weights)
        z = 2 * x - 1
        values += self._trend @ np.concatenate((ONE, z, z[self._first] * z[self._second]))
        return values + self._prior(x) if self._drawn else values
