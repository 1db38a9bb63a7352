"""MRPC and RTE, from a folder of GLUE's tab-separated files or from the hub."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tuneoff.task.base import UNLABELLED, Task, TaskError, TextSplit
from tuneoff.task.settings import GlueSettings
from tuneoff.task.sources.columns import Table
from tuneoff.task.sources.delimited import read_delimited
from tuneoff.task.sources.hub import load_from_hub
from tuneoff.task.sources.labels import index_labels, label_column
from tuneoff.task.sources.rows import text_column
from tuneoff.task.sources.text import user_path


@dataclass(frozen=True, kw_only=True)
class GlueFormat:
    """How the files of one task look. Columns and labels as in the files, label_names as on the hub, same order."""

    label_names: tuple[str, ...]
    labels_in_files: tuple[str, ...]
    text_a: str
    text_b: str
    label: str
    test_files: tuple[str, ...]
    """The first that exists is read."""
    metrics: tuple[str, ...]


FORMATS = {
    "mrpc": GlueFormat(
        label_names=("not_equivalent", "equivalent"),
        labels_in_files=("0", "1"),
        text_a="#1 String",
        text_b="#2 String",
        label="Quality",
        test_files=("msr_paraphrase_test.txt", "test.tsv"),
        metrics=("accuracy", "f1"),
    ),
    "rte": GlueFormat(
        label_names=("entailment", "not_entailment"),
        labels_in_files=("entailment", "not_entailment"),
        text_a="sentence1",
        text_b="sentence2",
        label="label",
        test_files=("test.tsv",),
        metrics=("accuracy",),
    ),
}


def load_glue(settings: GlueSettings) -> Task:
    layout = FORMATS[settings.kind]
    if settings.files is None:
        splits, source = load_from_hub(settings.kind, layout.label_names)
    else:
        folder = user_path(settings.files, "task.files")
        splits, source = _load_files(folder, layout), f"GLUE files in {folder.absolute()}"
    return Task(
        name=settings.name, label_names=layout.label_names, splits=splits, source=source, metrics=layout.metrics, positive=1
    )


def _load_files(folder: Path, layout: GlueFormat) -> dict[str, TextSplit]:
    if not folder.is_dir():
        raise TaskError(
            f"task.files is {str(folder)!r}, but there is no such folder: give the folder that holds "
            "train.tsv and dev.tsv, or null for the hub"
        )
    names = {"train": "train.tsv", "dev": "dev.tsv"}
    test = next((name for name in layout.test_files if (folder / name).is_file()), None)
    if test is not None:
        names["test"] = test
    splits = {}
    for split, name in names.items():
        table = read_delimited(folder / name, setting="task.files", delimiter="\t", quoting="none")
        splits[split] = _to_split(table, split, layout)
    return splits


def _to_split(table: Table, split: str, layout: GlueFormat) -> TextSplit:
    text_a, text_b = (text_column(table, name, "task.files") for name in (layout.text_a, layout.text_b))
    if not text_a:
        raise TaskError(f"{table.path} (task.files) has a header but no rows: download it again")
    if split == "test" and layout.label not in table.columns:
        label = np.full(len(table), UNLABELLED, dtype=np.int64)
    else:
        labels = label_column(table, layout.label, "task.files")
        label = index_labels(table, labels, layout.labels_in_files, split=split, setting="task.files")
    if split != "test" and (label == UNLABELLED).any():
        raise TaskError(f"{table.path} (task.files) has no labels, but {split} needs them: download it again")
    return TextSplit(text_a=text_a, text_b=text_b, label=label)
