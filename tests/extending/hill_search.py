"""A searcher from outside the repository: draws one value of the best point anew."""

from dataclasses import dataclass

from tuneoff.algorithms.contracts import Searcher
from tuneoff.plugins import register


@dataclass(frozen=True, kw_only=True)
class Knobs:
    random_points: int = 4  # independent draws before there is a best one


@register("searcher", "hill")
class Hill(Searcher):
    knobs = Knobs
    learns = True  # scores change what it proposes

    def __init__(self, space, trials, random_points):
        super().__init__(trials)
        self.space, self.random_points = space, random_points

    @classmethod
    def build(cls, settings, context, trials):
        return cls(context.space, trials, settings.random_points)

    def propose(self, history, rng):
        drawn = self.space.sample(rng)
        if len(history.observed) < self.random_points:
            return drawn
        best, _ = max(history.observed, key=lambda seen: seen[1])
        name = str(rng.choice(list(best)))
        return {**best, name: drawn[name]}
