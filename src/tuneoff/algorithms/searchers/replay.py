"""The winner of a recorded search, trained again from scratch on new seeds: its configuration, or its whole schedule."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tuneoff.algorithms.base import SearchContext
from tuneoff.algorithms.proposer import History, Point, Proposer
from tuneoff.algorithms.settings import AlgorithmError, require
from tuneoff.records.recipe import Schedule, schedule_of
from tuneoff.records.store import HEADER_FILE, load_cell

TRIALS_FIXED = True


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


class Replay(Proposer):
    """Every trial follows the schedule; the point only says where that ends."""

    def __init__(self, point: Point, trials: int) -> None:
        super().__init__(trials)
        self._point = point

    def propose(self, history: History, rng: np.random.Generator) -> Point | None:  # noqa: ARG002
        return self._point if len(history.tried) < self.num_trials else None


def build(settings: Settings, context: SearchContext, trials: int | None) -> Replay:
    last = schedule(settings).segments[-1].hparams
    point: dict[str, Any] = {name: last[name] for name in context.space.domains}
    return Replay(point, trials or 1)


def schedule(settings: Settings) -> Schedule:
    """What the winner of the recorded search was trained with. AlgorithmError where it has no winner."""
    try:
        return schedule_of(load_cell(Path(settings.source)))
    except LookupError as error:
        raise AlgorithmError(
            f"algorithm.searcher.source is {settings.source!r}, but that search has no evaluation yet: let it finish first"
        ) from error
