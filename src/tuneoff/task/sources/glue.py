"""GLUE's nine tasks, from a folder of its own tab-separated files or from the hub."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tuneoff.task.base import UNLABELLED, Task, TaskError, TextSplit
from tuneoff.task.settings import GlueSettings
from tuneoff.task.sources.columns import Table
from tuneoff.task.sources.delimited import read_delimited
from tuneoff.task.sources.glue_formats import FORMATS, GlueFormat
from tuneoff.task.sources.hub import load_from_hub
from tuneoff.task.sources.labels import index_labels, label_column
from tuneoff.task.sources.numbers import number_column
from tuneoff.task.sources.rows import text_column
from tuneoff.task.sources.text import user_path

MOST_LEFT_OUT = 0.01
"""Of the rows of a file. GLUE's QQP lacks texts in fewer than 1 in 10,000."""


def load_glue(settings: GlueSettings) -> Task:
    layout = FORMATS[settings.kind]
    if settings.files is None:
        splits, source, left_out = load_from_hub(settings.kind, layout)
    else:
        folder = user_path(settings.files, "task.files")
        splits, left_out = _load_files(folder, layout)
        source = f"GLUE files in {folder.absolute()}"
    lost = ", ".join(f"{n} of {split}" for split, n in left_out.items() if n)
    return Task(
        name=settings.name,
        kind=layout.kind,
        label_names=layout.label_names,
        splits=splits,
        source=source + (f" (rows that lack a text left out: {lost})" if lost else ""),
        metrics=layout.metrics,
        positive=layout.positive,
    )


def _load_files(folder: Path, layout: GlueFormat) -> tuple[dict[str, TextSplit], dict[str, int]]:
    """The splits, and how many rows of each lack a text."""
    if not folder.is_dir():
        raise TaskError(
            f"task.files is {str(folder)!r}, but there is no such folder: give the folder that holds "
            f"train.tsv and {layout.dev_file}, or null for the hub"
        )
    if not (folder / "train.tsv").is_file() and (folder / layout.folder / "train.tsv").is_file():
        raise TaskError(
            f"task.files is {str(folder)!r}, which holds all of GLUE: give this task's own folder, "
            f"task.files={folder / layout.folder}"
        )
    names = {"train": "train.tsv", "dev": layout.dev_file}
    test = next((name for name in layout.test_files if (folder / name).is_file()), None)
    if test is not None:
        names["test"] = test
    splits, left_out = {}, {}
    for split, name in names.items():
        table = read_delimited(
            folder / name,
            setting="task.files",
            delimiter="\t",
            quoting="none",
            header=layout.header if split != "test" else (),
            skip_broken=layout.incomplete_rows,
        )
        table, left_out[split] = _with_texts(table, layout) if layout.incomplete_rows else (table, 0)
        splits[split] = _to_split(table, split, layout)
    return splits, left_out


def _with_texts(table: Table, layout: GlueFormat) -> tuple[Table, int]:
    """The rows that have all their texts, and how many have not. Raises TaskError where these are too many for a whole file."""
    columns = [table.column(name, "task.files") for name in (layout.text_a, layout.text_b) if name is not None]
    rows = [row for row, texts in enumerate(zip(*columns, strict=True)) if all(text.strip() for text in texts)]
    lines = len(table) + table.broken_lines
    lost = lines - len(rows)
    if lost > MOST_LEFT_OUT * lines:
        raise TaskError(
            f"{table.path} (task.files): {lost} of {lines} rows lack a text or have another number of fields than the header, "
            f"{len(table.columns)}, and at most {100 * MOST_LEFT_OUT:g} % are left out: download it again"
        )
    return table.take(rows), lost


def _to_split(table: Table, split: str, layout: GlueFormat) -> TextSplit:
    text_a = text_column(table, layout.text_a, "task.files")
    text_b = None if layout.text_b is None else text_column(table, layout.text_b, "task.files")
    if not text_a:
        raise TaskError(f"{table.path} (task.files) has a header but no rows: download it again")
    if layout.kind == "regression":
        return TextSplit(text_a=text_a, text_b=text_b, label=number_column(table, layout.label, split, layout.limits))
    if split == "test" and layout.label not in table.columns:
        label = np.full(len(table), UNLABELLED, dtype=np.int64)
    else:
        labels = label_column(table, layout.label, "task.files")
        label = index_labels(table, labels, layout.labels_in_files, split=split, setting="task.files")
    if split != "test" and (label == UNLABELLED).any():
        raise TaskError(f"{table.path} (task.files) has no labels, but {split} needs them: download it again")
    return TextSplit(text_a=text_a, text_b=text_b, label=label)
