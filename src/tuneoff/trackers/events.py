"""The events of a search, from its records. A pure function: those of a longer log begin with those of a shorter one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tuneoff.config.hashed import hashed_settings
from tuneoff.evaluation import Score
from tuneoff.price import Price
from tuneoff.records.charge import charged_clock
from tuneoff.records.incumbent import incumbent, takes_over
from tuneoff.records.schema import (
    Cell,
    EvaluationRecord,
    Header,
    SessionEndRecord,
    SessionStartRecord,
    TrialEndRecord,
    TrialStartRecord,
)
from tuneoff.trackers.contracts import (
    RETRAINING,
    SEARCH,
    Evaluated,
    Event,
    Plain,
    Search,
    SearchProgress,
    SearchState,
    Trial,
    TrialBegan,
    TrialEnded,
)

DEVICE_SECONDS, DOLLARS = "cost/device_seconds", "cost/dollars"
_TAGS = ("task", "model", "algorithm", "protocol", "metric", "config_hash", "protocol_version", "command")


def search_of(header: Header) -> Search:
    """The search that a cell holds."""
    tags = {name: str(getattr(header, name)) for name in _TAGS}
    return Search(
        study=header.study,
        name=header.search_name,
        settings=flat(hashed_settings(header.config)),
        tags={**tags, "repeat": str(header.repeat), "commit": str(header.git.get("commit") or "unknown")},
        began=unix_time(header.started_utc),
    )


def events(cell: Cell, phase: str = SEARCH) -> list[Event]:
    """Of one of the cell's logs, in its order. phase: RETRAINING for that of the winner trained again."""
    reading = _Reading(cell, phase)
    return [event for record in cell.records for event in reading.events(record)]


def state(cell: Cell) -> SearchState | None:
    """None while the search runs, or was killed: its log then lacks the line that ends a session."""
    last = cell.records[-1] if cell.records else None
    status = cell.header.status
    if status == "running":
        if not isinstance(last, SessionEndRecord) or last.status == "finished":
            return None
        status = last.status
    search, price = search_of(cell.header), Price.from_dict(cell.header.price)
    charged = charged_clock(cell)(cell.wall_seconds)
    values = {DEVICE_SECONDS: charged, DOLLARS: price.dollars(charged), "trials": float(len(cell.trial_ends))}
    winner: dict[str, Plain] = {}
    if cell.evaluations:
        best = incumbent(cell)
        values |= _scores("best/validation", best.validation) | _scores("best/test", best.test)
        winner = {"trial": best.trial_id, **_plain(best.hparams)}
    at = unix_time(last.time_utc) if isinstance(last, SessionEndRecord) else search.began + cell.wall_seconds
    return SearchState(search=search, status=status, at=at, values=values, winner=winner)


def unix_time(utc: str) -> float:
    """Of a moment in ISO format; without a zone it is UTC."""
    moment = datetime.fromisoformat(utc)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def flat(settings: Mapping[str, Any], at: str = "") -> dict[str, Plain]:
    """Nested settings by dotted names; lists as text."""
    found: dict[str, Plain] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{at}{name}.")
        else:
            found[f"{at}{name}"] = value if isinstance(value, int | float | str | None) else str(value)
    return found


@dataclass
class _Course:
    """A trial as far as it has been read."""

    trial: Trial
    hparams: Mapping[str, Any]
    seconds: float = 0.0
    changed: set[str] = field(default_factory=set)
    """Hyperparameters that have had several values."""
    lineage: tuple[str, ...] = ()
    last: EvaluationRecord | None = None
    best: EvaluationRecord | None = None


