"""A column of numbers, such as scores of similarity, checked."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuneoff.errors import is_number
from tuneoff.task.base import TaskError
from tuneoff.task.sources.columns import Table, shown

LARGEST_MEAN, SMALLEST_DEVIATION, LARGEST_DEVIATION = 10.0, 0.05, 10.0
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")


def number_column(table: Table, name: str, split: str, limits: tuple[float, float]) -> NDArray[np.float64]:
    """Of GLUE's files: float64 (n,); NaN throughout for a test file without the column, whose numbers are hidden.

    Raises TaskError for a text that is no number, or a number outside `limits`.
    """
    if split == "test" and name not in table.columns:
        return np.full(len(table), np.nan)
    low, high = limits
    numbers = []
    for row, value in enumerate(table.column(name, "task.files")):
        number = _number(value)
        if number is None or not low <= number <= high:
            raise TaskError(
                f"{table.place(row)}: column {name!r} (task.files) is {shown(value)}, but it must be a number from {low:g} to "
                f"{high:g}: download the file again"
            )
        numbers.append(number)
    return np.array(numbers, dtype=np.float64)


def own_numbers(table: Table, name: str, split: str, setting: str) -> NDArray[np.float64]:
    """Of an own table: float64 (n,); NaN throughout for a test file without the column, or with it empty.

    Raises TaskError where a row has no number, and for a train file whose numbers a network can't learn as they are.
    """
    if split == "test" and name not in table.columns:
        return np.full(len(table), np.nan)
    column = table.column(name, setting)
    if split == "test" and all(_missing(value) for value in column):
        return np.full(len(table), np.nan)
    numbers = []
    for row, value in enumerate(column):
        number = _number(value)
        if number is None:
            remedy = "write it as 4.5" if "," in str(value) else "give each row one, or leave the row out"
            raise TaskError(
                f"{table.place(row)}: column {name!r} ({setting}) is {shown(value)}, but task.regression=true needs a number: "
                f"{remedy}"
            )
        numbers.append(number)
    found = np.array(numbers, dtype=np.float64)
    if split == "train":
        _must_be_learnable(table, name, setting, found)
    return found


def _must_be_learnable(table: Table, name: str, setting: str, numbers: NDArray[np.float64]) -> None:
    """Raises TaskError for numbers far from those that a new head gives: at the usual learning rates it would not get there."""
    mean, deviation = float(numbers.mean()), float(numbers.std())
    if numbers.min() == numbers.max():
        raise TaskError(
            f"{setting} is {name!r}, but that column of {table.path} is {numbers[0]:g} in every row: there is nothing to learn"
        )
    if abs(mean) > LARGEST_MEAN or not SMALLEST_DEVIATION <= deviation <= LARGEST_DEVIATION:
        digits = max(0, 2 - math.floor(math.log10(deviation)))  # of the mean: a hundredth of the deviation is enough
        raise TaskError(
            f"{setting} is {name!r}, but that column of {table.path} has mean {mean:.4g} and standard deviation "
            f"{deviation:.4g}, and a network's answers begin near 0: it learns numbers like them (mean within "
            f"{LARGEST_MEAN:g} of 0, deviation from {SMALLEST_DEVIATION:g} to {LARGEST_DEVIATION:g}): write "
            f"({name} - ({mean:.{digits}f})) / {deviation:.4g} in all files, and turn its answers back by the same numbers"
        )


def _number(value: Any) -> float | None:
    """None for anything but a finite number."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float | Decimal):
        return float(value) if is_number(value) or (isinstance(value, Decimal) and value.is_finite()) else None
    text = str(value).strip()
    return float(text) if _NUMBER.fullmatch(text) and math.isfinite(float(text)) else None


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value)) or str(value).strip() == ""
