"""Searches for tests, made of names and knobs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tuneoff.algorithms.configuration import AlgorithmConfig
from tuneoff.algorithms.conformance import DEFAULTS, MIXED, context, score
from tuneoff.algorithms.contracts import Point, SearchContext
from tuneoff.algorithms.rehearsal import Started, rehearse
from tuneoff.algorithms.search import Search, build

__all__ = ["DEFAULTS", "MIXED", "algorithm", "context", "proposals", "score", "search"]


def algorithm(
    searcher: str = "random",
    scheduler: str = "none",
    trials: int | None = 8,
    searcher_knobs: Mapping[str, Any] | None = None,
    scheduler_knobs: Mapping[str, Any] | None = None,
) -> AlgorithmConfig:
    return AlgorithmConfig.from_dict(
        {
            "name": "test",
            "trials": trials,
            "searcher": {"name": searcher, **(searcher_knobs or {})},
            "scheduler": {"name": scheduler, **(scheduler_knobs or {})},
        }
    )


def search(
    searcher: str = "random",
    scheduler: str = "none",
    trials: int | None = 8,
    *,
    where: SearchContext | None = None,
    searcher_knobs: Mapping[str, Any] | None = None,
    scheduler_knobs: Mapping[str, Any] | None = None,
) -> Search:
    return build(algorithm(searcher, scheduler, trials, searcher_knobs, scheduler_knobs), where or context())


def proposals(made: Search, slots: int = 2, rounds: int = 10_000) -> list[Point]:
    """The points of a whole search, or of its first rounds."""
    return [event.point for event in rehearse(made, score=score, slots=slots, rounds=rounds) if isinstance(event, Started)]
