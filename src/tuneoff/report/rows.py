"""The rows of the frames: from a cell's records to plain dictionaries, a function a frame."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from itertools import accumulate
from typing import Any

from tuneoff.evaluation import Cost
from tuneoff.price import Price
from tuneoff.records.audit import completed_share, drawn
from tuneoff.records.charge import charged_clock, charged_seconds
from tuneoff.records.identity import identity
from tuneoff.records.incumbent import incumbents, known_order, reported_evaluations, score_of
from tuneoff.records.schema import TRIAL_STATUSES, Cell, EvaluationRecord, TrialEndRecord, TrialStartRecord
from tuneoff.records.winner import winner_of
from tuneoff.report import cells, ledger
from tuneoff.report.ledger import UNENDED
from tuneoff.task.cautions import recorded_cautions

HPARAM = "hp_"
"""Prefix of the columns that hold hyperparameters."""

KEYS = ("study", "task", "model", "protocol", "metric", "algorithm", "repeat", "cell", "finished", "variant")
_INCREMENTS = tuple(f.name for f in fields(Cost))
_COST = (*_INCREMENTS, "busy_seconds")
EVALUATION = (
    *KEYS,
    "trial_id",
    "evaluation",
    "parent_trial_id",
    "parent_evaluation",
    "validation",
    "n_validation",
    "test",
    "n_test",
    "test_predictions",
    "n_classes",
    "collapsed",
    "is_incumbent",
    "is_reported",
    "epoch",
    "examples_seen",
    "worker",
    "elapsed_seconds",
    "charged_seconds",
    "dollars",
    "epochs_spent",
    *_COST,
)
TRIAL = (
    *KEYS,
    "trial_id",
    "status",
    "reason",
    "evaluations",
    "validation",
    "last_validation",
    "collapsed",
    "exploits",
    "epochs_trained",
    "ended_elapsed_seconds",
    *_COST,
)
RETRAINED = (*KEYS, "trial_id", "validation", "test", "collapsed", "log_charged_seconds", "log_dollars")

AUDITED = (*KEYS, "trial_id", "epoch", "validation", "test", "audit_share", "log_charged_seconds", "log_dollars")

LEDGER_ROW = (*KEYS, *ledger.COLUMNS)


def keys(cell: Cell, label: str) -> dict[str, Any]:
    """label: of the cell's algorithm."""
    h = cell.header
    values = (
        h.study,
        h.task,
        h.model,
        h.protocol,
        h.metric,
        label,
        h.repeat,
        cells.cell_name(cell),
        cells.finished(cell),
        cells.variant(cell),
    )
    return dict(zip(KEYS, values, strict=True))


def _costs(cost: Cost) -> dict[str, Any]:
    """Faster than dataclasses.asdict, of which a report of many records would notice the difference."""
    return {**{name: getattr(cost, name) for name in _INCREMENTS}, "busy_seconds": cost.seconds}


def retrained_rows(log: Cell, label: str, price: Price | None) -> Iterator[dict[str, Any]]:
    """The end of each run that has a score; log_*: the charge of all runs of this cell's second log."""
    charged = charged_seconds(log, log.wall_seconds)
    dollars = (price or cells.price_of(log)).dollars(charged)
    last = {record.trial_id: record for record in known_order(log.evaluations)}
    for trial_id, record in last.items():
        yield {
            **keys(log, label),
            "trial_id": trial_id,
            "validation": score_of(record.validation, log),
            "test": score_of(record.test, log) if record.test else float("nan"),
            "collapsed": record.validation.collapsed,
            "log_charged_seconds": charged,
            "log_dollars": dollars,
        }


