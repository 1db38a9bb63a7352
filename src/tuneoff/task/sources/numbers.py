"""A column of numbers, such as scores of similarity, checked."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from tuneoff.task.base import TaskError
from tuneoff.task.sources.columns import Table, shown

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")


def number_column(table: Table, name: str, split: str, limits: tuple[float, float]) -> NDArray[np.float64]:
    """float64 (n,); NaN throughout for a test file without the column, whose numbers are hidden.

    Raises TaskError for a text that is no number, or a number outside `limits`.
    """
    if split == "test" and name not in table.columns:
        return np.full(len(table), np.nan)
    low, high = limits
    numbers = []
    for row, value in enumerate(table.column(name, "task.files")):
        text = str(value).strip()
        number = float(text) if _NUMBER.fullmatch(text) else None
        if number is None or not low <= number <= high:
            raise TaskError(
                f"{table.place(row)}: column {name!r} (task.files) is {shown(value)}, but it must be a number from {low:g} to "
                f"{high:g}: download the file again"
            )
        numbers.append(number)
    return np.array(numbers, dtype=np.float64)
