"""A search: a searcher, a scheduler and the events that they have seen. It is asked for points and told results. Knows neither
Ray nor torch.

Used by the Ray adapters, by a resume (which tells it the log again) and by a replay of recorded curves.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

from tuneoff.algorithms.configuration import AlgorithmConfig
from tuneoff.algorithms.contracts import (
    SEARCHER_STREAM,
    Continue,
    Copy,
    Decision,
    History,
    Point,
    Report,
    Scheduler,
    SearchContext,
    Searcher,
)
from tuneoff.records.recipe import Schedule


class Search:
    """Ask it for points; tell it evaluations and ends of trials.

    A trial's score is the best that it reported: that is what a trial is worth to a search whose result is the best evaluation
    of any trial. A trial stopped early gives the score that it had: lower than it might have become, but it was stopped for
    being among the worst. A trial that failed, or whose last score isn't finite, gives none.

    A searcher that learns has at most `slots` trials running: a caller may ask before a slot is free, and a model would then
    propose without the newest score.
    """

    def __init__(self, searcher: Searcher, scheduler: Scheduler, context: SearchContext) -> None:
        self.searcher, self.scheduler = searcher, scheduler
        self._generator = context.generators(SEARCHER_STREAM)
        self._limit = context.slots if searcher.learns and not scheduler.population else None
        self._closed = False
        self._tried: list[Point] = []
        self._pending: dict[str, Point] = {}
        self._hparams: dict[str, Point] = {}
        self._best: dict[str, float] = {}
        self._last: dict[str, float] = {}
        self._observed: list[tuple[Point, float]] = []

    @property
    def num_trials(self) -> int:
        """The most trials that it starts."""
        return self.searcher.num_trials

    @property
    def population(self) -> bool:
        return self.scheduler.population

    @property
    def stops_early(self) -> bool:
        return self.scheduler.stops_early

    @property
    def whole_trials(self) -> bool:
        """Whether a trial, once started, is trained to its end: then a budget is reserved for all of it."""
        return not self.population and not self.stops_early

    @property
    def resume(self) -> str:
        """How a trial goes on from a checkpoint, one of RESUME."""
        return self.scheduler.resume

    @property
    def schedule(self) -> Schedule | None:
        """The schedule that every trial follows instead of its point; None where there is none."""
        return self.searcher.schedule

    @property
    def history(self) -> History:
        return History(tried=tuple(self._tried), pending=tuple(self._pending.values()), observed=tuple(self._observed))

    @property
    def pending(self) -> Collection[str]:
        """Names of the trials that were proposed and have not ended, in order of their proposal."""
        return self._pending.keys()

    @property
    def exhausted(self) -> bool:
        """Whether nothing will be proposed any more."""
        return self._closed or len(self._tried) >= self.num_trials

    def hparams(self, trial_id: str) -> Point:
        """The space's hyperparameters under which a pending trial goes on: its point, or those of its last copy."""
        return self._hparams[trial_id]

    def ask(self, trial_id: str) -> Point | None:
        """Returns a point for a trial of this name; None where there is none now, and never again if `exhausted`."""
        point = self.propose()
        if point is not None:
            self.adopt(trial_id, point)
        return point

    def propose(self) -> Point | None:
        """As `ask`, but the point does not count as tried: it is proposed again until it is adopted."""
        if self.exhausted or (self._limit is not None and len(self._pending) >= self._limit):
            return None
        point = self.searcher.propose(self.history, self._generator(len(self._tried)))
        if point is None:
            self.close()
        return point

    def adopt(self, trial_id: str, point: Point) -> None:
        """Counts `point` as proposed, by this search or, on a resume, in an earlier session."""
        self._tried.append(dict(point))
        self._pending[trial_id] = self._hparams[trial_id] = dict(point)
        self.scheduler.add(trial_id, dict(point))

    def close(self) -> None:
        """Proposes nothing any more, because a budget is spent or the searcher has nothing left."""
        self._closed = True
        self.scheduler.close()

    def report(self, trial_id: str, *, clock: int, score: float, done: bool = False, hparams: Point | None = None) -> Decision:
        """Returns the decision on an evaluation; see Report. hparams: those in force, where the decisions so far may not
        tell them."""
        if hparams is not None:
            self._hparams[trial_id] = dict(hparams)
        self._last[trial_id] = score
        if math.isfinite(score):
            self._best[trial_id] = max(score, self._best.get(trial_id, score))
        decision = self.scheduler.report(
            Report(trial_id=trial_id, clock=clock, score=score, hparams=self._hparams[trial_id], done=done)
        )
        if isinstance(decision, Copy):
            self._hparams[trial_id] = dict(decision.hparams)
        return decision

    def release(self) -> Mapping[str, Continue | Copy]:
        """The trials that waited and may go on. To be asked after every report and end of a population."""
        released = self.scheduler.release()
        for trial_id, decision in released.items():
            if isinstance(decision, Copy):
                self._hparams[trial_id] = dict(decision.hparams)
        return released

    def end(self, trial_id: str, *, scored: bool) -> None:
        """A trial ended. scored: it was completed or stopped, neither failed nor diverged. Unknown names change nothing."""
        point = self._pending.pop(trial_id, None)
        if point is None:
            return
        best, last = self._best.pop(trial_id, None), self._last.pop(trial_id, math.nan)
        self._hparams.pop(trial_id)
        if scored and best is not None and math.isfinite(last):
            self._observed.append((point, best))
        self.scheduler.end(trial_id)

    def rewind(self, trial_id: str, clock: int, hparams: Point) -> None:
        """Weights of a pending trial were lost: it goes on from those after `clock` evaluations, under `hparams`."""
        self._hparams[trial_id] = dict(hparams)
        self.scheduler.rewind(trial_id, clock)


def build(algorithm: AlgorithmConfig, context: SearchContext) -> Search:
    """A search that begins. Raises AlgorithmError where a setting does not fit the context."""
    searcher = algorithm.searcher.kind.build(algorithm.searcher.settings, context, algorithm.trials)
    scheduler = algorithm.scheduler.kind.build(algorithm.scheduler.settings, context, searcher.num_trials)
    return Search(searcher, scheduler, context)
