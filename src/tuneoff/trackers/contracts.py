"""The contract of a tracker, and the typed events that it is given. They follow from the records alone.

The same events may come twice (a feed that was killed before it noted what was sent): a tracker writes them to the same
place with the same steps and times, so that as far as its tool allows nothing appears twice.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

from tuneoff.errors import UserError

Plain: TypeAlias = int | float | str | bool | None
SEARCH, RETRAINING = "search", "retraining"
"""Phases of a trial."""


class TrackerError(UserError):
    """A tracker that is unknown, not installed or wrongly set."""


@dataclass(frozen=True, kw_only=True)
class NoSettings:
    """Of a tracker that has none."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """folder: for what a tool keeps on this machine. study: the name under which its searches stand together."""

    folder: Path
    study: str


@dataclass(frozen=True, kw_only=True)
class Search:
    """name: unique in the study, `<task>-<model>/<algorithm>/repeat-<n>`. settings: the configuration, flat. tags: what it may
    be looked up by. began: Unix time in seconds, as all moments here."""

    study: str
    name: str
    settings: Mapping[str, Plain]
    tags: Mapping[str, str]
    began: float

    @property
    def algorithm(self) -> str:
        return self.tags["algorithm"]


@dataclass(frozen=True, kw_only=True)
class Trial:
    """hparams: those of the space, as proposed. phase: SEARCH or RETRAINING."""

    search: Search
    name: str
    phase: str
    hparams: Mapping[str, Plain]
    began: float

    @property
    def path(self) -> str:
        """Unique in the study."""
        return f"{self.search.name}/{self.name}"


@dataclass(frozen=True, kw_only=True)
class TrialBegan:
    trial: Trial


@dataclass(frozen=True, kw_only=True)
class Evaluated:
    """examples: the progress of the weights, the x of curves. values: scores, cost so far, and hyperparameters that have
    changed in the trial, by names such as validation/accuracy. lineage: copies so far, as `t003 at evaluation 2`."""

    trial: Trial
    evaluation: int
    examples: int
    at: float
    values: Mapping[str, float]
    lineage: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TrialEnded:
    """status: one of records.schema.TRIAL_STATUSES. hparams: all that were in force at its last evaluation. values: the last
    ones, and `best/...`."""

    trial: Trial
    status: str
    reason: str
    hparams: Mapping[str, Plain]
    at: float
    values: Mapping[str, float]
    lineage: tuple[str, ...] = ()

    @property
    def totals(self) -> dict[str, float]:
        """The best scores and the whole cost, by names that no curve has: `total/best/test/accuracy`."""
        return {f"total/{name}": value for name, value in self.values.items() if name.startswith(("best/", "cost/"))}


@dataclass(frozen=True, kw_only=True)
class SearchProgress:
    """The incumbent and the cost after an evaluation. examples: trained by all trials together."""

    search: Search
    evaluation: int
    examples: int
    at: float
    values: Mapping[str, float]


Event: TypeAlias = TrialBegan | Evaluated | TrialEnded | SearchProgress


@dataclass(frozen=True, kw_only=True)
class SearchState:
    """How a search stands when nobody works on it any more. status: finished, interrupted or failed. winner: the incumbent's
    trial and hyperparameters."""

    search: Search
    status: str
    at: float
    values: Mapping[str, float]
    winner: Mapping[str, Plain] = field(default_factory=dict)

    @property
    def totals(self) -> dict[str, float]:
        """The values, by names that no curve has."""
        return {f"total/{name}": value for name, value in self.values.items()}


@dataclass(frozen=True, kw_only=True)
class Report:
    """tables: Markdown, by title. page: one HTML file. files: the tables as CSV and the like, by their path in the report."""

    study: str
    tables: Mapping[str, str]
    page: Path
    files: Mapping[str, Path]


class Tracker(ABC):
    """One tool. Constructing one imports the tool and may connect; any error of it is caught by the feed.

    A class declares `Settings`, a frozen dataclass whose defaults conf/tracker/NAME.yaml repeats; `packages`, the modules that
    must be there; and `extra`, of `pip install 'tuneoff[extra]'`, or "" where there is none.
    Keys and passwords come from the environment, never from settings: settings are recorded.
    """

    Settings: ClassVar[type[Any]] = NoSettings
    packages: ClassVar[tuple[str, ...]] = ()
    extra: ClassVar[str] = ""

    @classmethod
    def destination(cls, settings: Any, place: Place) -> str:  # noqa: ARG003 - for those that have settings
        """Where it is written to, in words, without keys: what was sent is noted for each destination."""
        return str(place.folder)

    @abstractmethod
    def __init__(self, settings: Any, place: Place) -> None: ...

    @abstractmethod
    def begin_search(self, search: Search) -> None:
        """Makes the search's run, or finds the one that is there. Called before any of its events."""

    @abstractmethod
    def begin_trial(self, trial: Trial) -> None:
        """Makes the trial's run, or finds the one that is there. Called before any of its events."""

    @abstractmethod
    def evaluated(self, event: Evaluated) -> None: ...

    @abstractmethod
    def trial_ended(self, event: TrialEnded) -> None: ...

    @abstractmethod
    def progress(self, event: SearchProgress) -> None: ...

    @abstractmethod
    def search_state(self, state: SearchState) -> None: ...

    @abstractmethod
    def report(self, report: Report) -> None:
        """Puts the study's report in place of an earlier one."""

    def flush(self) -> None:  # noqa: B027 - nothing is held back by default
        """Returns when all that was given is with the tool: it is then noted as sent."""

    def close(self) -> None:  # noqa: B027 - nothing is open by default
        """Ends the connection; trials that run on are found again."""
