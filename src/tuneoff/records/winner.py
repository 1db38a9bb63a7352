"""What a search found, as something to use: the winner's hyperparameters, scores and cost, and the command that trains it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from tuneoff.hparams import HParamValue
from tuneoff.price import Price
from tuneoff.records.charge import charged_seconds
from tuneoff.records.command_line import searched, winner_command
from tuneoff.records.incumbent import incumbent
from tuneoff.records.recipe import Schedule, lineage, schedule_of
from tuneoff.records.schema import Cell, EvaluationRecord
from tuneoff.records.store import MODEL_FOLDER, WINNER_FILE
from tuneoff.seeds import trial_seed


@dataclass(frozen=True, kw_only=True)
class Winner:
    """The best evaluation of a cell. schedule: which hyperparameters trained its weights until which example, those of copied
    ancestors included. searched: names of the hyperparameters that the search set. first_trial: the one whose head and data
    order the weights began with."""

    cell: Cell
    record: EvaluationRecord
    schedule: Schedule
    searched: tuple[str, ...]
    first_trial: str
    command: str

    @property
    def hparams(self) -> Mapping[str, HParamValue]:
        """In force in the last interval before the evaluation."""
        return self.record.hparams

    @property
    def set_by_search(self) -> dict[str, HParamValue]:
        """Those of `hparams` that the search set; all where its header does not say."""
        return {name: self.hparams[name] for name in self.searched or self.hparams if name in self.hparams}

    @property
    def changes(self) -> int:
        """How often the hyperparameters changed on the way to the weights."""
        values = [segment.hparams for segment in self.schedule.segments]
        return sum(before != after for before, after in pairwise(values))


def winner_of(cell: Cell) -> Winner:
    """Raises LookupError where the cell has no evaluation."""
    record = incumbent(cell)
    schedule = schedule_of(cell, record)
    return Winner(
        cell=cell,
        record=record,
        schedule=schedule,
        searched=tuple(searched(cell.header)),
        first_trial=lineage(cell.evaluations, record)[0].trial_id,
        command=winner_command(cell.header, cell.path, schedule),
    )


def winner_facts(winner: Winner) -> dict[str, Any]:
    """What `winner.yaml` says, as plain data. Scores are those of the winning weights themselves."""
    cell, record, header = winner.cell, winner.record, winner.cell.header
    schedule = [asdict(segment) for segment in winner.schedule.segments]
    return {
        "command": winner.command,
        "hparams": dict(winner.hparams),
        "searched": list(winner.searched),
        "schedule": None if winner.schedule.constant else schedule,
        "metric": header.metric,
        "validation": dict(record.validation.metrics),
        "test": dict(record.test.metrics) if record.test else None,
        "trial": record.trial_id,
        "evaluation": record.evaluation,
        "epoch": record.epoch,
        "study": header.study,
        "search": header.search_name,
        "protocol": header.protocol,
        "seeds": {**header.seeds, "weights": _weights_seed(winner)},
        "cost": _cost(cell),
        "model": MODEL_FOLDER if (cell.path / MODEL_FOLDER).is_dir() else None,
    }


def _weights_seed(winner: Winner) -> int | None:
    training = winner.cell.header.seeds.get("training")
    return None if training is None else trial_seed(training, winner.first_trial)


def _cost(cell: Cell) -> dict[str, Any]:
    """Of the whole search."""
    charged, price = charged_seconds(cell, cell.wall_seconds), Price.from_dict(cell.header.price)
    return {
        "trials": len(cell.trial_ends),
        "evaluations": len(cell.evaluations),
        "wall_seconds": round(cell.wall_seconds, 3),
        "devices": cell.devices,
        "charged_device_seconds": round(charged, 3),
        "dollars": round(price.dollars(charged), 6),
        "price": price.name,
        "per_device_hour_usd": price.per_device_hour_usd,
    }


def short(values: Mapping[str, HParamValue]) -> str:
    """Hyperparameters for a reader, rounded: `learning_rate 3.14e-05, batch_size 16`."""
    return ", ".join(f"{name} {short_value(value)}" for name, value in values.items())


def short_value(value: HParamValue) -> str:
    return "its own" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def winner_text(winner: Winner) -> str:
    """What `winner.yaml` holds."""
    head = (
        "# What this search found. `command` trains these hyperparameters from scratch; docs/records.md explains each line.\n"
    )
    return head + yaml.safe_dump(winner_facts(winner), sort_keys=False, allow_unicode=True, width=10_000)


def write_winner(winner: Winner) -> Path:
    """Writes `winner.yaml` into the cell's folder, atomically."""
    path = winner.cell.path / WINNER_FILE
    temporary = path.with_name(WINNER_FILE + ".tmp")
    temporary.write_text(winner_text(winner), encoding="utf-8")
    temporary.replace(path)
    return path
