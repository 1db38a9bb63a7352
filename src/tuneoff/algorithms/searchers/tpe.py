"""Tree-structured Parzen estimator (hyperopt).

On hyperopt itself and not through Ray's `HyperOptSearch`, which raises at a trial without a score, starts with 20
random points unless told otherwise, and rounds whole numbers so that the ends of a range come half as often.
"""

from __future__ import annotations

from dataclasses import dataclass

from tuneoff.algorithms.contracts import History, Point, SearchContext
from tuneoff.algorithms.model_searcher import ModelSearcher
from tuneoff.algorithms.settings import require
from tuneoff.space import SearchSpace


@dataclass(frozen=True, kw_only=True)
class Settings:
    initial_points: int | None = None
    """Random trials before the model is asked (hyperopt's own default is 20); null: one more than there are
    hyperparameters, at least 4, at most half of the trials."""
    gamma: float = 0.25
    """ceil(gamma x sqrt(trials observed)) of them count as good."""
    candidates: int = 24
    """Points drawn from the model of the good ones, of which the likeliest to be good is proposed."""
    prior_weight: float = 1.0
    """Weight of the space's own distribution beside the observations; more explores more."""

    def __post_init__(self) -> None:
        require(
            self.initial_points is None or self.initial_points >= 1,
            "searcher.initial_points",
            self.initial_points,
            ">= 1, or null",
        )
        require(0 < self.gamma <= 1, "searcher.gamma", self.gamma, "above 0 and at most 1")
        require(self.candidates >= 1, "searcher.candidates", self.candidates, ">= 1")
        require(self.prior_weight > 0, "searcher.prior_weight", self.prior_weight, "above 0")


class TreeParzen(ModelSearcher):
    """Proposes where good points are dense and bad ones are not."""

    knobs = Settings

    def __init__(self, space: SearchSpace, trials: int, settings: Settings) -> None:
        from tuneoff.algorithms.searchers._tree_parzen import TreeParzenModel  # slow to import: not for reading a configuration

        super().__init__(space, trials, settings.initial_points)
        self._model = TreeParzenModel(space, settings)

    @classmethod
    def build(cls, settings: Settings, context: SearchContext, trials: int | None) -> TreeParzen:
        assert trials is not None
        return cls(context.space, trials, settings)

    def suggest(self, history: History, seed: int) -> Point:
        return self._model.suggest(history, seed)
