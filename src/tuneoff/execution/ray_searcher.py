"""Our searches as a Ray Tune `Searcher`.

Trials get names (t000, t001, ...) in the order in which they are proposed, instead of Ray's random ids, so that records and
seeds are the same every time. Unfinished trials of an earlier session come before new ones, and no proposal is started that
the budget does not allow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ray.tune.search import Searcher

from tuneoff.algorithms.contracts import Point
from tuneoff.algorithms.search import Search
from tuneoff.budget import MayStart
from tuneoff.execution.messages import MESSAGE, MODE, SCORE, TIME, TRIAL, Ended, Evaluated
from tuneoff.records.history import UnfinishedTrial
from tuneoff.records.schema import DIVERGED, FAILED


class RaySearcher(Searcher):  # type: ignore[misc]
    """unfinished: trials of an earlier session, known to the search, that go on. first: number of the first new trial.
    proposed: called with each new trial before Ray is given it.

    A proposal that the budget refuses is made again once another trial has ended, which can return part of its budget. In a
    population, whose members are alive together, a refusal ends the proposals.
    """

    def __init__(
        self,
        search: Search,
        *,
        unfinished: Sequence[UnfinishedTrial] = (),
        first: int = 0,
        prefix: str = "t",
        may_start: MayStart = lambda *_: True,
        proposed: Callable[[str, Point], None] = lambda *_: None,
    ) -> None:
        super().__init__()
        self.search = search
        self._unfinished = list(unfinished)
        self._next = first
        self._prefix = prefix
        self._may_start, self._proposed = may_start, proposed
        self._names: dict[str, str] = {}
        self._refused = False

    def __getstate__(self) -> dict[str, Any]:
        """Ray saves searchers for a restore of its own, which is never used: we resume from our records."""
        return {}

    @property
    def metric(self) -> None:
        """None: Ray refuses any result without its metric, and the last result of a diverged trial has no score."""
        return

    def set_search_properties(self, metric: str | None, mode: str | None, config: dict[str, Any], **spec: Any) -> bool:  # noqa: ARG002
        """Whether the metric and mode given to `TuneConfig` are the ones that we use anyway."""
        return metric in (None, SCORE) and mode in (None, MODE)

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        """A configuration, None (ask again later) or FINISHED.

        With a population only when all trials have ended: Ray stops reusing workers once it has got all of its samples.
        """
        if self._unfinished:
            trial = self._unfinished.pop(0)
            self._may_start(trial.name, trial.hparams, trial.epochs_trained)
            return self._configuration(trial_id, trial.name, trial.hparams)
        point = None if self._refused else self.search.propose()
        name = f"{self._prefix}{self._next:03d}"
        if point is not None and self._may_start(name, point, 0.0):
            self._next += 1
            self.search.adopt(name, point)
            self._proposed(name, point)
            return self._configuration(trial_id, name, point)
        if point is not None:
            self._refuse()
        waiting = self.search.pending and (not self.search.exhausted or self.search.population)
        return None if waiting else str(Searcher.FINISHED)

    def _refuse(self) -> None:
        self._refused = True
        if self.search.population or not self.search.pending:
            self.search.close()

    def _configuration(self, trial_id: str, name: str, point: Point) -> dict[str, Any]:
        self._names[trial_id] = name
        return {**point, TRIAL: name}

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Does nothing: Ray has shown the result to the scheduler, which tells the same search."""

    def on_trial_complete(self, trial_id: str, result: Mapping[str, Any] | None = None, error: bool = False) -> None:
        """Tells the search of a trial's last result, which Ray shows to no scheduler, and of its end."""
        name, last = self._names[trial_id], result or {}
        message = last.get(MESSAGE)
        if isinstance(message, Evaluated) and message.done:
            self.search.report(name, clock=last[TIME], score=message.score, done=True)
        failed = error or (isinstance(message, Ended) and message.status in (DIVERGED, FAILED))
        self.search.end(name, scored=not failed)
        self._refused = False

    def save(self, checkpoint_path: str) -> None:
        """Does nothing: see __getstate__."""

    def restore(self, checkpoint_path: str) -> None:
        raise NotImplementedError("a search is resumed from its records, not by Ray")