class _Reading:
    def __init__(self, cell: Cell, phase: str) -> None:
        self._cell, self._phase = cell, phase
        self._search, self._price = search_of(cell.header), Price.from_dict(cell.header.price)
        self._charged = charged_clock(cell)
        self._courses: dict[str, _Course] = {}
        self._zero = self._search.began
        """Unix time at which the elapsed seconds of the present session began."""
        self._best: EvaluationRecord | None = None
        self._examples = self._count = 0

    def events(self, record: Any) -> Iterator[Event]:
        match record:
            case SessionStartRecord():
                self._zero = unix_time(record.time_utc) - record.elapsed_seconds
            case TrialStartRecord():
                yield from self._course(record.trial_id, record)[1]
            case EvaluationRecord():
                course, began = self._course(record.trial_id, record)
                yield from began
                yield self._evaluated(course, record)
                if self._phase != RETRAINING:
                    yield self._progress(record)
            case TrialEndRecord():
                course, began = self._course(record.trial_id, record)
                yield from began
                yield self._ended(course, record)

    def _course(self, name: str, record: TrialStartRecord | EvaluationRecord | TrialEndRecord) -> tuple[_Course, list[Event]]:
        """The trial, and the event of its beginning where it was not known yet."""
        if name in self._courses:
            return self._courses[name], []
        at, hparams = self._zero + record.elapsed_seconds, _plain(record.hparams)
        trial = Trial(search=self._search, name=name, phase=self._phase, hparams=hparams, began=at)
        self._courses[name] = _Course(trial, record.hparams)
        return self._courses[name], [TrialBegan(trial=trial)]

    def _evaluated(self, course: _Course, record: EvaluationRecord) -> Evaluated:
        course.seconds += record.cost.seconds
        before = course.last.hparams if course.last else course.hparams
        course.changed |= {name for name, value in record.hparams.items() if before.get(name, value) != value}
        if record.parent_trial_id is not None:
            course.lineage += (f"{record.parent_trial_id} at evaluation {record.parent_evaluation}",)
        course.last = record
        if takes_over(record, course.best, self._cell.header.metric):
            course.best = record
        mutated = {f"hyperparameters/{name}": record.hparams[name] for name in course.changed if name in record.hparams}
        return Evaluated(
            trial=course.trial,
            evaluation=record.evaluation,
            examples=record.examples_seen,
            at=self._zero + record.elapsed_seconds,
            values={
                "epoch": record.epoch,
                **_scores("validation", record.validation),
                **_scores("test", record.test),
                **self._costs(course.seconds),
                **{name: float(value) for name, value in sorted(mutated.items()) if isinstance(value, int | float)},
            },
            lineage=course.lineage,
        )

    def _ended(self, course: _Course, record: TrialEndRecord) -> TrialEnded:
        course.seconds += record.cost.seconds
        values = self._costs(course.seconds)
        if course.last is not None and course.best is not None:
            values |= {"epoch": course.last.epoch, **_scores("validation", course.last.validation)}
            values |= _scores("best/validation", course.best.validation) | _scores("best/test", course.best.test)
        return TrialEnded(
            trial=course.trial,
            status=record.status,
            reason=record.reason,
            hparams=_plain(course.last.hparams if course.last else record.hparams),
            at=self._zero + record.elapsed_seconds,
            values=values,
            lineage=course.lineage,
        )

    def _progress(self, record: EvaluationRecord) -> SearchProgress:
        self._count += 1
        self._examples += record.cost.train_examples
        if takes_over(record, self._best, self._cell.header.metric):
            self._best = record
        best, charged = self._best, self._charged(record.elapsed_seconds)
        assert best is not None
        return SearchProgress(
            search=self._search,
            evaluation=self._count,
            examples=self._examples,
            at=self._zero + record.elapsed_seconds,
            values={
                **_scores("best/validation", best.validation),
                **_scores("best/test", best.test),
                DEVICE_SECONDS: charged,
                DOLLARS: self._price.dollars(charged),
            },
        )

    def _costs(self, seconds: float) -> dict[str, float]:
        return {DEVICE_SECONDS: seconds, DOLLARS: self._price.dollars(seconds)}


def _scores(part: str, score: Score | None) -> dict[str, float]:
    if score is None:
        return {}
    return {**{f"{part}/{name}": value for name, value in score.metrics.items()}, f"{part}/loss": score.loss}


def _plain(hparams: Mapping[str, Any]) -> dict[str, Plain]:
    return dict(flat(hparams))
