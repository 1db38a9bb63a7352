"""The model behind `gp`: bayesian-optimization over the unit cube.

Every domain is mapped to [0, 1] on its own scale (log for a log domain), because bayes_opt's kernel has one length
scale for all dimensions; text becomes a one-hot block. Whole numbers and ordered choices are snapped to the middle of
their share inside the kernel, so that the model sees what would be trained (Garrido-Merchan and Hernandez-Lobato
2018, arXiv 1805.03463).
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from typing import Any

import numpy as np
from bayes_opt import BayesianOptimization, acquisition
from bayes_opt.parameter import BayesParameter, CategoricalParameter

from tuneoff.algorithms.contracts import History, Point
from tuneoff.algorithms.model_searcher import untried
from tuneoff.algorithms.searchers.gp import Settings
from tuneoff.space import Choice, Domain, Float, SearchSpace, Value

MAX_LISTED = 10_000
"""A countable space of so many points is searched by listing it."""


class UnitParameter(BayesParameter):  # type: ignore[misc]
    """A number as its position in [0, 1]. Called continuous throughout, also where the kernel snaps it.

    bayes_opt searches the acquisition with differential evolution where a parameter is not continuous: ten times
    slower, and an error where it doesn't converge. Its 10,000 random points find the discrete part as well.
    """

    is_continuous = True
    dim = 1

    def __init__(self, name: str, domain: Domain) -> None:
        super().__init__(name, np.array([0.0, 1.0]))
        self.domain = domain

    def to_float(self, value: Value) -> float:
        return self.domain.to_unit(value)

    def to_param(self, value: Any) -> Value:
        return self.domain.from_unit(float(np.squeeze(value)))

    def kernel_transform(self, value: Any) -> Any:
        """value: array of shape (points, 1)."""
        if isinstance(self.domain, Float):
            return value
        snapped = [self.domain.to_unit(self.domain.from_unit(float(unit))) for unit in value.ravel()]
        return np.array(snapped).reshape(value.shape)


class TextParameter(CategoricalParameter):  # type: ignore[misc]
    """One-hot, searched like `UnitParameter`; bayes_opt's kernel takes the largest of the block."""

    is_continuous = True


class GaussianProcessModel:
    def __init__(self, space: SearchSpace, settings: Settings) -> None:
        self.space, self.settings = space, settings
        self.fixed = {
            name: domain.values[0]
            for name, domain in space.domains.items()
            if isinstance(domain, Choice) and len(domain.values) == 1
        }

    def suggest(self, history: History, seed: int) -> Point:
        """A new optimiser is made for each proposal, so lies about running trials go no further."""
        optimizer = self._optimizer(seed)
        for point, score in self._with_lies(history):
            optimizer.space.register(point, score)
        size = self.space.size()
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            if size is not None and size <= MAX_LISTED:
                return self._best_untried(optimizer, history)
            free = optimizer.suggest()
        return {name: self.fixed.get(name, free.get(name)) for name in self.space.domains}

    def _best_untried(self, optimizer: Any, history: History) -> Point:
        """The untried point where the acquisition is largest: bayes_opt would propose a tried one again and again."""
        points = untried(self.space, history)
        free = [{name: value for name, value in point.items() if name not in self.fixed} for point in points]
        mean, std = optimizer.predict(free, return_std=True)
        criterion = optimizer.acquisition_function
        criterion.y_max = optimizer.space.target.max()
        return points[int(np.argmax(criterion.base_acq(mean, std)))]

    def _optimizer(self, seed: int) -> Any:
        bounds = {name: _parameter(name, domain) for name, domain in self.space.domains.items() if name not in self.fixed}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # bayes_opt calls any parameter that is not a float experimental
            optimizer = BayesianOptimization(
                None, bounds, acquisition_function=self._acquisition(), random_state=np.random.RandomState(seed), verbose=0
            )
        optimizer.set_gp_params(alpha=self.settings.noise)
        return optimizer

    def _acquisition(self) -> Any:
        if self.settings.acquisition == "ei":
            return acquisition.ExpectedImprovement(xi=self.settings.xi)
        return acquisition.UpperConfidenceBound(kappa=self.settings.kappa)

    def _with_lies(self, history: History) -> list[tuple[Point, float]]:
        """Observed points and scores, repeats averaged, then running trials' points with the lie as their score."""
        scores: dict[tuple[Value, ...], list[float]] = defaultdict(list)
        for point, score in history.observed:
            scores[self._free(point)].append(score)
        rows = {key: float(np.mean(values)) for key, values in scores.items()}
        lie = float(getattr(np, self.settings.lie)(list(rows.values())))
        rows = {**{self._free(point): lie for point in history.pending}, **rows}
        names = [name for name in self.space.domains if name not in self.fixed]
        return [(dict(zip(names, key, strict=True)), score) for key, score in rows.items()]

    def _free(self, point: Point) -> tuple[Value, ...]:
        return tuple(point[name] for name in self.space.domains if name not in self.fixed)


def _parameter(name: str, domain: Domain) -> Any:
    if isinstance(domain, Choice) and not domain.ordered:
        return TextParameter(name, list(domain.values))
    return UnitParameter(name, domain)
