"""Trials get numbers in the order in which they are proposed: names in records, and seeds, are the same every time."""

from __future__ import annotations

from typing import Any

from ray.tune.search import Searcher

from tuneoff.trial import TRIAL


class NumberingSearcher(Searcher):  # type: ignore[misc]
    """Hands everything on to `inner` and adds `TRIAL` (t000, t001, ...) to each configuration."""

    def __init__(self, inner: Searcher) -> None:
        super().__init__()
        self.inner = inner
        self._count = 0

    def set_search_properties(self, metric: str | None, mode: str | None, config: dict[str, Any], **spec: Any) -> bool:
        return bool(self.inner.set_search_properties(metric, mode, config, **spec))

    def suggest(self, trial_id: str) -> Any:
        proposal = self.inner.suggest(trial_id)
        if not isinstance(proposal, dict):
            return proposal
        name = f"t{self._count:03d}"
        self._count += 1
        return {**proposal, TRIAL: name}

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        self.inner.on_trial_result(trial_id, result)

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        self.inner.on_trial_complete(trial_id, result, error)

    def save(self, checkpoint_path: str) -> None:
        self.inner.save(checkpoint_path)

    def restore(self, checkpoint_path: str) -> None:
        self.inner.restore(checkpoint_path)
