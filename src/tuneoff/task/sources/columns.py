"""A table in memory: columns by name, and where each row stands in its file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tuneoff.task.base import TaskError

SHOWN_CHARACTERS = 80
SHOWN_NAMES = 20
SENTENCE_WORDS = 4
"""A name of a column with at least so many words is more likely a text."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """Columns of n values each, as the file has them: text from CSV and TSV, JSON or Arrow values otherwise.

    places: where each row is, for messages: its last line in a text file, its row number (from 1) in Parquet.
    delimiter, quoting: how a delimited file was read; None for JSONL and Parquet. broken_lines: how many lines were left out
    for their number of fields, where that was asked for.
    """

    path: Path
    columns: Mapping[str, Sequence[Any]]
    places: Sequence[int]
    unit: str = "line"
    delimiter: str | None = None
    quoting: str | None = None
    broken_lines: int = 0

    def __len__(self) -> int:
        return len(self.places)

    def place(self, row: int) -> str:
        return f"{self.path}, {self.unit} {self.places[row]}"

    def take(self, rows: Sequence[int]) -> Table:
        """The table with these rows only, in this order."""
        columns = {name: [values[row] for row in rows] for name, values in self.columns.items()}
        return replace(self, columns=columns, places=[self.places[row] for row in rows])

    def column(self, name: str, setting: str) -> Sequence[Any]:
        """Raises TaskError naming the columns there are, and the likely cause where the header gives one away."""
        if name in self.columns:
            return self.columns[name]
        names = [shown(column) for column in list(self.columns)[:SHOWN_NAMES]]
        listed = ", ".join(names) + (", ..." if len(self.columns) > SHOWN_NAMES else "")
        raise TaskError(f"{setting} is {name!r}, but {self.path} has no such column: it has {listed}{self._cause(name)}")

    def _cause(self, name: str) -> str:
        if self.delimiter is None:
            return ""
        if f'"{name}"' in self.columns:
            return ". Its fields are in quote marks: set task.quoting=double"
        if len(self.columns) == 1:
            return f". That is one column: set task.delimiter to what separates the columns (now {self.delimiter!r})"
        if self._header_is_data():
            return f". Line 1 looks like data, so there is no header line: put one before it, with {name!r} and the other names"
        return ""

    def _header_is_data(self) -> bool:
        """A name that occurs again below it, as a label does, or that is a sentence."""
        return any(
            len(column.split()) >= SENTENCE_WORDS or (column.strip() and column in values)
            for column, values in self.columns.items()
        )


def shown(value: object, spell: Callable[[object], str] = repr) -> str:
    """A value for a message, cut where it is long. spell: `ascii` where characters that look alike must be told apart."""
    text = spell(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[: SHOWN_CHARACTERS - 4]}...{text[-1]}"
