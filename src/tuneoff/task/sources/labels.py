"""A column of labels into class indices: what is one class, what is two, and what is neither."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuneoff.task.base import UNLABELLED, TaskError
from tuneoff.task.sources.columns import Table, shown
from tuneoff.task.sources.lookalikes import difference, shapes
from tuneoff.task.sources.rows import check_unicode

HIDDEN = "-1"
"""How the Hugging Face hub marks a row whose label is kept back."""
LARGEST = 10**300
_INTEGER = re.compile(r"[+-]?[0-9]{1,4000}")
_WHOLE_WITH_POINT = re.compile(r"[+-]?[0-9]{1,4000}\.0*")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+)")
_FRACTION = re.compile(r"[.,][0-9]*[1-9]")


def label_column(table: Table, name: str, setting: str) -> list[str | None]:
    """n labels as text: 1, 1.0, "1" and "1.0" are "1", surrounding blanks are dropped, None where the row has no label."""
    return [_label_text(table, row, name, setting, value) for row, value in enumerate(table.column(name, setting))]


def _label_text(table: Table, row: int, name: str, setting: str, value: Any) -> str | None:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        text = value.strip()
        check_unicode(table, row, name, text)
        return (str(int(text.partition(".")[0])) if _WHOLE_WITH_POINT.fullmatch(text) else text) or None
    if isinstance(value, int | float | Decimal) and math.isfinite(value):
        number = Decimal(value)
        if number != number.to_integral_value():
            raise _ask(table, row, name, setting, value)
        if abs(number) < LARGEST:
            return str(int(number))
    raise TaskError(
        f"{table.place(row)}: column {name!r} ({setting}) is {shown(value)}, but a label must be text or a "
        "whole number (classification only): name the column with the classes"
    )


def _ask(table: Table, row: int, name: str, setting: str, value: Any) -> TaskError:
    return TaskError(
        f"{table.place(row)}: column {name!r} ({setting}) is {shown(value)}, a number with a fraction. Classes, or numbers to "
        "predict? Where they are classes, write them as text ('4.5 stars') or bin them to whole numbers; to predict "
        "numbers give task.regression=true"
    )


def class_names(table: Table, name: str, setting: str) -> tuple[str, ...]:
    """The classes of a training table, ordered. Raises TaskError where two of them print alike, or where they may be no
    classes.

    By value if all are whole numbers (2 before 10), else by code point.
    """
    labels = label_column(table, name, setting)
    first: dict[str, int] = {}
    for row, label in enumerate(labels):
        if label is not None:
            first.setdefault(label, row)
    if first and all(_NUMBER.fullmatch(label) for label in first):
        for label, row in first.items():
            if _FRACTION.search(label):
                raise _ask(table, row, name, setting, label)
    names = ordered_names(table, first, setting)
    if len(names) > 3 and names == tuple(map(str, range(-1, len(names) - 1))):
        raise TaskError(
            f"{table.place(first[HIDDEN])}: the label is -1 ({setting}) and the others are 0 to {len(names) - 2}, but the "
            "Hugging Face hub writes -1 for a row without a label: remove those rows or, where -1 is a class, give it a name"
        )
    return names


def ordered_names(table: Table, first: dict[str, int], setting: str) -> tuple[str, ...]:
    """The labels in order, see class_names. first: the row in which each occurs first.

    Raises TaskError where two of them print alike.
    """
    _refuse_lookalikes(table, setting, first)
    return _order(first)


def _refuse_lookalikes(table: Table, setting: str, first: dict[str, int]) -> None:
    """first: the row in which each label occurs first."""
    seen: dict[str, str] = {}
    for label, row in first.items():
        if "" in shapes(label):
            raise TaskError(f"{table.place(row)}: the label {label!a} ({setting}) prints as nothing: write it in letters")
        for shape in shapes(label):
            other = seen.setdefault(shape, label)
            if other != label:
                raise TaskError(
                    f"{table.place(row)}: the label {shown(label, ascii)} ({setting}) looks like {shown(other, ascii)} of "
                    f"{table.place(first[other])}. They differ only in {difference(label, other)}, but would be two classes: "
                    "write them alike, or name them so that they can be told apart"
                )


def _order(labels: Iterable[str]) -> tuple[str, ...]:
    distinct = set(labels)
    if all(_INTEGER.fullmatch(label) for label in distinct):
        return tuple(sorted(distinct, key=lambda label: (int(label), label)))
    return tuple(sorted(distinct))


def index_labels(
    table: Table, labels: Sequence[str | None], names: Sequence[str], *, split: str, setting: str
) -> NDArray[np.int64]:
    """int64 (n,). All labels missing or, unless -1 is a class, -1 gives UNLABELLED throughout.

    Some missing, or one unknown, is a TaskError.
    """
    if all(label is None or (label == HIDDEN and HIDDEN not in names) for label in labels):
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
                f"{table.place(row)}: the {split} row has the label {shown(label, ascii)} ({setting}), but the known "
                f"labels are {', '.join(map(repr, names))}: {_remedy(label, names)}"
            )
    return np.array([index[label] for label in labels if label is not None], dtype=np.int64)


def _remedy(label: str, names: Sequence[str]) -> str:
    alike = next((name for name in names if set(shapes(name)) & set(shapes(label))), None)
    if alike is not None:
        return f"it differs from {alike!a} only in {difference(label, alike)}, write it as there"
    if label == HIDDEN:
        return "-1 marks a row without a label, which all rows of a split must be, or none"
    return "fix the label, or add rows with it to train"
