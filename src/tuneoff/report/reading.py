"""What one cell says, one question a function. The frames are built from these."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from tuneoff.errors import UserError
from tuneoff.evaluation import Cost, Score
from tuneoff.price import Price, PriceError, charged_device_seconds
from tuneoff.records.schema import Cell, EvaluationRecord, SessionStartRecord
from tuneoff.records.store import RETRAIN_FILE, RecordError, find_cells, load_cell

NEWEST_CHECKPOINT = "blog2020"
"""The protocol under which the tested weights are the best trial's newest checkpoint."""

_INCREMENTS = tuple(f.name for f in fields(Cost))


class ReportError(UserError):
    """Nothing to report on; the message says what there is instead."""


@dataclass(frozen=True, kw_only=True)
class Block:
    """Cells whose numbers can stand in one table: same task, model, protocol and metric."""

    task: str
    model: str
    protocol: str
    metric: str

    @property
    def label(self) -> str:
        return f"{self.task}-{self.model}"

    @classmethod
    def of(cls, cell: Cell) -> Block:
        h = cell.header
        return cls(task=h.task, model=h.model, protocol=h.protocol, metric=h.metric)


def read_cells(study: Path) -> list[Cell]:
    """Every cell below `study`. Raises ReportError where there is none, RecordError where one can't be read."""
    cells = [load_cell(path) for path in find_cells(study)]
    if not cells:
        raise ReportError(
            f"{study} holds no cells (no run.json below it): run a study first, for example "
            "python -m benchmarks.run algorithm=random"
        )
    seen: dict[str, Path] = {}
    for cell in cells:
        name = cell_name(cell)
        if name in seen:
            raise RecordError(f"{cell.path} and {seen[name]} both say that they are {name}: remove the copy")
        seen[name] = cell.path
    return cells


def read_retrained(cells: Iterable[Cell]) -> dict[str, Cell]:
    """The second logs, by cell name: each cell's winner trained again on new seeds. Cells without one are left out."""
    logs = {cell_name(c): load_cell(c.path, RETRAIN_FILE) for c in cells if (c.path / RETRAIN_FILE).exists()}
    return {name: log for name, log in logs.items() if log.records}


def cell_name(cell: Cell) -> str:
    h = cell.header
    return f"{h.study}/{h.task}-{h.model}/{h.algorithm}/repeat-{h.repeat}"


def known_order(cell: Cell) -> list[EvaluationRecord]:
    """Evaluations in the order in which they became known; the order of the lines does not matter."""
    return sorted(cell.evaluations, key=lambda e: (e.elapsed_seconds, e.trial_id, e.evaluation))


def score_of(score: Score, cell: Cell) -> float:
    """The metric that the search maximised. A missing metric is an error, never a guess."""
    metric = cell.header.metric
    if metric not in score.metrics:
        raise RecordError(
            f"{cell.path}: the metric is {metric!r}, but an evaluation only has "
            f"{', '.join(sorted(score.metrics)) or 'none'}: the records and their header don't match"
        )
    return score.metrics[metric]


def incumbents(cell: Cell) -> Iterator[EvaluationRecord]:
    """Each evaluation that was better than everything known before it; the last is the cell's result.

    Of equals the earliest known, except that one with a test score takes over from one without: trials that run side
    by side may be logged in another order than the one in which they were found to be incumbents, and scored.
    """
    best: EvaluationRecord | None = None
    for record in known_order(cell):
        gain = score_of(record.validation, cell) - (score_of(best.validation, cell) if best else float("-inf"))
        if gain > 0 or (gain == 0 and best is not None and best.test is None and record.test is not None):
            best = record
            yield record


