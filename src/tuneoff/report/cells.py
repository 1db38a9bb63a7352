"""Cells read back from a study's folder, and their facts: identity, charge, price, data. The frames are built from these."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from tuneoff.algorithms.presentation import RECORDING
from tuneoff.config.parts import UNTIL_DECIDED
from tuneoff.errors import UserError
from tuneoff.evaluation import Cost
from tuneoff.price import Price, PriceError
from tuneoff.records.audit import completed_share
from tuneoff.records.identity import digest, identity
from tuneoff.records.schema import Cell, SessionStartRecord
from tuneoff.records.store import AUDIT_FILE, RETRAIN_FILE, RecordError, find_cells, load_cell
from tuneoff.report.algorithms import declared_presentation
from tuneoff.report.statistics.baseline import constant_answer_score

_INCREMENTS = tuple(f.name for f in fields(Cost))


class ReportError(UserError):
    """Nothing to report on; the message says what there is instead."""


@dataclass(frozen=True, kw_only=True)
class Block:
    """Cells whose numbers can stand in one table: same task, model, protocol and metric, same data and weights by hash.

    variant: "" where all cells of this task, model, protocol and metric share data and weights; otherwise the hash of these
    cells' own. differs: in which of IDENTITY the variants differ.
    """

    task: str
    model: str
    protocol: str
    metric: str
    variant: str = ""
    differs: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        return f"{self.task}-{self.model}" + (f"-{self.variant}" if self.variant else "")

    @property
    def title(self) -> str:
        return f"{self.task} with {self.model}" + (f" (data {self.variant})" if self.variant else "")

    @classmethod
    def of(cls, cell: Cell) -> Block:
        """Without regard to variants."""
        h = cell.header
        return cls(task=h.task, model=h.model, protocol=h.protocol, metric=h.metric)


def read_cells(study: Path) -> list[Cell]:
    """Every search below `study`; recordings are none. Raises ReportError where there is none, RecordError where one can't be
    read."""
    found = [load_cell(path) for path in find_cells(study)]
    cells = [cell for cell in found if declared_presentation(cell.header).role != RECORDING]
    if found and not cells:
        raise ReportError(
            f"{study} holds a recording and no search to report on: tuneoff replay {study.name} says what it predicts of them"
        )
    if not cells:
        raise ReportError(
            f"{study} holds no cells (no run.json below it): run a study first, for example tuneoff run algorithm=random"
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


def read_audits(cells: Iterable[Cell]) -> dict[str, Cell]:
    """The logs of complete audits, by cell name, see records.audit. Cells without one are left out."""
    return {cell_name(c): load_cell(c.path, AUDIT_FILE) for c in cells if completed_share(c.header) > 0}


def cell_name(cell: Cell) -> str:
    return f"{cell.header.study}/{cell.header.search_name}"


def total_cost(cell: Cell) -> Cost:
    return add_costs([r.cost for r in cell.evaluations] + [r.cost for r in cell.trial_ends])


def add_costs(costs: Iterable[Cost]) -> Cost:
    every = list(costs)
    return Cost(**{name: sum([getattr(cost, name) for cost in every]) for name in _INCREMENTS})


def device_kind(cell: Cell) -> str:
    return next((r.device_kind for r in cell.records if isinstance(r, SessionStartRecord)), "unknown")


def price_of(cell: Cell) -> Price:
    try:
        return Price.from_dict(cell.header.price)
    except PriceError as error:
        raise RecordError(f"{cell.path / 'run.json'}: {error}") from error


def own_price(per_device_hour_usd: float) -> Price:
    """A price that a report was given in place of the recorded one."""
    return Price(name="custom", per_device_hour_usd=per_device_hour_usd, source="given to the report", date="today")


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


def looks(cell: Cell) -> int:
    """How often the study was to be judged before its end, where it ran until decided; else 1."""
    config = cell.header.config
    return len(config["decide"]["looks"]) if config.get("until") == UNTIL_DECIDED else 1


def margin(cell: Cell) -> float:
    """The margin with which its study ran until decided, as it was given: in points of a share, else in the metric's unit. NaN
    where none was."""
    config = cell.header.config
    given = config["decide"]["margin"] if config.get("until") == UNTIL_DECIDED else None
    return float("nan") if given is None else float(given)


def sessions(cell: Cell) -> int:
    return sum(isinstance(r, SessionStartRecord) for r in cell.records)


def variant(cell: Cell) -> str:
    """Six hexadecimal digits over the cell's identity."""
    return digest(identity(cell.header))[:6]


def trivial_score(cell: Cell, part: str) -> float:
    """The best score of a constant answer on `part`: as the header has it, else from its label counts, else NaN."""
    facts, data, metric = cell.header.data.get("parts", {}).get(part, {}), cell.header.data, cell.header.metric
    recorded = facts.get("constant_scores")
    if isinstance(recorded, Mapping) and metric in recorded:
        return float(recorded[metric])
    if metric == "accuracy" and facts.get("majority_rate") is not None:
        return float(facts["majority_rate"])
    counts, labels, positive = facts.get("label_counts"), data.get("labels"), data.get("positive")
    if not isinstance(counts, list):
        return float("nan")
    index = labels.index(positive) if isinstance(labels, list) and positive in labels else 1
    return constant_answer_score(metric, counts, index)


def origin(cell: Cell) -> dict[str, str]:
    """Where the cell comes from and what it may be compared with, as text; hashes are of canonical JSON."""
    h = cell.header
    dirty = " (changed)" if h.git.get("dirty") else ""
    data = {name: h.data.get(name) for name in ("source_rows", "split_sha256", "encoded_sha256", "model_sha256")}
    return {
        "protocol_version": h.protocol_version,
        "config_hash": h.config_hash,
        "data_hash": digest(data),
        "space_hash": digest(h.space),
        "started_utc": h.started_utc,
        "command": h.command,
        "commit": f"{h.git.get('commit') or 'unknown'}{dirty}",
        "seeds": _listed(h.seeds),
        "versions": _listed(h.versions),
        "hardware": _listed(h.hardware),
    }


def _listed(facts: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in facts.items())


def split_hash(cell: Cell) -> str | None:
    """Equal where two cells were split alike; None in headers without it."""
    value = cell.header.data.get("split_sha256")
    return None if value is None else str(value)
