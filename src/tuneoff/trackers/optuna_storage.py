"""A copy of a study as an Optuna storage: one Optuna study a search, so that Optuna's dashboard opens it.

Distributions are those of the recorded space; intermediate values are the validation scores by the number of the
evaluation (after a copy the same examples can be seen twice); examples, cost and test scores are user attributes. A trial
that was stopped early is PRUNED, one that diverged or failed is FAIL.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tuneoff.config.parts import parse_domain
from tuneoff.records.schema import COMPLETED, STOPPED, Cell
from tuneoff.records.store import find_cells, load_cell
from tuneoff.space import Choice, Float
from tuneoff.trackers.contracts import Evaluated, Plain, TrackerError, Trial, TrialBegan, TrialEnded
from tuneoff.trackers.events import events, search_of


def export(study: Path, target: str) -> str:
    """Writes the searches that the storage does not hold yet; returns a sentence about it. target: a SQLite file, or an
    address of SQLAlchemy's. Raises TrackerError where Optuna is not installed or holds another study of that name."""
    if find_spec("optuna") is None:
        raise TrackerError("--optuna needs the package optuna, which is not installed: pip install 'tuneoff[optuna]'")
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    address = target if "://" in target else f"sqlite:///{Path(target).expanduser().resolve()}"
    storage = optuna.storages.RDBStorage(address)
    there = {s.study_name: s for s in optuna.study.get_all_study_summaries(storage)}
    added = 0
    for path in find_cells(study):
        cell = load_cell(path)
        name, mark = f"{study.resolve().name}/{search_of(cell.header).name}", _mark(cell)
        if name in there:
            if there[name].user_attrs.get("tuneoff") == mark:
                continue
            optuna.delete_study(study_name=name, storage=storage)  # of fewer records
        _write(optuna, storage, name, cell, mark)
        added += 1
    return f"{target}: {added} searches written, {len(list(find_cells(study))) - added} were there; optuna-dashboard {address}"


def _mark(cell: Cell) -> str:
    return f"{cell.header.config_hash} {cell.header.started_utc} {len(cell.records)}"


def _write(optuna: Any, storage: Any, name: str, cell: Cell, mark: str) -> None:
    made = optuna.create_study(storage=storage, study_name=name, direction="maximize")
    for trial in frozen_trials(optuna, cell):
        made.add_trial(trial)
    search = search_of(cell.header)
    for key, value in {**search.tags, "status": cell.header.status, "price": dict(cell.header.price)}.items():
        made.set_user_attr(key, value)
    made.set_user_attr("tuneoff", mark)  # the last: a copy that was cut off is made again


@dataclass
class _Course:
    """A trial's events."""

    trial: Trial
    seen: list[Evaluated] = field(default_factory=list)
    end: TrialEnded | None = None

    @property
    def params(self) -> Mapping[str, Plain]:
        return self.end.hparams if self.end else self.trial.hparams


def frozen_trials(optuna: Any, cell: Cell) -> Iterator[Any]:
    """The cell's trials as Optuna's, in the order in which they were proposed."""
    courses: dict[str, _Course] = {}
    for event in events(cell):
        match event:
            case TrialBegan():
                courses[event.trial.name] = _Course(event.trial)
            case Evaluated():
                courses[event.trial.name].seen.append(event)
            case TrialEnded():
                courses[event.trial.name].end = event
    distributions = {
        name: _distribution(
            optuna.distributions, name, settings, [c.params[name] for c in courses.values() if name in c.params]
        )
        for name, settings in cell.header.space.items()
        if settings is not None
    }
    for course in courses.values():
        yield _frozen(optuna.trial, cell.header.metric, course, distributions)


def _frozen(trials: Any, metric: str, course: _Course, distributions: Mapping[str, Any]) -> Any:
    """Optuna's parameters are those of the last evaluation: a population's trial has several, and its proposal as an
    attribute."""
    seen, end, states = course.seen, course.end, trials.TrialState
    state = states.RUNNING if end is None else {COMPLETED: states.COMPLETE, STOPPED: states.PRUNED}.get(end.status, states.FAIL)
    if state == states.COMPLETE and not seen:
        state = states.FAIL
    names = [name for name in distributions if name in course.params]
    attributes: dict[str, Any] = {"trial": course.trial.name, "proposed": dict(course.trial.hparams)}
    if end is not None:
        attributes |= {"status": end.status, "reason": end.reason, "lineage": list(end.lineage), **end.values}
    attributes["examples"] = [e.examples for e in seen]
    attributes[f"test {metric}"] = [e.values.get(f"test/{metric}") for e in seen]
    frozen = trials.create_trial(
        state=state,
        value=max(e.values[f"validation/{metric}"] for e in seen) if state == states.COMPLETE else None,
        params={name: course.params[name] for name in names},
        distributions={name: distributions[name] for name in names},
        intermediate_values={e.evaluation: e.values[f"validation/{metric}"] for e in seen},
        user_attrs=attributes,
    )
    frozen.datetime_start = datetime.fromtimestamp(course.trial.began)  # Optuna keeps local time without a zone
    frozen.datetime_complete = datetime.fromtimestamp(end.at) if end else None
    return frozen


def _distribution(kinds: Any, name: str, settings: Mapping[str, Any], values: list[Plain]) -> Any:
    """The space's own, widened to values that a population moved out of it."""
    domain = parse_domain(f"space.{name}", settings)
    if isinstance(domain, Choice):
        return kinds.CategoricalDistribution(tuple(dict.fromkeys((*domain.values, *values))))
    kind = kinds.FloatDistribution if isinstance(domain, Float) else kinds.IntDistribution
    numbers = [value for value in values if isinstance(value, int | float)]
    return kind(min(domain.low, *numbers, domain.high), max(domain.high, *numbers, domain.low), log=domain.log)
