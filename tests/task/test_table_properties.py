"""Any table, written by the libraries that people write tables with: read back equal, or one TaskError."""

from __future__ import annotations

import csv
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tuneoff.task import Task, TaskError, TaskSettings, TextSplit, load_task
from tuneoff.task.sources.lookalikes import shapes

NASTY = [
    '"',
    '""',
    ",",
    ";",
    "\t",
    "\n",
    "\r",
    "\r\n",
    "\u2028",
    "\x85",
    "\0",
    "\ufeff",
    "\u200b",
    "\u202e",
    "\u05d0",
    "\u0301",
]
NASTY += ["\U0001f600", "\\", "'", "NA", "#", "=1"]
"""Quotes, separators, every kind of line end, NUL, marks, right-to-left, emoji, combining, escapes."""
characters = st.one_of(st.sampled_from(NASTY), st.characters(exclude_categories=["Cs"]))
texts = st.lists(characters, min_size=1, max_size=8).map("".join)
KNOWN = [
    "yes",
    "no",
    "0",
    "1",
    "0.0",
    "-1",
    "01",
    "NA",
    "Yes",
    "y\u0435s",
    "yes\u200b",
    "caf\u00e9",
    "cafe\u0301",
    "4.5",
    "nan",
]
labels = st.one_of(st.sampled_from(KNOWN), texts)
Row = tuple[str, str]
tables = st.lists(st.tuples(texts, labels), min_size=2, max_size=8)


def with_csv(path: Path, rows: Sequence[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *rows])


def with_pandas(path: Path, rows: Sequence[Row]) -> None:
    import pandas as pd

    pd.DataFrame(rows, columns=["text", "label"]).to_csv(path, index=False)


def with_pandas_tabs(path: Path, rows: Sequence[Row]) -> None:
    import pandas as pd

    pd.DataFrame(rows, columns=["text", "label"]).to_csv(path, index=False, sep="\t")


def with_json(path: Path, rows: Sequence[Row]) -> None:
    lines = [json.dumps({"text": text, "label": label}, ensure_ascii=False) for text, label in rows]
    path.write_bytes("\n".join(lines).encode())


def with_pyarrow(path: Path, rows: Sequence[Row]) -> None:
    import pyarrow
    from pyarrow import parquet

    parquet.write_table(pyarrow.table({"text": [t for t, _ in rows], "label": [y for _, y in rows]}), path)


def by_hand(path: Path, rows: Sequence[Row]) -> None:
    """As GLUE's files: no quoting at all."""
    path.write_bytes("".join(f"{text}\t{label}\n" for text, label in [("text", "label"), *rows]).encode())


WRITERS: dict[str, Callable[[Path, Sequence[Row]], None]] = {
    "csv": with_csv,
    "pandas.csv": with_pandas,
    "jsonl": with_json,
    "parquet": with_pyarrow,
}


def read(path: Path, **given: Any) -> Task:
    return load_task(
        TaskSettings.from_dict({"kind": "csv", "train_file": str(path), "text_a": "text", "label": "label", **given})
    )


