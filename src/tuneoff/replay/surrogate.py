"""A small table as a world of smooth curves plus recorded residuals.

The curves' principal components over all evaluation points, validation and test together, each follow a Gaussian process;
a trial's luck is the whole residual curve of a recorded trial that did about as well. So epochs of one trial correlate, and
its validation and test scores do, as they were recorded.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tuneoff.algorithms.contracts import Point
from tuneoff.replay.curves import Curves, curves_of, in_virtual_time
from tuneoff.replay.duration import Duration, Failures
from tuneoff.replay.gaussian import Function, Posterior, fit, sampled
from tuneoff.replay.table import Floats, Table, unit_point
from tuneoff.replay.world import Curve, Luck, Replay, World

VARIANCE, MOST_COMPONENTS = 0.995, 6
"""Share of the curves' variance that the components carry; the rest stays in the residuals."""
FEWEST_DONORS, DONOR_SHARE = 8, 0.25
"""Residuals come from so many trials whose predicted scores are nearest: good trials are less noisy than mediocre ones."""
FEWEST_REPETITIONS = 8
"""Degrees of freedom from which repetitions, not the model, say how large the noise is."""
CACHED = 4096


@dataclass(frozen=True, kw_only=True)
class Fit:
    """centre, scale: (2 points,) of the curves; basis: (k, 2 points); spread: (k,), sds of the components' values.

    residuals: (n, 2 points), corrected for the share of each trial in its own prediction. order: (n,) rows by predicted
    last validation score, ranked: those scores. noise_sd: of the last test score, from residuals; repeated_sd: from
    repetitions of one configuration, or None where there are none.
    """

    curves: Curves
    posterior: Posterior
    centre: Floats
    basis: Floats
    spread: Floats
    residuals: Floats
    order: np.ndarray
    ranked: Floats
    noise_sd: float
    repeated_sd: float | None


def fit_curves(curves: Curves) -> Fit:
    both = curves.both
    centre = both.mean(axis=0)
    _, singular, vectors = np.linalg.svd(both - centre, full_matrices=False)
    shares = np.cumsum(np.square(singular)) / np.square(singular).sum()
    k = min(int(np.searchsorted(shares, VARIANCE)) + 1, MOST_COMPONENTS, len(singular))
    basis = vectors[:k]
    values = (both - centre) @ basis.T
    spread = values.std(axis=0)
    values = values / spread
    processes = tuple(fit(curves.units, values[:, i]) for i in range(k))
    posterior = Posterior.of(curves.units, values, processes)
    means = np.stack([posterior.values[:, i] - p.noise**2 * posterior.weights[i] for i, p in enumerate(processes)], axis=1)
    corrected = (values - means) / np.sqrt(np.maximum(1 - posterior.leverages.T, 1e-3))
    residuals = both - centre - values * spread @ basis + corrected * spread @ basis
    residuals -= residuals.mean(axis=0)
    noise, repeated = float(residuals[:, -1].std(ddof=1)), repetition_noise(curves, both)
    if repeated is not None:
        residuals *= min(1.0, repeated / noise)
    predicted = (centre + means * spread @ basis)[:, curves.validation.shape[1] - 1]
    order = np.argsort(predicted, kind="stable")
    return Fit(
        curves=curves,
        posterior=posterior,
        centre=centre,
        basis=basis,
        spread=spread,
        residuals=residuals,
        order=order,
        ranked=predicted[order],
        noise_sd=noise,
        repeated_sd=repeated,
    )


def repetition_noise(curves: Curves, both: Floats) -> float | None:
    """Sd of the last test score over repetitions of one configuration, or None with too few of them to say."""
    total, freedom = 0.0, 0
    for group in np.unique(curves.groups):
        members = both[curves.groups == group, -1]
        total += float(np.square(members - members.mean()).sum())
        freedom += len(members) - 1
    return float(np.sqrt(total / freedom)) if freedom >= FEWEST_REPETITIONS else None


class Surrogate(World):
    """fitted: made once from the table; seed: of a function drawn from the posterior, None for its mean."""

    posterior = True

    def __init__(self, table: Table, fitted: Fit | None = None, seed: int | None = None) -> None:
        self.table = in_virtual_time(table)
        self.fit = fitted or fit_curves(curves_of(self.table))
        self._function = Function(self.fit.posterior) if seed is None else _drawn(self.fit, np.random.default_rng([seed, 4]))
        self._duration, self._failures = Duration(self.fit.curves), Failures(self.table)
        recorded = self.fit.curves.both
        self._bounds = (0.0, 1.0) if recorded.min() >= 0 and recorded.max() <= 1 else (-np.inf, np.inf)
        self._expected: dict[tuple[object, ...], tuple[Floats, Floats]] = {}

    def redrawn(self, seed: int) -> Surrogate:
        return Surrogate(self.table, self.fit, seed)

    def replay(self, seed: int) -> SurrogateReplay:
        return SurrogateReplay(self, seed)

    def expected(self, point: Point) -> tuple[Floats, Floats]:
        """(unit coordinates, scores without luck: validation and test side by side, shape (2 points,))."""
        key = tuple(point.values())
        if key not in self._expected:
            if len(self._expected) >= CACHED:
                self._expected.clear()
            x = unit_point(self.table.space, point)
            self._expected[key] = x, self.fit.centre + self._function(x) * self.fit.spread @ self.fit.basis
        return self._expected[key]

    def curve(self, point: Point, luck: list[float]) -> Curve:
        """luck: see Luck."""
        x, scores = self.expected(point)
        length, points = self.length_of(point), self.table.longest
        donor = self._donor(scores[points - 1], luck[0])
        scores = np.minimum(np.maximum(scores + self.fit.residuals[donor], self._bounds[0]), self._bounds[1])
        failed = self._failures.draw(x, luck[1])
        length = length if failed is None else min(failed[0], length - 1)
        return Curve(
            validation=scores[:length].tolist(),
            test=scores[points : points + length].tolist(),
            train_seconds=self._duration.train_seconds(x, donor)[:length].tolist(),
            evaluate_seconds=[self._duration.evaluate] * length,
            test_seconds=[self._duration.test] * length,
            row=int(self.fit.curves.rows[donor]),
            failed=failed is not None,
            failing_seconds=0.0 if failed is None else failed[1],
        )

    def _donor(self, score: float, luck: float) -> int:
        n = len(self.fit.order)
        count = min(n, max(FEWEST_DONORS, round(DONOR_SHARE * n)))
        first = int(np.searchsorted(self.fit.ranked, score)) - count // 2
        first = min(max(first, 0), n - count)
        return int(self.fit.order[first + int(luck * count)])


def _drawn(fitted: Fit, rng: np.random.Generator) -> Function:
    """From the posterior: hyperparameters first, then a function."""
    known = fitted.posterior
    processes = tuple(sampled(p, known.units, known.values[:, i], rng) for i, p in enumerate(known.processes))
    return Function(Posterior.of(known.units, known.values, processes), rng)


class SurrogateReplay(Replay):
    def __init__(self, world: Surrogate, seed: int) -> None:
        self._world, self._luck, self.space = world, Luck(seed), world.table.space

    def curve(self, number: int, point: Point) -> Curve:
        return self._world.curve(point, self._luck(number))