def audited_rows(cell: Cell, log: Cell, label: str, price: Price | None) -> Iterator[dict[str, Any]]:
    """The evaluations of each drawn trial after the one at which it was stopped; one row of NaN where it came to none.
    audit_share: the probability with which it was drawn. log_*: the charge of the whole audit, which is not the search's."""
    charged, share = charged_seconds(log, log.wall_seconds), completed_share(cell.header)
    shared = {
        **keys(cell, label),
        "audit_share": share,
        "log_charged_seconds": charged,
        "log_dollars": (price or cells.price_of(log)).dollars(charged),
    }
    stopped_at = {record.trial_id: record.examples_seen for record in cell.evaluations}
    nan = float("nan")
    for trial_id in drawn(cell, share):
        own = [r for r in log.evaluations if r.trial_id == trial_id and r.examples_seen > stopped_at.get(trial_id, 0)]
        for record in own:
            yield {
                **shared,
                "trial_id": trial_id,
                "epoch": record.epoch,
                "validation": score_of(record.validation, log),
                "test": score_of(record.test, log) if record.test else nan,
            }
        if not own:
            yield {**shared, "trial_id": trial_id, "epoch": nan, "validation": nan, "test": nan}


def evaluation_rows(cell: Cell, label: str, price: Price | None) -> Iterator[dict[str, Any]]:
    best = {id(record) for record in incumbents(cell)}
    stood = {id(record) for record in reported_evaluations(cell)}
    spent = _epochs_spent(cell)
    paid, own, clock = price or cells.price_of(cell), keys(cell, label), charged_clock(cell)
    for record in known_order(cell.evaluations):
        charged = clock(record.elapsed_seconds)
        yield {
            **own,
            "trial_id": record.trial_id,
            "evaluation": record.evaluation,
            "parent_trial_id": record.parent_trial_id,
            "parent_evaluation": record.parent_evaluation,
            "validation": score_of(record.validation, cell),
            "n_validation": record.validation.n_examples,
            "test": score_of(record.test, cell) if record.test else float("nan"),
            "n_test": record.test.n_examples if record.test else 0,
            "test_predictions": record.test.predictions if record.test else None,
            "n_classes": len(record.validation.predicted_counts),
            "collapsed": record.validation.collapsed,
            "is_incumbent": id(record) in best,
            "is_reported": id(record) in stood,
            "epochs_spent": spent(record.elapsed_seconds),
            "epoch": record.epoch,
            "examples_seen": record.examples_seen,
            "worker": record.worker,
            "elapsed_seconds": record.elapsed_seconds,
            "charged_seconds": charged,
            "dollars": paid.dollars(charged),
            **_costs(record.cost),
            **{HPARAM + name: value for name, value in record.hparams.items()},
        }


def _epochs_spent(cell: Cell) -> Callable[[float], float]:
    """Epochs that all trials together had trained by a moment, each increment counted when it was recorded."""
    records: list[EvaluationRecord | TrialEndRecord] = [*cell.evaluations, *cell.trial_ends]
    work = sorted((r.elapsed_seconds, r.cost.train_examples) for r in records)
    when, total = [moment for moment, _ in work], list(accumulate(examples for _, examples in work))
    size = cells.n_train(cell)
    return lambda moment: total[bisect_right(when, moment) - 1] / size


def trial_rows(cell: Cell, label: str) -> Iterator[dict[str, Any]]:
    """A row a trial, in the order in which the trials were first recorded."""
    ends: dict[str, list[TrialEndRecord]] = {}
    for end in cell.trial_ends:
        ends.setdefault(end.trial_id, []).append(end)
    shared, size = keys(cell, label), cells.n_train(cell)
    mine: dict[str, list[EvaluationRecord]] = {}
    for record in known_order(cell.evaluations):
        mine.setdefault(record.trial_id, []).append(record)
    starts = [r for r in cell.records if isinstance(r, TrialStartRecord)]
    others = [(records[-1].elapsed_seconds, trial_id) for trial_id, records in ends.items()]
    others += [(r.elapsed_seconds, r.trial_id) for r in starts]
    for _, trial_id in sorted(others):
        mine.setdefault(trial_id, [])
    proposed = {r.trial_id: r.hparams for r in starts}
    for trial_id, own in mine.items():
        row = _trial_row(cell, own, ends.get(trial_id, ()), proposed.get(trial_id, {}))
        yield {**shared, "trial_id": trial_id, **row, "epochs_trained": row["train_examples"] / size}


