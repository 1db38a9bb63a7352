"""The hyperparameters that each search found: those of its best repeat, and of every repeat in the file of numbers."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from tuneoff.records.winner import short_value
from tuneoff.report import wording
from tuneoff.report.cells import Block
from tuneoff.report.frames import Frames
from tuneoff.report.tables._shared import caption, scope_note
from tuneoff.report.tables._table import Table

SECTION, RANK = "body", 5


def table(block: Block, frames: Frames) -> Table | None:
    """A row an algorithm: its repeat with the best validation score, and the hyperparameters found there. None where no search
    is finished."""
    cells = frames.finished().cells
    cells = cells[cells["winner_hparams"] != ""].reset_index(drop=True)
    if cells.empty:
        return None
    values: list[dict[str, Any]] = [json.loads(text) for text in cells["winner_hparams"]]
    names = list(dict.fromkeys(name for found in values for name in found))
    rows = []
    for algorithm in frames.algorithms.order(cells["algorithm"]):
        own = cells[cells["algorithm"] == algorithm].sort_values(["validation", "repeat"], ascending=[False, True])
        best, found = own.iloc[0], values[own.index[0]]
        rows.append(
            (
                algorithm,
                f"{best['repeat']} of {len(own)}",
                wording.score([best["validation"]], block.metric),
                wording.score([best["test"]], block.metric),
                *(short_value(found[name]) if name in found else "–" for name in names),
                str(best["winner_changes"]),
            )
        )
    columns = ("Algorithm", "Repeat", f"Val {wording.short_metric(block.metric)}", f"Test {wording.short_metric(block.metric)}")
    return Table(
        title=f"{block.title}: what was found",
        caption=caption(block, cells),
        columns=(*columns, *names, "Changes"),
        rows=tuple(rows),
        numbers=_numbers(cells, values, names),
        notes=(*scope_note(block), *_notes(cells)),
    )


def _numbers(cells: pd.DataFrame, values: list[dict[str, Any]], names: list[str]) -> pd.DataFrame:
    """A row a finished search."""
    shown = cells[["algorithm", "repeat", "cell", "validation", "test", "winner_changes", "winner_command"]].copy()
    for place, name in enumerate(names):
        shown.insert(5 + place, name, pd.Series([found.get(name) for found in values], dtype=object))
    return shown


def _notes(cells: pd.DataFrame) -> list[str]:
    notes = [
        "Of each search the repeat with the best validation score, whose test score is therefore too good to compare searches "
        "by. Every repeat, with the command that trains its winner, is in winners.csv and in the search's winner.yaml."
    ]
    if (cells["winner_changes"] > 0).any():
        notes.append(
            "Changes: how often a population changed the hyperparameters on the way to the winning weights. Those of the last "
            "interval are shown; winner.yaml has the schedule, and its command follows it."
        )
    return notes
