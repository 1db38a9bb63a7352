"""Records as pandas frames: evaluations, trials, cells. Everything else in the report reads these.

Scores are the declared metric, as recorded (accuracy from 0 to 1), NaN where there is none. Seconds are device-seconds
unless the name says `elapsed` or `wall`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pandas as pd

from tuneoff.evaluation import Cost
from tuneoff.price import Price
from tuneoff.records.identity import IDENTITY
from tuneoff.records.schema import Cell
from tuneoff.report import ledger
from tuneoff.report.algorithms import Algorithms
from tuneoff.report.cells import Block, cell_name, read_audits, read_cells, read_retrained
from tuneoff.report.rows import (
    AUDITED,
    EVALUATION,
    HPARAM,
    KEYS,
    LEDGER_ROW,
    RETRAINED,
    TRIAL,
    audited_rows,
    cell_row,
    evaluation_rows,
    keys,
    retrained_rows,
    trial_rows,
)

__all__ = ["FAULTS", "HPARAM", "KEYS", "LEDGER", "UNENDED", "Frames", "build_frames", "faulty_trials", "load_frames", "of_cell"]

LEDGER = tuple(f.name for f in fields(Cost) if f.name.endswith("_seconds"))
"""Where busy device-seconds went; their sum is `busy_seconds`."""
UNENDED = ledger.UNENDED
"""Status of a trial whose end is not recorded (the cell was killed, or still runs)."""


@dataclass(frozen=True, kw_only=True)
class Frames:
    """evaluations: a row an evaluation, in known order. trials: a row a trial. cells: a row a cell.
    retrained: a row a run of a cell's winner on a new seed, at its end (in no other frame). audited: a row an evaluation of a
    stopped trial that went on after the search (in no other frame). ledger: see report.ledger.

    All have the columns study, task, model, protocol, metric, algorithm (its label), repeat, cell, finished, variant.
    """

    evaluations: pd.DataFrame
    trials: pd.DataFrame
    cells: pd.DataFrame
    retrained: pd.DataFrame
    audited: pd.DataFrame
    ledger: pd.DataFrame
    algorithms: Algorithms
    repairs: tuple[str, ...] = ()
    """One sentence for each log whose last line was half-written."""

    def blocks(self) -> Iterator[tuple[Block, Frames]]:
        """The frames of each task-model (and protocol and metric), in alphabetical order; of each variant of its data, if
        there are several (see Block)."""
        names = ["task", "model", "protocol", "metric"]
        for values, cells in self.cells.groupby(names, sort=True):
            named = dict(zip(names, map(str, values), strict=True))
            differs = tuple(name for name in IDENTITY if cells[name.replace(" ", "_")].nunique() > 1)
            for variant in sorted(cells["variant"].unique(), key=lambda v: str(cells.loc[cells["variant"] == v, "cell"].min())):
                block = Block(**named, variant=str(variant) if differs else "", differs=differs)
                yield block, self._only(**named, variant=variant)

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
            audited=keep(self.audited),
            ledger=keep(self.ledger),
            algorithms=self.algorithms,
            repairs=self.repairs,
        )


def of_cell(frame: pd.DataFrame, cell: str) -> pd.DataFrame:
    """The rows of one cell, in their order."""
    return frame[frame["cell"] == cell].reset_index(drop=True)


def load_frames(study: Path, price: Price | None = None) -> Frames:
    """The frames of a study's folder; with `price`, dollars are at that price instead of the header's."""
    cells = read_cells(study)
    return build_frames(cells, price, read_retrained(cells), read_audits(cells))


def build_frames(
    cells: Sequence[Cell],
    price: Price | None = None,
    retrained: Mapping[str, Cell] | None = None,
    audits: Mapping[str, Cell] | None = None,
) -> Frames:
    """retrained, audits: further logs by cell name. RecordError where a record lacks its metric, a header its price or size."""
    ordered, logs = sorted(cells, key=cell_name), retrained or {}
    algorithms = Algorithms.of_headers(cell.header for cell in ordered)
    label = {cell.header.algorithm: algorithms.label(cell.header.algorithm) for cell in ordered}
    labelled = [(cell, label[cell.header.algorithm]) for cell in ordered]
    trials = [list(trial_rows(cell, name)) for cell, name in labelled]
    again = [logs[name] for name in map(cell_name, ordered) if name in logs]
    gone_on = [(cell, name, (audits or {}).get(cell_name(cell))) for cell, name in labelled]
    shared = [(cell, keys(cell, name)) for cell, name in labelled]
    book = [{**own, **row} for cell, own in shared for row in ledger.ledger(cell).to_dict("records")]
    return Frames(
        evaluations=_frame([row for cell, name in labelled for row in evaluation_rows(cell, name, price)], EVALUATION),
        trials=_frame([row for rows in trials for row in rows], TRIAL),
        cells=pd.DataFrame([cell_row(cell, name, own, price) for (cell, name), own in zip(labelled, trials, strict=True)]),
        retrained=_frame([row for log in again for row in retrained_rows(log, label[log.header.algorithm], price)], RETRAINED),
        audited=_frame(
            [row for cell, name, log in gone_on if log is not None for row in audited_rows(cell, log, name, price)], AUDITED
        ),
        ledger=_frame(book, LEDGER_ROW),
        algorithms=algorithms,
        repairs=tuple(f"{cell_name(c)}: {c.repaired}" for c in (*ordered, *again) if c.repaired),
    )


def _frame(rows: list[dict[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    """The rows, with the fixed columns first (there even where no cell has a row), then the hyperparameters'."""
    if not rows:
        return pd.DataFrame({name: pd.Series(dtype=object) for name in columns})
    frame = pd.DataFrame(rows)
    return frame[[*columns, *(name for name in frame.columns if name not in columns)]]


FAULTS = ("diverged", "failed", "interrupted")
"""Statuses of trials that went wrong; beside them a trial may have collapsed to one answer."""


def faulty_trials(trials: pd.DataFrame) -> pd.DataFrame:
    """The trials that went wrong, with `fault`: the status where it is one of FAULTS, or `collapsed`."""
    if trials.empty:
        return trials.assign(fault=None)
    fault = trials["status"].where(trials["status"].isin(FAULTS))
    fault = fault.where(fault.notna() | ~trials["collapsed"].astype(bool), "collapsed")
    return trials.assign(fault=fault)[fault.notna()]
