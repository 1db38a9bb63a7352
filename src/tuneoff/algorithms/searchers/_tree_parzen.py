"""The model behind `tpe`: hyperopt's estimator, given the history afresh for every proposal.

hyperopt's own functions are called one hyperparameter after the other, in the order of its expression graph and with its one
generator: the same proposals as from `hyperopt.tpe.suggest`, which builds and walks that graph for each, ten times as slow.
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np
from hyperopt import tpe
from hyperopt.pyll.stochastic import categorical
from numpy.typing import NDArray

from tuneoff.algorithms.contracts import History, Point
from tuneoff.algorithms.searchers.tpe import Settings
from tuneoff.space import Choice, Domain, Float, SearchSpace, Value

Array: TypeAlias = NDArray[Any]


class TreeParzenModel:
    """Running trials count among the bad ones, without a score (hyperopt's own rule), which keeps parallel proposals apart."""

    def __init__(self, space: SearchSpace, settings: Settings) -> None:
        self.space, self.settings = space, settings
        self._order = sorted(space.domains, reverse=True)

    def suggest(self, history: History, seed: int) -> Point:
        rng = np.random.default_rng(seed)
        losses = np.array([-score for _, score in history.observed] + [math.inf] * len(history.pending))
        points = [point for point, _ in history.observed] + list(history.pending)
        count = min(math.ceil(self.settings.gamma * math.sqrt(len(losses))), tpe.DEFAULT_LF)
        good = set(np.argsort(losses)[:count].tolist())
        found: dict[str, Value] = {}
        for name in self._order:
            domain = self.space.domains[name]
            labels = [_to_label(domain, point[name]) for point in points]
            below = np.array([label for i, label in enumerate(labels) if i in good])
            above = np.array([label for i, label in enumerate(labels) if i not in good])
            found[name] = _from_label(domain, self._best(domain, below, above, rng))
        return {name: found[name] for name in self.space.domains}

    def _best(self, domain: Domain, below: Array, above: Array, rng: np.random.Generator) -> Any:
        """Of the candidates drawn from the model of the good ones, the likeliest to be good: a label."""
        size, weight = (self.settings.candidates,), float(self.settings.prior_weight)
        if isinstance(domain, Choice) and not domain.ordered:
            likely, unlikely = (_shares(labels, len(domain.values), weight) for labels in (below, above))
            drawn = categorical(likely, rng=rng, size=size)
            return drawn[np.argmax(np.log(likely[drawn]) - np.log(unlikely[drawn]))]
        low, high, log, step = _prior(domain)
        good, bad = (_mixture(labels, weight, low, high, log) for labels in (below, above))
        draw, density = (tpe.LGMM1, tpe.LGMM1_lpdf) if log else (tpe.GMM1, tpe.GMM1_lpdf)
        drawn = draw(*good, low=low, high=high, q=step, rng=rng, size=size)
        gain = density(drawn, *good, low=low, high=high, q=step) - density(drawn, *bad, low=low, high=high, q=step)
        return drawn[np.argmax(gain)]


def _mixture(labels: Array, weight: float, low: float, high: float, log: bool) -> tuple[Array, Array, Array]:
    """Weights, means and sds of the normal components: one at each label, one for the prior; logarithms where `log`."""
    if log:
        labels = np.log(np.maximum(labels, max(tpe.EPS, math.exp(low)))) if labels.size else labels
    made: tuple[Array, Array, Array] = tpe.adaptive_parzen_normal(labels, weight, 0.5 * (high + low), high - low)
    return made


def _shares(positions: Array, count: int, weight: float) -> Array:
    """Of each choice, the latest labels weighing most."""
    weights = tpe.linear_forgetting_weights(len(positions), tpe.DEFAULT_LF)
    counts: Array = np.bincount(positions.astype(int), weights, count) + weight
    shares: Array = counts / counts.sum()
    return shares


def _prior(domain: Domain) -> tuple[float, float, bool, float | None]:
    """Lower and upper end (of the logarithm where `log`), log, and the step of a whole number.

    Whole numbers and positions of ordered choices are quantised over half a unit more at both ends, so that the ends get their
    full share; the caller clips.
    """
    if isinstance(domain, Choice):
        return -0.5, len(domain.values) - 0.5, False, 1
    margin, step = (0.0, None) if isinstance(domain, Float) else (0.5, 1)
    low, high = domain.low - margin, domain.high + margin
    return (math.log(low), math.log(high), True, step) if domain.log else (low, high, False, step)


def _to_label(domain: Domain, value: Value) -> Any:
    """The form in which hyperopt keeps a value: a choice's position, else the value itself."""
    return domain.values.index(value) if isinstance(domain, Choice) else value


def _from_label(domain: Domain, label: Any) -> Value:
    if isinstance(domain, Choice):
        return domain.values[min(max(round(float(label)), 0), len(domain.values) - 1)]
    return domain.clip(float(label))
