"""Readers of CSV, TSV, JSONL and Parquet that never guess: no value becomes "missing", no quote is dropped in passing.

A general CSV reader turns the text NA into a missing value and reads GLUE's stray quote marks as quoting, which merges
rows silently. So text is read as text here, and a row with the wrong number of fields is an error with its line number.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuneoff.task.base import TaskError

SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet")


@dataclass(frozen=True, kw_only=True)
class Table:
    """Columns of n values each, as the file has them: text from CSV and TSV, JSON or Arrow values otherwise.

    places: where each row is, for messages: its last line in a text file, its row number (from 1) in Parquet.
    """

    path: Path
    columns: Mapping[str, Sequence[Any]]
    places: Sequence[int]
    unit: str = "line"

    def __len__(self) -> int:
        return len(self.places)

    def place(self, row: int) -> str:
        return f"{self.path}, {self.unit} {self.places[row]}"

    def column(self, name: str, setting: str) -> Sequence[Any]:
        """Raises TaskError naming the columns there are."""
        if name not in self.columns:
            raise TaskError(
                f"{setting} is {name!r}, but {self.path} has no such column: it has {', '.join(map(repr, self.columns))}"
            )
        return self.columns[name]


def read_table(path: Path, *, setting: str, delimiter: str | None = None, quoting: str | None = None) -> Table:
    """The whole file, by its extension. `setting` is what an error message blames for the path."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise TaskError(
            f"{setting} is {str(path)!r}, but tables are read by their extension: rename or convert the "
            f"file to one of {', '.join(SUFFIXES)}"
        )
    if suffix == ".parquet":
        return _read_parquet(path, setting)
    if suffix == ".jsonl":
        return _read_jsonl(path, read_text(path, setting))
    delimiter = delimiter or ("," if suffix == ".csv" else "\t")
    quoting = quoting or ("double" if suffix == ".csv" else "none")
    return read_delimited(path, setting=setting, delimiter=delimiter, quoting=quoting)


def read_delimited(path: Path, *, setting: str, delimiter: str, quoting: str) -> Table:
    """A header line, then rows. quoting="none" splits on every delimiter and newline, quote marks are text."""
    text = read_text(path, setting)
    numbered = _split_plain(text, delimiter) if quoting == "none" else _split_quoted(path, text, delimiter)
    while numbered and numbered[-1][1] in ([], [""]):
        numbered.pop()
    if not numbered:
        raise TaskError(f"{setting} is {str(path)!r}, but the file is empty: it needs a header line and rows")
    header = numbered[0][1]
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated:
        raise TaskError(f"{path}, line 1, names the column {repeated[0]!r} twice, but names must differ: rename one")
    other = "double" if quoting == "none" else "none"
    for line, row in numbered[1:]:
        if len(row) != len(header):
            raise TaskError(
                f"{path}, line {line}, has {len(row)} fields, but the header has {len(header)}: mend the "
                f"line, or if quote marks or separators are the cause, set task.quoting={other} or "
                f"task.delimiter (now {quoting} and {delimiter!r})"
            )
    rows = [row for _, row in numbered[1:]]
    columns = dict(zip(header, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(header, ())
    return Table(path=path, columns=columns, places=[line for line, _ in numbered[1:]])


def read_text(path: Path, setting: str) -> str:
    """UTF-8 with or without a byte-order mark; line ends are kept as they are."""
    if not path.is_file():
        raise TaskError(f"{setting} is {str(path)!r}, but there is no such file: {_neighbours(path)}")
    data = path.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise TaskError(
            f"{path}, line {line}, is not UTF-8 (byte 0x{data[error.start]:02x}): save the file as UTF-8, "
            "for example with iconv -f WINDOWS-1252 -t UTF-8"
        ) from error


def _neighbours(path: Path) -> str:
    folder = path.parent
    if path.is_dir():
        return "it is a folder, give the path of one file in it"
    if not folder.is_dir():
        return f"its folder {folder.absolute()} does not exist either, give an absolute path"
    names = sorted(p.name for p in folder.iterdir() if p.is_file())
    listed = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    return f"give one that exists ({folder.absolute()} has {listed or 'no files'})"


def _split_plain(text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    # Not splitlines(): that also breaks at U+2028, U+0085 and the like, which may stand inside a sentence.
    lines = (line.removesuffix("\r") for line in text.split("\n"))
    return [(number, line.split(delimiter)) for number, line in enumerate(lines, start=1)]


def _split_quoted(path: Path, text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[tuple[int, list[str]]] = []
    try:
        for row in reader:
            rows.append((reader.line_num, row))
    except csv.Error as error:
        raise TaskError(
            f"{path}, line {reader.line_num}, can't be read as quoted text ({error}): mend the quotes, or "
            "set task.quoting=none where quote marks are part of the text"
        ) from error
    return rows


def _read_jsonl(path: Path, text: str) -> Table:
    rows: list[dict[str, Any]] = []
    places: list[int] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise TaskError(f"{path}, line {number}, is not JSON ({error}): each line must be one object") from error
        if not isinstance(row, dict):
            raise TaskError(
                f"{path}, line {number}, is a JSON {type(row).__name__}, but each line must be one object, "
                'such as {"text": "...", "label": "..."}'
            )
        rows.append(row)
        places.append(number)
    names = dict.fromkeys(name for row in rows for name in row)
    return Table(path=path, columns={name: [row.get(name) for row in rows] for name in names}, places=places)


def _read_parquet(path: Path, setting: str) -> Table:
    import pyarrow
    from pyarrow import parquet

    if not path.is_file():
        raise TaskError(f"{setting} is {str(path)!r}, but there is no such file: {_neighbours(path)}")
    try:
        columns = parquet.read_table(path).to_pydict()
    except pyarrow.ArrowException as error:
        raise TaskError(f"{path} can't be read as Parquet ({str(error).splitlines()[0]}): write it again") from error
    rows = len(next(iter(columns.values()), ()))
    return Table(path=path, columns=columns, places=range(1, rows + 1), unit="row")