def _trial_row(
    cell: Cell, own: Sequence[EvaluationRecord], ends: Sequence[TrialEndRecord], proposed: Mapping[str, Any]
) -> dict[str, Any]:
    records: list[EvaluationRecord | TrialEndRecord] = [*own, *ends]
    cost = cells.add_costs([r.cost for r in records])
    end = ends[-1] if ends else None
    scores = [score_of(r.validation, cell) for r in own]
    hparams = own[-1].hparams if own else end.hparams if end else proposed
    return {
        "status": end.status if end else UNENDED,
        "reason": end.reason if end else "",
        "evaluations": len(own),
        "validation": max(scores, default=float("nan")),
        "last_validation": scores[-1] if own else float("nan"),
        "collapsed": bool(own) and own[-1].validation.collapsed,
        "exploits": sum(r.parent_trial_id is not None for r in own),
        "ended_elapsed_seconds": end.elapsed_seconds if end else own[-1].elapsed_seconds if own else float("nan"),
        **_costs(cost),
        **{HPARAM + name: value for name, value in hparams.items()},
    }


def cell_row(cell: Cell, label: str, trials: Sequence[Mapping[str, Any]], price: Price | None) -> dict[str, Any]:
    """label: of the cell's algorithm. `optimism` is validation - test of the incumbent."""
    cost, paid = cells.total_cost(cell), price or cells.price_of(cell)
    charged = charged_seconds(cell, cell.wall_seconds)
    counts = {status: sum(t["status"] == status for t in trials) for status in (*TRIAL_STATUSES, UNENDED)}
    return {
        **keys(cell, label),
        "status": cell.header.status,
        **_result(cell),
        "evaluations": len(cell.evaluations),
        "trials": len(trials),
        **counts,
        "collapsed": sum(t["collapsed"] for t in trials),
        "exploits": sum(t["exploits"] for t in trials),
        "epochs_trained": cost.train_examples / cells.n_train(cell),
        **_costs(cost),
        "wall_seconds": cell.wall_seconds,
        "devices": cell.devices,
        "charged_seconds": charged,
        "dollars": paid.dollars(charged),
        "device_kind": cells.device_kind(cell),
        "price": paid.name,
        "per_device_hour_usd": paid.per_device_hour_usd,
        "price_source": paid.source,
        "price_date": paid.date,
        "budget": cells.budget_of(cell),
        "sessions": cells.sessions(cell),
        "looks": cells.looks(cell),
        "margin": cells.margin(cell),
        "audit_share": completed_share(cell.header),
        "split": cells.split_hash(cell),
        "cautions": "\n".join(recorded_cautions(cell.header.data)),
        "positive": str(cell.header.data.get("positive") or ""),
        "trivial_validation": cells.trivial_score(cell, "validation"),
        "trivial_test": cells.trivial_score(cell, "test"),
        **{name.replace(" ", "_"): digest for name, digest in identity(cell.header).items()},
        **cells.origin(cell),
    }


def _result(cell: Cell) -> dict[str, Any]:
    """The incumbent in "any" scope (the best evaluation of any trial, the earliest known of equals) and its test
    score: its own, or under `blog2020` that of its trial's newest checkpoint, see reported_evaluations. winner_hparams: JSON,
    those that the search set."""
    best, stood = list(incumbents(cell))[-1:], reported_evaluations(cell)[-1:]
    nan = float("nan")
    if not best:
        return {
            "incumbent_trial": None,
            "incumbent_evaluation": None,
            "tested_evaluation": None,
            "validation": nan,
            "n_validation": 0,
            "test": nan,
            "n_test": 0,
            "optimism": nan,
            "incumbent_collapsed": False,
            "winner_hparams": "",
            "winner_changes": 0,
            "winner_command": "",
        }
    record, tested, winner = best[0], stood[0], winner_of(cell)
    validation = score_of(record.validation, cell)
    test = score_of(tested.test, cell) if tested.test else nan
    return {
        "incumbent_trial": record.trial_id,
        "incumbent_evaluation": record.evaluation,
        "tested_evaluation": tested.evaluation,
        "validation": validation,
        "n_validation": record.validation.n_examples,
        "test": test,
        "n_test": tested.test.n_examples if tested.test else 0,
        "optimism": validation - test,
        "incumbent_collapsed": record.validation.collapsed,
        "winner_hparams": json.dumps(winner.set_by_search),
        "winner_changes": winner.changes,
        "winner_command": winner.command,
    }
