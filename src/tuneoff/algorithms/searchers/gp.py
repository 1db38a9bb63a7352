"""Bayesian optimisation with a Gaussian process: the proposals of bayesian-optimization 3.x, computed here."""

from __future__ import annotations

from dataclasses import dataclass

from tuneoff.algorithms.contracts import History, Point, SearchContext
from tuneoff.algorithms.model_searcher import ModelSearcher
from tuneoff.algorithms.settings import require
from tuneoff.space import SearchSpace

ACQUISITIONS = ("ei", "ucb")
LIES = ("min", "mean", "max")


@dataclass(frozen=True, kw_only=True)
class Settings:
    initial_points: int | None = None
    """Random trials before the model is asked; null: one more than there are hyperparameters, at least 4, at most
    half of the trials."""
    acquisition: str = "ei"
    """ei (expected improvement) or ucb (upper confidence bound)."""
    xi: float = 0.01
    """For ei: the improvement asked for beyond the best score, in units of the score; more explores more."""
    kappa: float = 2.576
    """For ucb: how many standard deviations are added to the mean; more explores more."""
    noise: float = 0.01
    """Variance of a score's noise, as a share of the variance of all scores observed."""
    lie: str = "max"
    """The score assumed for a running trial while another is proposed: min, mean or max of the observed scores (constant
    liar, Ginsbourger et al. 2010). Used for that proposal only, never recorded."""

    def __post_init__(self) -> None:
        require(
            self.initial_points is None or self.initial_points >= 1,
            "searcher.initial_points",
            self.initial_points,
            ">= 1, or null",
        )
        require(self.acquisition in ACQUISITIONS, "searcher.acquisition", self.acquisition, f"one of {', '.join(ACQUISITIONS)}")
        require(self.xi >= 0, "searcher.xi", self.xi, ">= 0")
        require(self.kappa >= 0, "searcher.kappa", self.kappa, ">= 0")
        require(self.noise > 0, "searcher.noise", self.noise, "above 0", "1e-6 means no noise")
        require(self.lie in LIES, "searcher.lie", self.lie, f"one of {', '.join(LIES)}")


class GaussianProcess(ModelSearcher):
    """Proposes where a Gaussian process expects most."""

    knobs = Settings

    def __init__(self, space: SearchSpace, trials: int, settings: Settings) -> None:
        from tuneoff.algorithms.searchers._gaussian_process import (
            GaussianProcessModel,
        )  # slow to import: not for reading a configuration

        super().__init__(space, trials, settings.initial_points)
        self._model = GaussianProcessModel(space, settings)

    @classmethod
    def build(cls, settings: Settings, context: SearchContext, trials: int | None) -> GaussianProcess:
        assert trials is not None
        return cls(context.space, trials, settings)

    def suggest(self, history: History, seed: int) -> Point:
        return self._model.suggest(history, seed)
