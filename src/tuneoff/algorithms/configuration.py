"""An algorithm's configuration: which searcher and scheduler, with which knobs. Checked without importing what they run on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from tuneoff.algorithms.contracts import Scheduler, Searcher
from tuneoff.algorithms.discovery import find_scheduler, find_searcher
from tuneoff.algorithms.presentation import PRESENTATION_KEYS, Presentation
from tuneoff.algorithms.settings import AlgorithmError, make_settings, nearest, require, whole
from tuneoff.errors import check_mapping, check_name

KEYS = ("name", "trials", "searcher", "scheduler", *PRESENTATION_KEYS)
P = TypeVar("P", Searcher, Scheduler)


@dataclass(frozen=True, kw_only=True)
class Part(Generic[P]):
    """A searcher or a scheduler: its name, its class, and an instance of that class's settings."""

    name: str
    kind: type[P]
    settings: Any


@dataclass(frozen=True, kw_only=True)
class AlgorithmConfig:
    """A searcher and a scheduler. `trials` may be null where the searcher has a size of its own (grid)."""

    name: str
    trials: int | None
    searcher: Part[Searcher]
    scheduler: Part[Scheduler]
    presentation: Presentation = field(default_factory=Presentation)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> AlgorithmConfig:
        """Makes it from plain values. Raises UserError where one is unknown, missing or breaks a rule."""
        check_mapping("algorithm", values, "algorithm=pbt", AlgorithmError)
        for key in values:
            if key not in KEYS:
                raise AlgorithmError(
                    f"algorithm.{key} does not exist{nearest(key, KEYS)}; "
                    f"there are {', '.join(KEYS)}: correct the name or leave the setting out"
                )
        for key in ("name", "searcher", "scheduler"):
            require(values.get(key) is not None, key, values.get(key), "given", "see conf/algorithm/ for examples")
        check_name("algorithm.name", values["name"], AlgorithmError)
        name, knobs = _name_and_knobs("searcher", values["searcher"])
        searcher = find_searcher(name)
        searching = Part(name=name, kind=searcher, settings=make_settings(searcher.knobs, knobs, "searcher"))
        trials = _trials(values.get("trials"), name, searcher)
        name, knobs = _name_and_knobs("scheduler", values["scheduler"])
        scheduler = find_scheduler(name)
        scheduling = Part(name=name, kind=scheduler, settings=make_settings(scheduler.knobs, knobs, "scheduler"))
        return cls(
            name=values["name"],
            trials=trials,
            searcher=searching,
            scheduler=scheduling,
            presentation=Presentation.from_dict(values),
        )


def _trials(value: Any, name: str, searcher: type[Searcher]) -> int | None:
    if value is None:
        require(
            searcher.trials_optional,
            "trials",
            value,
            "a whole number >= 1",
            f"say how many trials the {name} searcher may start, for example algorithm.trials=16",
        )
        return None
    trials = whole(value, "trials")
    require(trials >= 1, "trials", trials, ">= 1")
    return trials


def _name_and_knobs(kind: str, values: Any) -> tuple[str, dict[str, Any]]:
    if not isinstance(values, Mapping) or not isinstance(values.get("name"), str):
        raise AlgorithmError(
            f"algorithm.{kind} is {values!r}, but it must be a mapping with a name, "
            f"for example {{name: {'random' if kind == 'searcher' else 'none'}}}"
        )
    return values["name"], {str(key): value for key, value in values.items() if key != "name"}
