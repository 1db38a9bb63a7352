"""The user's own table: CSV, TSV, JSONL or Parquet; one or two text columns; classes, several labels a row, or numbers."""

from __future__ import annotations

import numpy as np

from tuneoff.task.base import UNLABELLED, Task, TaskError, TextSplit
from tuneoff.task.kinds import find_metric
from tuneoff.task.kinds.classification import rarer_class
from tuneoff.task.settings import TableSettings
from tuneoff.task.sources.columns import Table
from tuneoff.task.sources.delimited import check_quotes_are_text
from tuneoff.task.sources.files import read_table
from tuneoff.task.sources.label_sets import index_sets, set_names
from tuneoff.task.sources.labels import class_names, index_labels, label_column
from tuneoff.task.sources.numbers import own_numbers
from tuneoff.task.sources.rows import text_column
from tuneoff.task.sources.text import user_path

LABEL = "task.label"
METRICS = {
    "classification": ("accuracy", "macro_f1"),
    "multilabel": ("micro_f1", "macro_f1", "subset_accuracy"),
    "regression": ("pearson", "spearman"),
}
"""By the kind of task; the first is maximised."""


def load_table(settings: TableSettings) -> Task:
    """Splits for the files that are given. A test file without labels (no column, or all empty) is kept unlabelled."""
    files = {"train": settings.train_file, "dev": settings.dev_file, "test": settings.test_file}
    tables = {
        split: read_table(
            user_path(file, f"task.{split}_file"),
            setting=f"task.{split}_file",
            delimiter=settings.delimiter,
            quoting=settings.quoting,
        )
        for split, file in files.items()
        if file is not None
    }
    for table in tables.values():
        if table.quoting == "none" and settings.quoting is None:
            for name in (settings.text_a, settings.text_b, *settings.label_columns):
                check_quotes_are_text(table, name or "")
    names = () if settings.regression else _label_names(tables["train"], settings)
    splits = {split: _to_split(table, split, names, settings) for split, table in tables.items()}
    kind = "multilabel" if settings.multilabel else "regression" if settings.regression else "classification"
    return Task(
        name=settings.name,
        kind=kind,
        label_names=names,
        splits=splits,
        metrics=METRICS[kind],
        positive=_positive(settings, names, splits["train"]) if kind == "classification" else None,
        source="own table: " + ", ".join(f"{split} {table.path.name}" for split, table in tables.items()),
    )


def _label_names(train: Table, settings: TableSettings) -> tuple[str, ...]:
    if not len(train):
        raise TaskError(f"task.train_file is {settings.train_file!r}, but it has no rows: give one with labelled rows")
    if settings.multilabel:
        return set_names(train, settings)
    assert isinstance(settings.label, str)
    names = class_names(train, settings.label, LABEL)
    if len(names) < 2:
        found = f"only the label {names[0]!r}" if names else "no labels"
        raise TaskError(
            f"task.label is {settings.label!r}, but that column of {train.path} has {found}: "
            "classification needs at least two; name another column or add rows"
        )
    if len(names) == len(train) > 2:
        raise TaskError(
            f"task.label is {settings.label!r}, but that column of {train.path} differs in each of its "
            f"{len(train)} rows: name the column with the classes, not an identifier"
        )
    return names


def _positive(settings: TableSettings, names: tuple[str, ...], train: TextSplit) -> int | None:
    """The class that F1 is about: the named one, or the rarer of two in train."""
    if settings.positive is None:
        return rarer_class(train.label) if len(names) == 2 else None
    if settings.positive not in names:
        raise TaskError(
            f"task.positive is {settings.positive!r}, but it must be one of the labels, {', '.join(map(repr, names))}"
        )
    if not any(find_metric(name).needs_positive for name in settings.metrics or ()):
        raise TaskError(
            f"task.positive is {settings.positive!r}, but no metric of task.metrics is about one class: leave it out, or "
            "give task.metrics=[accuracy,f1]"
        )
    return names.index(settings.positive)


def _to_split(table: Table, split: str, names: tuple[str, ...], settings: TableSettings) -> TextSplit:
    if not len(table):
        raise TaskError(
            f"task.{split}_file is {str(table.path)!r}, but it has no rows: add rows, or set "
            f"task.{split}_file=null to have the protocol cut {split} from train"
        )
    text_a = text_column(table, settings.text_a, "task.text_a")
    text_b = None if settings.text_b is None else text_column(table, settings.text_b, "task.text_b")
    if settings.multilabel:
        return TextSplit(text_a=text_a, text_b=text_b, label=index_sets(table, names, settings, split))
    assert isinstance(settings.label, str)
    if settings.regression:
        return TextSplit(text_a=text_a, text_b=text_b, label=own_numbers(table, settings.label, split, LABEL))
    if split == "test" and settings.label not in table.columns:
        return TextSplit(text_a=text_a, text_b=text_b, label=np.full(len(table), UNLABELLED, dtype=np.int64))
    label = index_labels(table, label_column(table, settings.label, LABEL), names, split=split, setting=LABEL)
    if split != "test" and (label == UNLABELLED).all():
        raise TaskError(
            f"task.label is {settings.label!r}, but no row of {table.path} has one: {split} needs labels; "
            f"label the rows, or set task.{split}_file=null"
        )
    return TextSplit(text_a=text_a, text_b=text_b, label=label)