def reported(cell: Cell) -> list[EvaluationRecord]:
    """The evaluations whose test score stood as the search's result, each from when it was known until the next.

    Under most protocols these are the incumbents. Under `blog2020`, as published, the best validation score is that
    of any evaluation of any trial, but the tested weights are that trial's *newest* checkpoint: its later evaluations
    take over, whatever their validation score.
    """
    best = list(incumbents(cell))
    if cell.header.protocol != NEWEST_CHECKPOINT:
        return best
    marks, holder, stood = {id(record) for record in best}, "", []
    for record in known_order(cell):
        if id(record) in marks:
            holder = record.trial_id
        if record.trial_id == holder:
            stood.append(record)
    return stood


def total_cost(cell: Cell) -> Cost:
    return add_costs([r.cost for r in cell.evaluations] + [r.cost for r in cell.trial_ends])


def add_costs(costs: Iterable[Cost]) -> Cost:
    every = list(costs)
    return Cost(**{name: sum([getattr(cost, name) for cost in every]) for name in _INCREMENTS})


def charged_seconds(cell: Cell, elapsed_seconds: float) -> float:
    """Device-seconds charged up to a moment: wall seconds x devices held, session by session."""
    return charged_clock(cell)(elapsed_seconds)


def charged_clock(cell: Cell) -> Callable[[float], float]:
    """`charged_seconds` of one cell at many moments: its sessions are looked up once."""
    starts = sorted((r.elapsed_seconds, r.devices) for r in cell.records if isinstance(r, SessionStartRecord))
    if not starts or starts[0][0] > 0:
        starts.insert(0, (0.0, cell.devices))
    ends = [*(start for start, _ in starts[1:]), math.inf]

    def charged(elapsed_seconds: float) -> float:
        return sum(
            charged_device_seconds(max(0.0, min(end, elapsed_seconds) - start), devices)
            for (start, devices), end in zip(starts, ends, strict=True)
        )

    return charged


def device_kind(cell: Cell) -> str:
    return next((r.device_kind for r in cell.records if isinstance(r, SessionStartRecord)), "unknown")


def price_of(cell: Cell) -> Price:
    try:
        return Price.from_dict(cell.header.price)
    except PriceError as error:
        raise RecordError(f"{cell.path / 'run.json'}: {error}") from error


def n_train(cell: Cell) -> int:
    """Examples in the training split, which turn examples trained into epochs."""
    value = cell.header.data.get("n_train")
    if not isinstance(value, int) or value < 1:
        raise RecordError(
            f"{cell.path / 'run.json'} has data.n_train={value!r}, but epochs need it to be >= 1: "
            "delete the cell's folder and run it again"
        )
    return value


def finished(cell: Cell) -> bool:
    return cell.header.status == "finished"


def budget_of(cell: Cell) -> str:
    """As it was given ("epochs:24"); "" without one."""
    return str(cell.header.config.get("budget") or "")


def sessions(cell: Cell) -> int:
    return sum(isinstance(r, SessionStartRecord) for r in cell.records)


def majority_rate(cell: Cell, part: str) -> float:
    """The accuracy of always answering `part`'s most frequent class, as the header has it; NaN where it has not."""
    facts = cell.header.data.get("parts", {}).get(part, {})
    return float(facts.get("majority_rate", float("nan")))


def origin(cell: Cell) -> dict[str, str]:
    """Where the cell comes from and what it may be compared with, as text; hashes are of canonical JSON."""
    h = cell.header
    dirty = " (changed)" if h.git.get("dirty") else ""
    data = {name: h.data.get(name) for name in ("source_rows", "split_sha256", "encoded_sha256", "model_sha256")}
    return {
        "protocol_version": h.protocol_version,
        "config_hash": h.config_hash,
        "data_hash": _digest(data),
        "space_hash": _digest(h.space),
        "started_utc": h.started_utc,
        "command": h.command,
        "commit": f"{h.git.get('commit') or 'unknown'}{dirty}",
        "seeds": _listed(h.seeds),
        "versions": _listed(h.versions),
        "hardware": _listed(h.hardware),
    }


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]


def _listed(facts: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in facts.items())


def split_hash(cell: Cell) -> str | None:
    """What tells whether two cells were split alike; None in headers without it."""
    value = cell.header.data.get("split_sha256")
    return None if value is None else str(value)
