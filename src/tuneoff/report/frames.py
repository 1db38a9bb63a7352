"""Records as pandas frames: evaluations, trials, cells. Everything else in the report reads these.

Scores are the declared metric, as recorded (accuracy from 0 to 1), NaN where there is none. Seconds are device-seconds
unless the name says `elapsed` or `wall`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import accumulate
from pathlib import Path
from typing import Any

import pandas as pd

from tuneoff.evaluation import Cost
from tuneoff.price import Price
from tuneoff.records.schema import TRIAL_STATUSES, Cell, EvaluationRecord, TrialEndRecord, TrialStartRecord
from tuneoff.report import reading, spending

LEDGER = tuple(f.name for f in fields(Cost) if f.name.endswith("_seconds"))
"""Where busy device-seconds went; their sum is `busy_seconds`."""
HPARAM = "hp_"
UNENDED = spending.UNENDED
"""Status of a trial whose end is not recorded (the cell was killed, or still runs)."""


@dataclass(frozen=True, kw_only=True)
class Frames:
    """evaluations: a row an evaluation, in known order. trials: a row a trial. cells: a row a cell.
    retrained: a row a run of a cell's winner on a new seed, at its end (in no other frame). ledger: see spending.

    All have the columns study, task, model, protocol, metric, algorithm, repeat, cell, finished.
    """

    evaluations: pd.DataFrame
    trials: pd.DataFrame
    cells: pd.DataFrame
    retrained: pd.DataFrame
    ledger: pd.DataFrame
    repairs: tuple[str, ...] = ()
    """One sentence for each log whose last line was half-written."""

    def blocks(self) -> Iterator[tuple[reading.Block, Frames]]:
        """The frames of each task-model (and protocol and metric), in alphabetical order."""
        names = ["task", "model", "protocol", "metric"]
        keys = self.cells[names].drop_duplicates().sort_values(names)
        for values in keys.itertuples(index=False):
            block = reading.Block(**dict(zip(names, values, strict=True)))
            yield block, self._only(**asdict(block))

    def finished(self) -> Frames:
        return self._only(finished=True)

    def _only(self, **values: Any) -> Frames:
        def keep(frame: pd.DataFrame) -> pd.DataFrame:
            mask = pd.Series(True, index=frame.index)
            for name, value in values.items():
                mask &= frame[name] == value
            return frame[mask].reset_index(drop=True)

        return Frames(
            evaluations=keep(self.evaluations),
            trials=keep(self.trials),
            cells=keep(self.cells),
            retrained=keep(self.retrained),
            ledger=keep(self.ledger),
            repairs=self.repairs,
        )


def of_cell(frame: pd.DataFrame, cell: str) -> pd.DataFrame:
    """The rows of one cell, in their order."""
    return frame[frame["cell"] == cell].reset_index(drop=True)


def load_frames(study: Path, price: Price | None = None) -> Frames:
    """The frames of a study's folder; with `price`, dollars are at that price instead of the header's."""
    cells = reading.read_cells(study)
    return build_frames(cells, price, reading.read_retrained(cells))


def build_frames(cells: Sequence[Cell], price: Price | None = None, retrained: Mapping[str, Cell] | None = None) -> Frames:
    """retrained: second logs by cell name. RecordError where a record lacks its metric, a header its price or size."""
    ordered = sorted(cells, key=reading.cell_name)
    evaluations = [row for cell in ordered for row in _evaluation_rows(cell, price)]
    trials = [list(_trial_rows(cell)) for cell in ordered]
    again = [(retrained or {})[name] for name in map(reading.cell_name, ordered) if name in (retrained or {})]
    runs = [row for log in again for row in _retrained_rows(log, price)]
    book = [{**_keys(cell), **row} for cell in ordered for row in spending.ledger(cell).to_dict("records")]
    repairs = tuple(f"{reading.cell_name(c)}: {c.repaired}" for c in (*ordered, *again) if c.repaired)
    return Frames(
        evaluations=_frame(evaluations, _EVALUATION),
        trials=_frame([row for rows in trials for row in rows], _TRIAL),
        cells=pd.DataFrame([_cell_row(cell, rows, price) for cell, rows in zip(ordered, trials, strict=True)]),
        retrained=_frame(runs, _RETRAINED),
        ledger=_frame(book, _LEDGER),
        repairs=repairs,
    )


_KEYS = ("study", "task", "model", "protocol", "metric", "algorithm", "repeat", "cell", "finished")
_INCREMENTS = tuple(f.name for f in fields(Cost))
_COST = (*_INCREMENTS, "busy_seconds")
_EVALUATION = (
    *_KEYS,
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
_TRIAL = (
    *_KEYS,
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
_RETRAINED = (*_KEYS, "trial_id", "validation", "test", "collapsed", "log_charged_seconds", "log_dollars")

_LEDGER = (*_KEYS, *spending.COLUMNS)


def _frame(rows: list[dict[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    """The rows, with the fixed columns first (there even where no cell has a row), then the hyperparameters'."""
    if not rows:
        return pd.DataFrame({name: pd.Series(dtype=object) for name in columns})
    frame = pd.DataFrame(rows)
    return frame[[*columns, *(name for name in frame.columns if name not in columns)]]


def _keys(cell: Cell) -> dict[str, Any]:
    h = cell.header
    values = (
        h.study,
        h.task,
        h.model,
        h.protocol,
        h.metric,
        h.algorithm,
        h.repeat,
        reading.cell_name(cell),
        reading.finished(cell),
    )
    return dict(zip(_KEYS, values, strict=True))


