"""Foreign tables: found by format, read into plain rows, and made into a table whose space is given or read off the rows."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from tuneoff import plugins
from tuneoff.config.parts import parse_domain
from tuneoff.hparams import NUM_EPOCHS
from tuneoff.replay.recorded import STOPPED_TRIAL, UNTESTED
from tuneoff.replay.table import RecordedTrial, Table, TableError, checked
from tuneoff.space import Choice, Domain, Float, Int, SearchSpace, Value

PACKAGE = "tuneoff.replay.formats"
LOG_RATIO = 30.0
"""A positive number whose recorded values span more than this ratio is searched on a log scale."""
FEW_VALUES = 8
"""A number with so few different values is a choice."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """How columns are named, where a format leaves that open.

    minimise: lower scores are better; they are negated, and named minus_METRIC. metric: what the scores are; None: accuracy
    where all lie between 0 and 1 and none is negated, else the column's name. random: the trials are independent draws from
    the space. space: as in a configuration, or empty: read off the rows. evaluations_per_epoch: of the rows; the longest trial
    has as many epochs as its evaluations make.
    """

    validation: str = "validation"
    test: str = "test"
    step: str = "step"
    trial: str = "trial"
    seconds: str = "seconds"
    minimise: bool = False
    metric: str | None = None
    random: bool = False
    space: Mapping[str, Any] = field(default_factory=dict)
    evaluations_per_epoch: int = 1


@dataclass(frozen=True, kw_only=True)
class ForeignTrial:
    """One trial as found. test: empty where none was recorded. seconds: of each interval; empty where not known."""

    hparams: Mapping[str, Value]
    validation: tuple[float, ...]
    test: tuple[float, ...] = ()
    seconds: tuple[float, ...] = ()
    stopped: bool = False
    failed: bool = False


Rows: TypeAlias = Sequence[ForeignTrial]


def format_names() -> tuple[str, ...]:
    return plugins.names("table_format", PACKAGE)


def read_foreign(path: Path, name: str, options: Options) -> Table:
    """TableError where the file is not there, can't be read as this format, or holds nothing to replay."""
    module = plugins.find("table_format", name.replace("-", "_"), PACKAGE, setting="format")
    if not path.exists():
        raise TableError(f"table is {str(path)!r}, but there is no such file or folder: give the path of a {name} table")
    try:
        found = module.read(path, options)
    except TableError:
        raise
    except Exception as error:  # whatever a parser raises on a file that is something else
        raise TableError(
            f"{path} can't be read as format={name} ({type(error).__name__}: {error}): give another format, one of "
            f"{', '.join(known.replace('_', '-') for known in format_names())}, or mend the file"
        ) from error
    return checked(found) if isinstance(found, Table) else table_of(path, found, options)


def table_of(path: Path, rows: Rows, options: Options) -> Table:
    """Trials that are shorter than the longest were stopped, unless they failed or their num_epochs says so."""
    left_out: Counter[str] = Counter()
    longest = max((len(row.validation) for row in rows), default=0)
    if not rows or longest == 0:
        raise TableError(f"{path} holds no trial with a validation score: check the names of its columns")
    kept = []
    for row in rows:
        own = row.hparams.get(NUM_EPOCHS)
        expected = round(own * options.evaluations_per_epoch) if isinstance(own, int | float) else longest
        if not row.failed and (row.stopped or len(row.validation) < expected):
            left_out[STOPPED_TRIAL] += 1
        elif len(row.test) != len(row.validation):
            left_out[UNTESTED] += 1
        else:
            kept.append(row)
    if not kept and left_out[UNTESTED]:
        raise TableError(
            f"{path} has no test scores beside its validation scores ({left_out[UNTESTED]} trials): a search judged by the "
            "score that it chose by looks better than it is. Log a test score at every evaluation, and name it with test=COLUMN"
        )
    if not kept:
        raise TableError(
            f"{path} has only trials that were stopped early ({left_out[STOPPED_TRIAL]}): record some that were not"
        )
    space = space_of(path, [row.hparams for row in kept], options.space)
    return checked(
        Table(
            name=path.name,
            source=path.name,
            metric=_metric(kept, options),
            space=space,
            trials=tuple(_trial(row, space, -1.0 if options.minimise else 1.0) for row in kept),
            evaluations_per_epoch=options.evaluations_per_epoch,
            max_epochs=math.ceil(longest / options.evaluations_per_epoch),
            drawn_at_random=options.random,
            left_out=left_out,
            recorded_device_seconds=sum(s for row in kept for s in row.seconds) or None,
        )
    )


def _metric(rows: Rows, options: Options) -> str:
    if options.minimise:
        return f"minus_{(options.metric or options.validation).removeprefix('minus_')}"
    shares = all(0 <= score <= 1 for row in rows for score in (*row.validation, *row.test))
    return options.metric or ("accuracy" if shares else options.validation)


def _trial(row: ForeignTrial, space: SearchSpace, sign: float) -> RecordedTrial:
    n = len(row.validation)
    return RecordedTrial(
        point={name: row.hparams[name] for name in space.domains},
        split="",
        validation=tuple(sign * v for v in row.validation),
        test=tuple(sign * v for v in row.test),
        train_seconds=row.seconds or (math.nan,) * n,
        evaluate_seconds=(0.0 if row.seconds else math.nan,) * n,
        test_seconds=(0.0 if row.seconds else math.nan,) * n,
        failed=row.failed,
        failing_seconds=row.seconds[-1] if row.failed and row.seconds else 0.0,
    )


def space_of(path: Path, points: Sequence[Mapping[str, Value]], given: Mapping[str, Any]) -> SearchSpace:
    """The given one, or one that holds every recorded value. TableError where a trial lacks one of its hyperparameters."""
    if given:
        space = SearchSpace({name: parse_domain(f"space.{name}", domain) for name, domain in given.items()})
    else:
        names = [name for name in points[0] if all(name in point for point in points)]
        domains = {name: _domain([point[name] for point in points]) for name in names}
        space = SearchSpace({name: domain for name, domain in domains.items() if domain is not None})
    for point in points:
        for name, domain in space.domains.items():
            if name not in point or not domain.contains(point[name]):
                raise TableError(f"{path} has a trial with {name}={point.get(name)!r}, which is not in space.{name}: widen it")
    return space


def _domain(values: Sequence[Value]) -> Domain | None:
    """None where the value never varies."""
    different = set(values)
    if len(different) == 1:
        return None
    numbers = [value for value in values if isinstance(value, int | float)]
    if len(numbers) < len(values) or len(different) <= FEW_VALUES:
        return Choice(values=tuple(sorted(different, key=repr)))
    low, high = min(numbers), max(numbers)
    log = low > 0 and high / low > LOG_RATIO
    if all(float(value).is_integer() for value in numbers):
        return Int(low=int(low), high=int(high), log=log)
    return Float(low=float(low), high=float(high), log=log)
