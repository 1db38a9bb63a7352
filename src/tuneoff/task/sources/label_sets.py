"""Several labels a row: in one column, with a separator between them, or a column of 0 and 1 for each label."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tuneoff.task.base import UNLABELLED, TaskError
from tuneoff.task.settings import TableSettings
from tuneoff.task.sources.columns import Table, shown
from tuneoff.task.sources.labels import label_column, ordered_names

LABEL = "task.label"
_FLAGS = {"0": 0, "1": 1, "false": 0, "true": 1}


def set_names(train: Table, settings: TableSettings) -> tuple[str, ...]:
    """The labels, ordered as classes are: the named columns, or what stands between separators in train."""
    if isinstance(settings.label, tuple):
        for name in settings.label:
            train.column(name, LABEL)
        return settings.label
    first: dict[str, int] = {}
    for row, labels in enumerate(_split_column(train, settings)):
        for label in labels or ():
            first.setdefault(label, row)
    names = ordered_names(train, first, LABEL)
    if len(names) < 2:
        found = f"only the label {names[0]!r}" if names else "no labels"
        raise TaskError(
            f"task.label is {settings.label!r}, but with task.label_separator={settings.label_separator!r} that column of "
            f"{train.path} has {found}: several labels a row need at least two in all; name another column or separator"
        )
    return names


def index_sets(table: Table, names: tuple[str, ...], settings: TableSettings, split: str) -> NDArray[np.int64]:
    """int64 (n, labels), 0 or 1; UNLABELLED throughout for a test file without the columns, or with nothing in them."""
    columns = settings.label if isinstance(settings.label, tuple) else (settings.label,)
    hidden = np.full((len(table), len(names)), UNLABELLED, dtype=np.int64)
    if split == "test" and not any(name in table.columns for name in columns):
        return hidden
    found = _of_columns(table, columns, split) if isinstance(settings.label, tuple) else _of_one(table, names, settings, split)
    if found is not None:
        return found
    if split == "test":
        return hidden
    raise TaskError(
        f"task.label is {settings.label!r}, but no row of {table.path} has a label: {split} needs labels; label the rows"
        + ("" if split == "train" else f", or set task.{split}_file=null")
    )


def _split_column(table: Table, settings: TableSettings) -> list[tuple[str, ...] | None]:
    """The labels of each row; () where its field is empty."""
    assert isinstance(settings.label, str)
    assert settings.label_separator is not None
    texts = label_column(table, settings.label, LABEL)
    return [tuple(part.strip() for part in (text or "").split(settings.label_separator) if part.strip()) for text in texts]


def _of_one(table: Table, names: tuple[str, ...], settings: TableSettings, split: str) -> NDArray[np.int64] | None:
    """None where no row has a label."""
    index, rows = {name: i for i, name in enumerate(names)}, _split_column(table, settings)
    found = np.zeros((len(table), len(names)), dtype=np.int64)
    for row, labels in enumerate(rows):
        for label in labels or ():
            if label not in index:
                raise TaskError(
                    f"{table.place(row)}: the {split} row has the label {shown(label, ascii)} ({LABEL}), but the known labels "
                    f"are {', '.join(map(repr, names))}: fix the label, or add rows with it to train"
                )
            found[row, index[label]] = 1
    return found if found.any() else None


def _of_columns(table: Table, columns: tuple[str, ...], split: str) -> NDArray[np.int64] | None:
    """None where every field is empty."""
    texts = [label_column(table, name, LABEL) for name in columns]
    if all(text is None for column in texts for text in column):
        return None
    for name, column in zip(columns, texts, strict=True):
        for row, text in enumerate(column):
            if (text or "").lower() not in _FLAGS:
                raise TaskError(
                    f"{table.place(row)}: column {name!r} ({LABEL}) of the {split} row is {shown(text or '')}, but with "
                    "several columns each must be 1 where the row has that label and 0 where not: write 0 or 1"
                )
    return np.array([[_FLAGS[(text or "").lower()] for text in column] for column in texts], dtype=np.int64).T.copy()
