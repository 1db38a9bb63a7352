"""JSON lines: one object a line."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from tuneoff.task.base import TaskError
from tuneoff.task.sources.columns import Table
from tuneoff.task.sources.text import read_text, split_lines

LONGEST_WHOLE_NUMBER = 4000
"""Characters. Python refuses to convert longer ones."""


class _Repeated(dict[str, Any]):
    """An object that has `key` twice."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        names = [name for name, _ in pairs]
        self.key = next(name for name in names if names.count(name) > 1)


def read_jsonl(path: Path, setting: str) -> Table:
    """Blank lines are skipped. A key that a line lacks is None there."""
    rows: list[dict[str, Any]] = []
    places: list[int] = []
    for number, line in enumerate(split_lines(read_text(path, setting)), start=1):
        if line.strip():
            rows.append(_parse(f"{path}, line {number},", line))
            places.append(number)
    names = dict.fromkeys(name for row in rows for name in row)
    return Table(path=path, columns={name: [row.get(name) for row in rows] for name in names}, places=places)


def _parse(place: str, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line, object_pairs_hook=_object, parse_int=_whole_number)
    except json.JSONDecodeError as error:
        whole = " (a file of one JSON array is another format: write one object a line)" if line.lstrip()[0] == "[" else ""
        raise TaskError(f"{place} is not JSON ({error}): each line must be one object{whole}") from error
    except RecursionError as error:
        raise TaskError(f"{place} is nested too deeply to be read: each line must be one object with text and label") from error
    if not isinstance(row, dict):
        raise TaskError(
            f"{place} is a JSON {type(row).__name__}, but each line must be one object, "
            'such as {"text": "...", "label": "..."}'
        )
    if isinstance(row, _Repeated):
        raise TaskError(f"{place} has the key {row.key!r} twice, but names must differ: remove or rename one")
    return row


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else _Repeated(pairs)


def _whole_number(digits: str) -> int | Decimal:
    return int(digits) if len(digits) <= LONGEST_WHOLE_NUMBER else Decimal(digits)
