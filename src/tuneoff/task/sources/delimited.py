"""CSV and TSV: a header line, then rows, with or without quoting.

A general CSV reader turns the text NA into a missing value and reads GLUE's stray quote marks as quoting, which merges
rows silently. So text is read as text here, and a row with the wrong number of fields is an error with its line number.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tuneoff.task.base import TaskError
from tuneoff.task.sources.columns import Table, shown
from tuneoff.task.sources.text import read_text, split_lines

_Rows = list[tuple[int, list[str]]]
_OTHER_DELIMITERS = (";", "|")
_QUOTED = re.compile(r'"([^"]*(?:""[^"]*)*)"')


def read_delimited(
    path: Path, *, setting: str, delimiter: str, quoting: str, header: Sequence[str] = (), skip_broken: bool = False
) -> Table:
    """quoting="none" splits on every delimiter and newline, quote marks are text; "double" reads "..." with "" inside.

    header: the columns of a file that has no header line. skip_broken: lines with another number of fields are left out and
    counted, as published code leaves them out; otherwise one is an error.
    """
    text = read_text(path, setting)
    numbered = _split_plain(text, delimiter) if quoting == "none" else _split_quoted(path, text, delimiter)
    while numbered and numbered[-1][1] in ([], [""]):
        numbered.pop()
    if not numbered:
        raise TaskError(f"{setting} is {str(path)!r}, but the file is empty: it needs a header line and rows")
    if header:
        numbered = [(0, list(header)), *numbered]
    header = numbered[0][1]
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated:
        raise TaskError(
            f"{path}, line 1, names the column {shown(repeated[0])} twice, but names must differ: rename one or, where "
            "line 1 is data, put a header line before it"
        )
    lines = len(numbered)
    if skip_broken:
        numbered = [numbered[0], *(line for line in numbered[1:] if len(line[1]) == len(header))]
    _check_widths(path, numbered, delimiter, quoting)
    rows = [row for _, row in numbered[1:]]
    columns = dict(zip(header, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(header, ())
    places = [line for line, _ in numbered[1:]]
    broken = lines - len(numbered)
    return Table(path=path, columns=columns, places=places, delimiter=delimiter, quoting=quoting, broken_lines=broken)


def check_quotes_are_text(table: Table, name: str) -> None:
    """Raises TaskError where every quote mark of a column that was read without quoting looks like quoting."""
    values: Sequence[str] = table.columns.get(name, ())
    marked = [row for row, value in enumerate(values) if '"' in value]
    if marked and all(_looks_quoted(values[row]) for row in marked):
        raise TaskError(
            f"{table.place(marked[0])}: column {name!r} is {shown(values[marked[0]])}, which looks like quoting, as "
            "pandas.to_csv and spreadsheets write it, but the file is read without: set task.quoting=double, or "
            "task.quoting=none where all these quote marks are part of the text"
        )


def _looks_quoted(value: str) -> bool:
    """Whether it is written as pandas and spreadsheets write a text that has quote marks or carriage returns: doubled, and
    all in quote marks."""
    found = _QUOTED.fullmatch(value)
    return found is not None and ('""' in found[1] or "\r" in found[1])


def _check_widths(path: Path, numbered: _Rows, delimiter: str, quoting: str) -> None:
    """The first of `numbered` is the header: line 1, or line 0 where the file has none."""
    (first, header), other = numbered[0], "double" if quoting == "none" else "none"
    needs = "the header has" if first else f"its columns are {', '.join(header)}, which makes"
    if first and len(header) == 1 and (meant := next((mark for mark in _OTHER_DELIMITERS if mark in header[0]), None)):
        raise TaskError(
            f"{path}: its header {header[0]!r} is one column when read with task.delimiter {delimiter!r}, and looks separated "
            f"by {meant!r}: give 'task.delimiter=\"{meant}\"', with both pairs of quote marks"
        )
    for line, row in numbered[1:]:
        if len(row) != len(header):
            raise TaskError(
                f"{path}, line {line}, has {len(row)} fields, but {needs} {len(header)}: fix the "
                f"line, or if quote marks or separators are the cause, set task.quoting={other} or "
                f"task.delimiter (now {quoting} and {delimiter!r})"
            )


def _split_plain(text: str, delimiter: str) -> _Rows:
    return [(number, line.split(delimiter)) for number, line in enumerate(split_lines(text), start=1)]


def _split_quoted(path: Path, text: str, delimiter: str) -> _Rows:
    rows: _Rows = []
    with _fields_of_any_length(len(text)):
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        try:
            for row in reader:
                rows.append((reader.line_num, row))
        except csv.Error as error:
            raise TaskError(
                f"{path}, line {reader.line_num}, can't be read as quoted text ({error}): fix the quotes, or "
                "set task.quoting=none where quote marks are part of the text"
            ) from error
    return rows


@contextmanager
def _fields_of_any_length(longest: int) -> Iterator[None]:
    """The csv module refuses fields of over 131,072 characters, by a limit that is the whole process's."""
    before = csv.field_size_limit(max(longest, 1))
    try:
        yield
    finally:
        csv.field_size_limit(before)