def outcome(write: Callable[[Path, Sequence[Row]], None], name: str, rows: Sequence[Row], **given: Any) -> Task | str:
    """The task, or the one line of a TaskError; any other exception fails the test."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"t.{name}"
        write(path, rows)
        try:
            return read(path, **given)
        except TaskError as error:
            return str(error)


def check(task: Task, rows: Sequence[Row]) -> None:
    train = task.splits["train"]
    assert train.text_a == tuple(text for text, _ in rows)
    named = [task.label_names[i] for i in train.label]
    for name, (_, label) in zip(named, rows, strict=True):
        assert name == label.strip() or (name.lstrip("-").isdigit() and float(name) == float(label))
    printed = [shape for name in task.label_names for shape in set(shapes(name))]
    assert len(printed) == len(set(printed)), "two classes that print alike"


def check_either(found: Task | str, rows: Sequence[Row]) -> None:
    if isinstance(found, str):
        assert "\n" not in found
        assert "task." in found or "t." in found
    else:
        check(found, rows)


@pytest.mark.parametrize("name", WRITERS)
@settings(deadline=None, max_examples=80)
@given(rows=tables)
@example(rows=[("a", "x"), ("b\r", "y"), ("\rc", "x")])
@example(rows=[("a\x00b", "x"), ("\x00", "y"), ("c", "x")])
@example(rows=[('"', "x"), ('""', "y"), ('a"', "x")])
def test_a_table_is_read_back_equal_or_is_one_error(name: str, rows: list[Row]) -> None:
    check_either(outcome(WRITERS[name], name, rows), rows)


@pytest.mark.parametrize("name", WRITERS)
@settings(deadline=None, max_examples=80)
@given(bodies=st.lists(texts.filter(lambda t: bool(t.strip()) and "\r" not in t), min_size=3, max_size=8))
def test_any_text_without_a_carriage_return_is_read_back_from_every_format(name: str, bodies: list[str]) -> None:
    """The labels are plain here, so there is no error to hide behind."""
    rows = [(text, "yes" if i % 2 else "no") for i, text in enumerate(bodies)]
    task = outcome(WRITERS[name], name, rows)
    assert isinstance(task, Task), task
    check(task, rows)


@settings(deadline=None, max_examples=80)
@given(bodies=st.lists(texts.filter(lambda t: bool(t.strip()) and not set(t) & set("\t\r\n")), min_size=3, max_size=8))
def test_a_tsv_without_quoting_keeps_every_other_character(bodies: list[str]) -> None:
    rows = [(text, "yes" if i % 2 else "no") for i, text in enumerate(bodies)]
    task = outcome(by_hand, "tsv", rows, quoting="none")
    assert isinstance(task, Task), task
    check(task, rows)


@settings(deadline=None, max_examples=80)
@given(rows=tables)
def test_pandas_tab_separated_is_read_back_equal_or_is_one_error(rows: list[Row]) -> None:
    """Its quoting is never taken for text: with quote marks in a text, task.quoting has to be set."""
    check_either(outcome(with_pandas_tabs, "tsv", rows), rows)


@settings(deadline=None, max_examples=80)
@given(st.binary(max_size=200), st.sampled_from(["csv", "tsv", "txt", "jsonl", "parquet"]))
@example(b"\xff\xfe", "csv")
@example(b"PAR1PAR1", "parquet")
@example(b"PAR1\x00\x00\x00\x00PAR1", "parquet")
def test_bytes_that_are_no_table_are_one_error(data: bytes, suffix: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"t.{suffix}"
        path.write_bytes(data)
        with pytest.raises(TaskError):
            read(path, **({"delimiter": "tab"} if suffix == "txt" else {}))


@pytest.mark.real
@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("split", ["train", "dev"])
def test_the_glue_rows_survive_every_format(mrpc: Task, rte: Task, name: str, split: str, tmp_path: Path) -> None:
    for task in (mrpc, rte):
        source: TextSplit = task.splits[split]
        rows = list(zip(source.text_a, (task.label_names[i] for i in source.label), strict=True))
        WRITERS[name](tmp_path / f"t.{name}", rows)
        found = read(tmp_path / f"t.{name}")
        assert found.splits["train"].text_a == source.text_a
        np.testing.assert_array_equal(
            [found.label_names[i] for i in found.splits["train"].label], [task.label_names[i] for i in source.label]
        )


@pytest.mark.real
def test_no_glue_file_is_taken_for_quoted(glue: Path) -> None:
    """Its texts have quote marks, doubled ones too, that are text."""
    for name, text, label in (("mrpc/train.tsv", "#1 String", "Quality"), ("rte/train.tsv", "sentence1", "label")):
        task = read(glue / name, text_a=text, label=label)
        assert sum(t.count('"') for t in task.splits["train"].text_a) > 100
