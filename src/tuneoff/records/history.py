"""The history of a search that was cut off: read from its log, which is the only state of a search."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tuneoff.evaluation import Cost
from tuneoff.records.incumbent import best_score
from tuneoff.records.schema import COMPLETED, Cell, EvaluationRecord, SessionStartRecord, TrialEndRecord, TrialStartRecord


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """Left by earlier sessions. All empty for a search that begins.

    evaluations: how many each trial has. unfinished: (trial, configuration in force) in order of their numbers.
    """

    sessions: int = 0
    elapsed_seconds: float = 0.0
    best: float = -math.inf
    epochs_spent: float = 0.0
    evaluations: Mapping[str, int] = field(default_factory=dict)
    started: frozenset[str] = frozenset()
    ended: frozenset[str] = frozenset()
    unfinished: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    snapshots: Mapping[str, str] = field(default_factory=dict)


def read_earlier(cell: Cell) -> Earlier:
    """The state of the search at the end of its log."""
    points: dict[str, Mapping[str, Any]] = {}
    evaluations: dict[str, int] = {}
    snapshots: dict[str, str] = {}
    examples = 0
    for record in cell.records:
        if isinstance(record, TrialStartRecord):
            points[record.trial_id] = record.hparams
        elif isinstance(record, EvaluationRecord):
            name = record.trial_id
            points[name] = {key: record.hparams[key] for key in points[name]}
            evaluations[name] = record.evaluation
            examples += record.cost.train_examples
            if record.snapshot is not None:
                snapshots[name] = record.snapshot
    ended = {r.trial_id for r in cell.trial_ends}
    examples += sum(r.cost.train_examples for r in cell.trial_ends)
    unfinished = tuple((name, point) for name, point in sorted(points.items()) if name not in ended)
    return Earlier(
        sessions=sum(isinstance(r, SessionStartRecord) for r in cell.records),
        elapsed_seconds=cell.wall_seconds,
        best=best_score(cell),
        epochs_spent=examples / cell.header.data["n_train"],
        evaluations=evaluations,
        started=frozenset(points),
        ended=frozenset(ended),
        unfinished=unfinished,
        snapshots=snapshots,
    )


def missing_ends(cell: Cell) -> list[TrialEndRecord]:
    """Of trials that were trained and scored to the end, but whose end was not written any more.

    Their increments are in their evaluations; they ended with the log's last line.
    """
    ended = {r.trial_id for r in cell.trial_ends}
    proposed = {r.trial_id: r.hparams for r in cell.records if isinstance(r, TrialStartRecord)}
    last = {r.trial_id: r for r in cell.evaluations if r.trial_id not in ended}
    return [
        TrialEndRecord(
            trial_id=name,
            status=COMPLETED,
            reason="",
            cost=Cost(),
            elapsed_seconds=cell.wall_seconds,
            hparams={key: record.hparams[key] for key in proposed[name]},
            worker=record.worker,
        )
        for name, record in last.items()
        if record.epoch >= record.hparams["num_epochs"] - 1e-9
    ]
