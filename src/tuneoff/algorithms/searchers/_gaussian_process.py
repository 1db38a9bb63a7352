"""Proposals of a Gaussian process over the unit cube: a fit to the history, then the point that promises most.

Running trials count as having scored the largest observation, for the proposal that is made only. The numbers are those of
bayesian-optimization 3.x, bit for bit; see docs/decisions/gaussian-process.md.
"""

from __future__ import annotations

from collections import defaultdict
from functools import partial

import numpy as np

from tuneoff.algorithms.contracts import History, Point
from tuneoff.algorithms.model_searcher import untried
from tuneoff.algorithms.searchers._acquisition import Criterion, best_row, expected_improvement, upper_confidence_bound
from tuneoff.algorithms.searchers._regression import Regression
from tuneoff.algorithms.searchers._unit_cube import UnitCube
from tuneoff.algorithms.searchers.gp import Settings
from tuneoff.space import Choice, SearchSpace, Value

MAX_LISTED = 10_000
"""A countable space of so many points is searched by listing it."""


class GaussianProcessModel:
    def __init__(self, space: SearchSpace, settings: Settings) -> None:
        self.space, self.settings = space, settings
        self.fixed = {
            name: domain.values[0]
            for name, domain in space.domains.items()
            if isinstance(domain, Choice) and len(domain.values) == 1
        }
        self._names = [name for name in space.domains if name not in self.fixed]
        self._cube = UnitCube([space.domains[name] for name in self._names])
        size = space.size()
        self._listed = size is not None and size <= MAX_LISTED

    def suggest(self, history: History, seed: int) -> Point:
        """Nothing is kept from one proposal to the next, so lies about running trials go no further."""
        random = np.random.RandomState(seed)
        points = self._with_lies(history)
        scores = np.array(list(points.values()))
        criterion = self._criterion(float(scores.max()))
        with np.errstate(all="ignore"):
            rows = self._cube.snap(np.array([self._cube.row(values) for values in points]))
            model = Regression(rows, scores, self.settings.noise, random)
            if self._listed:
                return self._best_untried(model, criterion, history)
            values = self._cube.values(best_row(self._cube, model, criterion, random))
        free = dict(zip(self._names, values, strict=True))
        return {name: self.fixed.get(name, free.get(name)) for name in self.space.domains}

    def _best_untried(self, model: Regression, criterion: Criterion, history: History) -> Point:
        """The untried point that promises most: the maximum over the cube would be a tried one again and again."""
        points = untried(self.space, history)
        rows = self._cube.snap(np.array([self._cube.row(self._free(point)) for point in points]))
        return points[int(np.argmax(criterion(*model.predict(rows))))]

    def _criterion(self, best: float) -> Criterion:
        if self.settings.acquisition == "ei":
            return partial(expected_improvement, best=best, xi=self.settings.xi)
        return partial(upper_confidence_bound, kappa=self.settings.kappa)

    def _with_lies(self, history: History) -> dict[tuple[Value, ...], float]:
        """Scores of the points of running trials, which are lies, then of those observed, repeats averaged."""
        scores: dict[tuple[Value, ...], list[float]] = defaultdict(list)
        for point, score in history.observed:
            scores[self._free(point)].append(score)
        rows = {key: float(np.mean(values)) for key, values in scores.items()}
        lie = float(getattr(np, self.settings.lie)(list(rows.values())))
        return {**{self._free(point): lie for point in history.pending}, **rows}

    def _free(self, point: Point) -> tuple[Value, ...]:
        return tuple(point[name] for name in self._names)