def _costs(cost: Cost) -> dict[str, Any]:
    """As dataclasses.asdict, which takes ten times as long."""
    return {**{name: getattr(cost, name) for name in _INCREMENTS}, "busy_seconds": cost.seconds}


def _retrained_rows(log: Cell, price: Price | None) -> Iterator[dict[str, Any]]:
    """The end of each run that came to a score; log_*: what all runs of this cell's second log were charged."""
    charged = reading.charged_seconds(log, log.wall_seconds)
    dollars = (price or reading.price_of(log)).dollars(charged)
    last = {record.trial_id: record for record in reading.known_order(log)}
    for trial_id, record in last.items():
        yield {
            **_keys(log),
            "trial_id": trial_id,
            "validation": reading.score_of(record.validation, log),
            "test": reading.score_of(record.test, log) if record.test else float("nan"),
            "collapsed": record.validation.collapsed,
            "log_charged_seconds": charged,
            "log_dollars": dollars,
        }


def _evaluation_rows(cell: Cell, price: Price | None) -> Iterator[dict[str, Any]]:
    best = {id(record) for record in reading.incumbents(cell)}
    stood = {id(record) for record in reading.reported(cell)}
    spent = _epochs_spent(cell)
    paid, keys, clock = price or reading.price_of(cell), _keys(cell), reading.charged_clock(cell)
    for record in reading.known_order(cell):
        charged = clock(record.elapsed_seconds)
        yield {
            **keys,
            "trial_id": record.trial_id,
            "evaluation": record.evaluation,
            "parent_trial_id": record.parent_trial_id,
            "parent_evaluation": record.parent_evaluation,
            "validation": reading.score_of(record.validation, cell),
            "n_validation": record.validation.n_examples,
            "test": reading.score_of(record.test, cell) if record.test else float("nan"),
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
    size = reading.n_train(cell)
    return lambda moment: total[bisect_right(when, moment) - 1] / size


def _trial_rows(cell: Cell) -> Iterator[dict[str, Any]]:
    """In the order in which the trials were first heard of."""
    ends: dict[str, list[TrialEndRecord]] = {}
    for end in cell.trial_ends:
        ends.setdefault(end.trial_id, []).append(end)
    keys, size = _keys(cell), reading.n_train(cell)
    mine: dict[str, list[EvaluationRecord]] = {}
    for record in reading.known_order(cell):
        mine.setdefault(record.trial_id, []).append(record)
    starts = [r for r in cell.records if isinstance(r, TrialStartRecord)]
    others = [(records[-1].elapsed_seconds, trial_id) for trial_id, records in ends.items()]
    others += [(r.elapsed_seconds, r.trial_id) for r in starts]
    for _, trial_id in sorted(others):
        mine.setdefault(trial_id, [])
    proposed = {r.trial_id: r.hparams for r in starts}
    for trial_id, own in mine.items():
        row = _trial_row(cell, own, ends.get(trial_id, ()), proposed.get(trial_id, {}))
        yield {**keys, "trial_id": trial_id, **row, "epochs_trained": row["train_examples"] / size}


def _trial_row(
    cell: Cell, own: Sequence[EvaluationRecord], ends: Sequence[TrialEndRecord], proposed: Mapping[str, Any]
) -> dict[str, Any]:
    records: list[EvaluationRecord | TrialEndRecord] = [*own, *ends]
    cost = reading.add_costs([r.cost for r in records])
    end = ends[-1] if ends else None
    scores = [reading.score_of(r.validation, cell) for r in own]
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


def _cell_row(cell: Cell, trials: Sequence[Mapping[str, Any]], price: Price | None) -> dict[str, Any]:
    """The cell's summary. `optimism` is validation - test of the incumbent; idle is charged minus busy."""
    cost, paid = reading.total_cost(cell), price or reading.price_of(cell)
    charged = reading.charged_seconds(cell, cell.wall_seconds)
    counts = {status: sum(t["status"] == status for t in trials) for status in (*TRIAL_STATUSES, UNENDED)}
    return {
        **_keys(cell),
        "status": cell.header.status,
        **_result(cell),
        "evaluations": len(cell.evaluations),
        "trials": len(trials),
        **counts,
        "collapsed": sum(t["collapsed"] for t in trials),
        "exploits": sum(t["exploits"] for t in trials),
        "epochs_trained": cost.train_examples / reading.n_train(cell),
        **_costs(cost),
        "wall_seconds": cell.wall_seconds,
        "devices": cell.devices,
        "charged_seconds": charged,
        "dollars": paid.dollars(charged),
        "device_kind": reading.device_kind(cell),
        "price": paid.name,
        "per_device_hour_usd": paid.per_device_hour_usd,
        "price_source": paid.source,
        "price_date": paid.date,
        "budget": reading.budget_of(cell),
        "sessions": reading.sessions(cell),
        "split": reading.split_hash(cell),
        "positive": str(cell.header.data.get("positive") or ""),
        "majority_validation": reading.majority_rate(cell, "validation"),
        "majority_test": reading.majority_rate(cell, "test"),
        **reading.origin(cell),
    }


def _result(cell: Cell) -> dict[str, Any]:
    """The incumbent in "any" scope (the best evaluation of any trial, the earliest known of equals) and its test
    score: its own, or under `blog2020` that of its trial's newest checkpoint, see reading.reported."""
    best, stood = list(reading.incumbents(cell))[-1:], reading.reported(cell)[-1:]
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
        }
    record, tested = best[0], stood[0]
    validation = reading.score_of(record.validation, cell)
    test = reading.score_of(tested.test, cell) if tested.test else nan
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
    }
