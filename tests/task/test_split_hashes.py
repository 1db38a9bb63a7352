"""A study has one test set: the hashes in a header tell two apart, whatever differs between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toy import rows, task_of

from tuneoff.task import ProtocolSettings, Task, TaskSettings, TextSplit, load_task, make_splits
from tuneoff.task.facts import summarise
from tuneoff.task.split import select

HELDOUT, BLOG = ProtocolSettings(name="heldout"), ProtocolSettings(name="blog2020")


def pairs(name: str, n: int) -> TextSplit:
    return rows([f"{name} a{i}" for i in range(n)], [i % 2 for i in range(n)], [f"{name} b{i}" for i in range(n)])


def base() -> Task:
    return task_of(train=pairs("train", 200), dev=pairs("dev", 40), test=pairs("test", 30))


def changed(text: tuple[str, ...], row: int) -> tuple[str, ...]:
    return (*text[:row], text[row] + ".", *text[row + 1 :])


def swap_labels(split: TextSplit) -> TextSplit:
    return replace(split, label=1 - split.label)


def swap_two_labels(split: TextSplit) -> TextSplit:
    label = split.label.copy()
    label[[4, 5]] = label[[5, 4]]
    return replace(split, label=label)


def reorder(split: TextSplit) -> TextSplit:
    return select(split, np.array([1, 0, *range(2, len(split))]))


CHANGES: dict[str, Callable[[TextSplit], TextSplit]] = {
    "all labels swapped": swap_labels,
    "two labels swapped": swap_two_labels,
    "two rows swapped": reorder,
    "one character of the first text": lambda s: replace(s, text_a=changed(s.text_a, 7)),
    "one character of the second text": lambda s: replace(s, text_b=changed(s.text_b or (), 7)),
    "one row less": lambda s: select(s, np.arange(len(s) - 1)),
    "one row twice": lambda s: select(s, np.array([*range(len(s)), 0])),
    "the columns swapped": lambda s: replace(s, text_a=s.text_b or (), text_b=s.text_a),
    "one column only": lambda s: replace(s, text_b=None),
}


def facts(task: Task, protocol: ProtocolSettings = HELDOUT, seed: int = 0) -> dict[str, Any]:
    return summarise(task, make_splits(task, protocol, seed))


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(("split", "protocol"), [("test", HELDOUT), ("train", HELDOUT), ("dev", BLOG)])
def test_every_change_of_the_rows_changes_the_hashes(change: str, split: str, protocol: ProtocolSettings) -> None:
    task = base()
    other = replace(task, splits={**task.splits, split: CHANGES[change](task.splits[split])})
    before, after = facts(task, protocol), facts(other, protocol)
    assert before["split_sha256"] != after["split_sha256"]
    for name in task.splits:
        same = before["source_rows"][name]["sha256"] == after["source_rows"][name]["sha256"]
        assert same == (name != split)


def test_equal_rows_have_equal_hashes_wherever_they_come_from() -> None:
    assert facts(base()) == facts(base())
    assert facts(replace(base(), source="elsewhere"))["split_sha256"] == facts(base())["split_sha256"]


def test_a_row_that_moves_from_test_to_train_changes_the_hash() -> None:
    """The same rows in all, cut elsewhere."""
    task = task_of(train=pairs("train", 200))
    one, two = (make_splits(task, ProtocolSettings(name="heldout", test_seed=seed), 0) for seed in (0, 1))
    assert one.test.index.tolist() != two.test.index.tolist()
    assert one.hash != two.hash
    assert facts(task)["source_rows"] == facts(task, ProtocolSettings(name="heldout", test_seed=1))["source_rows"]


def test_labels_swapped_in_a_users_file_change_the_hash(tmp_path: Path) -> None:
    """Repeat 0, then labels swapped, then repeat 1: one study, two data sets."""

    def hashes(flip: int) -> tuple[Any, Any]:
        (tmp_path / "t.csv").write_text("text,label\n" + "".join(f"t{i},{(i + flip) % 2}\n" for i in range(100)))
        given = {"kind": "csv", "train_file": str(tmp_path / "t.csv"), "text_a": "text", "label": "label"}
        found = facts(load_task(TaskSettings.from_dict(given)))
        return found["source_rows"]["train"]["sha256"], found["split_sha256"]

    first, second, again = hashes(0), hashes(1), hashes(0)
    assert first == again
    assert first[0] != second[0]
    assert first[1] != second[1]


def test_renamed_classes_are_the_same_rows_under_other_names() -> None:
    """Indices are hashed; the names stand beside them in the header."""
    task = base()
    renamed = replace(task, label_names=("no", "yes"))
    assert facts(task)["split_sha256"] == facts(renamed)["split_sha256"]
    assert facts(task)["labels"] != facts(renamed)["labels"]
