"""Trials get names in the order in which they are proposed, so that records and seeds are the same every time.

Between Ray Tune and a searcher: names (t000, t001, ...) for Ray's random ids, unfinished trials of an earlier session
before new ones, and no proposal that the budget does not allow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ray.tune.search import Searcher

from tuneoff.execution.messages import TRIAL


class NumberingSearcher(Searcher):  # type: ignore[misc]
    """unfinished: (name, configuration) of trials to go on with. first: number of the first new trial.

    may_start: whether the budget allows for a trial of this name with this configuration. proposed: is told of each new
    trial before Ray is.
    """

    def __init__(
        self,
        inner: Searcher,
        *,
        unfinished: Sequence[tuple[str, Mapping[str, Any]]] = (),
        first: int = 0,
        prefix: str = "t",
        may_start: Callable[[str, Mapping[str, Any]], bool] = lambda *_: True,
        proposed: Callable[[str, Mapping[str, Any]], None] = lambda *_: None,
    ) -> None:
        super().__init__()
        self.inner = inner
        self._unfinished = list(unfinished)
        self._next = first
        self._prefix = prefix
        self._may_start, self._proposed = may_start, proposed
        self._names: dict[str, str] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Ray saves searchers for a restore of its own, which is never used: resuming goes by our records."""
        return {}

    def set_search_properties(self, metric: str | None, mode: str | None, config: dict[str, Any], **spec: Any) -> bool:
        return bool(self.inner.set_search_properties(metric, mode, config, **spec))

    def suggest(self, trial_id: str) -> Any:
        if self._unfinished:
            name, point = self._unfinished.pop(0)
            self._names[trial_id] = name
            self._may_start(name, point)
            return {**point, TRIAL: name}
        name = f"{self._prefix}{self._next:03d}"
        proposal = self.inner.suggest(name)
        if not isinstance(proposal, dict):
            return proposal
        if not self._may_start(name, proposal):
            self.inner.on_trial_complete(name, error=True)
            return Searcher.FINISHED
        self._next += 1
        self._names[trial_id] = name
        self._proposed(name, proposal)
        return {**proposal, TRIAL: name}

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        self.inner.on_trial_result(self._names[trial_id], result)

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        self.inner.on_trial_complete(self._names[trial_id], result, error)

    def save(self, checkpoint_path: str) -> None:
        """Nothing: see __getstate__."""

    def restore(self, checkpoint_path: str) -> None:
        raise NotImplementedError("a search is resumed from its records, not by Ray")
