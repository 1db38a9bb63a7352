"""Asynchronous successive halving, the stopping variant (Li et al. 2020, arXiv 1810.05934).

A trial that reaches a rung is stopped unless it is among the best 1 / reduction_factor of those that reached it
before. Nothing is paused or promoted later: the first trial at a rung always goes on. Decisions equal those of Ray's
ASHAScheduler on scores that are finite; brackets are drawn from numbered generators instead of numpy's global one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np

from tuneoff.algorithms.contracts import SCHEDULER_STREAM, Continue, Decision, Point, Report, Scheduler, SearchContext, Stop
from tuneoff.algorithms.settings import require


@dataclass(frozen=True, kw_only=True)
class Settings:
    grace_epochs: float = 1.0
    """The first rung, in epochs: no trial is stopped before it."""
    reduction_factor: float = 4.0
    """Rungs lie at grace_epochs x reduction_factor ** k; about 1 / reduction_factor of the trials pass each."""
    brackets: int = 1
    """Bracket s starts at rung s instead of the first; each trial joins one at random, low ones less often."""
    max_epochs: float | None = None
    """No trial runs longer, and rungs are laid up to here; null: the most epochs that a trial can have."""

    def __post_init__(self) -> None:
        require(self.grace_epochs > 0, "scheduler.grace_epochs", self.grace_epochs, "above 0")
        require(self.reduction_factor >= 2, "scheduler.reduction_factor", self.reduction_factor, ">= 2")
        require(self.brackets >= 1, "scheduler.brackets", self.brackets, ">= 1")
        require(
            self.max_epochs is None or self.max_epochs >= self.grace_epochs,
            "scheduler.max_epochs",
            self.max_epochs,
            f">= grace_epochs ({self.grace_epochs:g})",
            "raise it, or lower grace_epochs",
        )


class Bracket:
    """Rungs from the highest to the lowest: (evaluations, score of each trial that reached it)."""

    def __init__(self, *, grace: int, longest: int, factor: float, skipped: int) -> None:
        self._factor = factor
        count = int(np.log(longest / grace) / np.log(factor) - skipped + 1)
        self.rungs: list[tuple[float, dict[str, float]]] = [
            (grace * factor ** (k + skipped), {}) for k in reversed(range(count))
        ]

    def passes(self, trial_id: str, clock: int, score: float) -> bool:
        """Enters the score at the highest rung that the trial reached and was not entered at yet; False below that rung's
        cutoff.

        A trial is never judged twice at one rung.
        """
        for evaluations, scores in self.rungs:
            if clock < evaluations or trial_id in scores:
                continue
            passed = not scores or score >= percentile(scores.values(), 1 - 1 / self._factor)
            scores[trial_id] = score
            return passed
        return True


class Asha(Scheduler):
    """Stops a trial whose score is below the cutoff of the rung that it reaches, or isn't finite, or that is as long as
    allowed."""

    knobs = Settings
    stops_early = True

    def __init__(
        self, *, grace: int, longest: int, factor: float, brackets: int, generator: Callable[[int], np.random.Generator]
    ) -> None:
        self.longest = longest
        self.brackets = [Bracket(grace=grace, longest=longest, factor=factor, skipped=s) for s in range(brackets)]
        self._generator = generator
        self._bracket_of: dict[str, Bracket] = {}

    @classmethod
    def build(cls, settings: Settings, context: SearchContext, num_trials: int) -> Asha:  # noqa: ARG003
        max_epochs = context.max_epochs if settings.max_epochs is None else settings.max_epochs
        require(
            settings.grace_epochs <= max_epochs,
            "scheduler.grace_epochs",
            settings.grace_epochs,
            f"at most the {max_epochs:g} epochs that a trial can have",
            "lower it, or use scheduler.name=none",
        )
        grace = context.evaluations(settings.grace_epochs, "scheduler.grace_epochs")
        longest = context.evaluations(max_epochs, "scheduler.max_epochs")
        rungs = int(math.log(longest / grace) / math.log(settings.reduction_factor) + 1e-9) + 1
        require(
            settings.brackets <= rungs,
            "scheduler.brackets",
            settings.brackets,
            f"at most the {rungs} rungs that {max_epochs:g} epochs have room for",
            "lower it, grace_epochs or reduction_factor",
        )
        return cls(
            grace=grace,
            longest=longest,
            factor=settings.reduction_factor,
            brackets=settings.brackets,
            generator=context.generators(SCHEDULER_STREAM),
        )

    def add(self, trial_id: str, hparams: Point) -> None:  # noqa: ARG002
        """The n-th trial's bracket comes from draw n; brackets of fewer rungs are less likely, by a softmax."""
        if len(self.brackets) == 1:
            self._bracket_of[trial_id] = self.brackets[0]
            return
        rungs = np.array([len(bracket.rungs) for bracket in self.brackets])
        weights = np.exp(rungs - rungs.max())
        rng = self._generator(len(self._bracket_of))
        self._bracket_of[trial_id] = self.brackets[int(rng.choice(len(self.brackets), p=weights / weights.sum()))]

    def bracket(self, trial_id: str) -> int:
        """The number of the trial's bracket."""
        return self.brackets.index(self._bracket_of[trial_id])

    def report(self, report: Report) -> Decision:
        if not math.isfinite(report.score):
            return Stop()
        bracket, seen = self._bracket_of[report.trial_id], (report.trial_id, report.clock, report.score)
        if not report.done and report.clock < self.longest and bracket.passes(*seen):
            return Continue()
        bracket.passes(*seen)  # as in Ray, a last score is entered once more, at what rung is left
        return Stop()


def percentile(values: Collection[float], share: float) -> float:
    """`numpy.percentile` of finite values, bit for bit, at a hundredth of its cost for a few of them."""
    ranked = sorted(values)
    position = (len(ranked) - 1) * (share * 100 / 100)
    below = math.floor(position)
    rest, low, high = position - below, ranked[below], ranked[min(below + 1, len(ranked) - 1)]
    return low + (high - low) * rest if rest < 0.5 else high - (high - low) * (1 - rest)
