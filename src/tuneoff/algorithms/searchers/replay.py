"""The winner of a recorded search, trained again from scratch on new seeds: its configuration, or its whole schedule."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tuneoff.algorithms.contracts import History, Point, SearchContext, Searcher
from tuneoff.algorithms.settings import AlgorithmError, require
from tuneoff.records.recipe import Schedule, schedule_of
from tuneoff.records.store import HEADER_FILE, load_cell


@dataclass(frozen=True, kw_only=True)
class Settings:
    source: str
    """Folder of the recorded search, as its summary names it: results/STUDY/TASK-MODEL/pbt/repeat-0."""

    def __post_init__(self) -> None:
        require(
            (Path(self.source) / HEADER_FILE).is_file(),
            "searcher.source",
            self.source,
            f"the folder of a recorded search, with {HEADER_FILE} in it",
            "the search's summary names it",
        )


class Replay(Searcher):
    """Every trial follows the schedule; the point only says where that ends."""

    knobs = Settings
    trials_fixed = True

    def __init__(self, schedule: Schedule, names: Iterable[str], trials: int) -> None:
        super().__init__(trials)
        self._schedule = schedule
        last = schedule.segments[-1].hparams
        self._point: dict[str, Any] = {name: last[name] for name in names}

    @classmethod
    def build(cls, settings: Settings, context: SearchContext, trials: int | None) -> Replay:
        """Raises AlgorithmError where the recorded search has no winner."""
        try:
            schedule = schedule_of(load_cell(Path(settings.source)))
        except LookupError as error:
            raise AlgorithmError(
                f"algorithm.searcher.source is {settings.source!r}, but that search has no evaluation yet: let it finish first"
            ) from error
        return cls(schedule, context.space.domains, trials or 1)

    @property
    def schedule(self) -> Schedule:
        """The hyperparameters that the winner of the recorded search was trained with."""
        return self._schedule

    def propose(self, history: History, rng: np.random.Generator) -> Point | None:  # noqa: ARG002
        return self._point if len(history.tried) < self.num_trials else None
