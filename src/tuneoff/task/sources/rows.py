"""From a table's columns to the rows of a split: texts that are there, labels that are known."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuneoff.task.base import UNLABELLED, TaskError
from tuneoff.task.sources.files import Table

_INTEGER = re.compile(r"[+-]?\d+")


def text_column(table: Table, name: str, setting: str) -> tuple[str, ...]:
    """n strings, as the file has them (no stripping). Raises TaskError where one is missing, empty or not text."""
    values = table.column(name, setting)
    for row, value in enumerate(values):
        if not isinstance(value, str) and value is not None:
            raise TaskError(
                f"{table.place(row)}: column {name!r} ({setting}) is {value!r}, but it must be text: name "
                "a column of text, or write the value as a string"
            )
        if value is None or not value.strip():
            raise TaskError(
                f"{table.place(row)}: column {name!r} ({setting}) is empty, but every row needs text: "
                "fill it in or remove the row"
            )
    _check_unicode(table, name, values)
    return tuple(values)


def _check_unicode(table: Table, name: str, values: Sequence[str]) -> None:
    """JSON can smuggle in half a surrogate pair, which no encoder accepts."""
    for row, value in enumerate(values):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise TaskError(
                f"{table.place(row)}: column {name!r} holds half a surrogate pair "
                f"({error.object[error.start]!a}), which is not text: write the character"
            ) from error


def label_column(table: Table, name: str, setting: str) -> list[str | None]:
    """n labels as text: 1, 1.0 and "1" are "1", surrounding blanks are dropped, None where the row has no label."""
    return [_label_text(table, row, name, setting, value) for row, value in enumerate(table.column(name, setting))]


def _label_text(table: Table, row: int, name: str, setting: str, value: Any) -> str | None:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return str(int(value))
    raise TaskError(
        f"{table.place(row)}: column {name!r} ({setting}) is {value!r}, but a label must be text or a "
        "whole number (classification only): name the column with the classes"
    )


def order_labels(labels: Iterable[str]) -> tuple[str, ...]:
    """Each label once: by value if all are whole numbers (2 before 10), else by code point."""
    distinct = set(labels)
    if all(_INTEGER.fullmatch(label) for label in distinct):
        return tuple(sorted(distinct, key=lambda label: (int(label), label)))
    return tuple(sorted(distinct))


def index_labels(
    table: Table, labels: Sequence[str | None], names: Sequence[str], *, split: str, setting: str
) -> NDArray[np.int64]:
    """int64 (n,). All labels missing gives UNLABELLED throughout; some missing, or one unknown, is a TaskError."""
    if all(label is None for label in labels):
        return np.full(len(labels), UNLABELLED, dtype=np.int64)
    index = {name: i for i, name in enumerate(names)}
    for row, label in enumerate(labels):
        if label is None:
            raise TaskError(
                f"{table.place(row)}: the {split} row has no label ({setting}), but {split} needs one in "
                "every row: label it or remove the row"
            )
        if label not in index:
            raise TaskError(
                f"{table.place(row)}: the {split} row has the label {label!r} ({setting}), but the known "
                f"labels are {', '.join(map(repr, names))}: mend the label, or add rows with it to train"
            )
    return np.array([index[label] for label in labels if label is not None], dtype=np.int64)
