"""Which cuts are accepted, and what the description of a split says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from toy import rows, task_of

from tuneoff.task import ProtocolSettings, TaskError, TextSplit, TrainLimit, make_splits, split


def heldout(**settings: Any) -> ProtocolSettings:
    return ProtocolSettings(name="heldout", **settings)


def singles(n: int, name: str = "") -> TextSplit:
    return rows([f"{name}a{i}" for i in range(n)], [i % 2 for i in range(n)], [f"{name}b{i}" for i in range(n)])


def hidden(n: int) -> TextSplit:
    return replace(singles(n, "hidden"), label=np.full(n, -1))


def cut_to(monkeypatch: pytest.MonkeyPatch, whole: Sequence[int], wanted: int, cut: Sequence[int]) -> None:
    """Cuts `wanted` rows as validation from a train split with `whole` rows of each label; `cut` rows of each are drawn."""
    labels = [k for k, count in enumerate(whole) for _ in range(count)]
    train = rows([f"a{i}" for i in range(len(labels))], labels)
    mask = np.zeros(len(labels), dtype=bool)
    for label, count in enumerate(cut):
        mask[np.flatnonzero(train.label == label)[:count]] = True
    monkeypatch.setattr(split, "draw_groups", lambda *_: mask)
    task = task_of(len(whole), train=train, test=rows("xyz", [0, 1, 0]))
    made = make_splits(task, heldout(validation_rows=wanted), 0)
    assert len(made.validation) == sum(cut)


@pytest.mark.parametrize(
    ("whole", "wanted", "cut"),
    [
        ((50, 50), 10, (6, 6)),  # 2 off: a fifth
        ((50, 50), 10, (4, 4)),
        ((50, 50), 3, (2, 2)),  # 1 off in any case
        ((50, 50), 40, (24, 24)),
        ((50, 50), 20, (12, 8)),  # 60 % and 50 %
        ((50, 50), 4, (3, 1)),  # of 4 rows one is 25 %
        ((97, 3), 20, (18, 2)),
    ],
)
def test_a_cut_near_enough_in_size_and_shares_is_taken(
    monkeypatch: pytest.MonkeyPatch, whole: Sequence[int], wanted: int, cut: Sequence[int]
) -> None:
    cut_to(monkeypatch, whole, wanted, cut)


@pytest.mark.parametrize(
    ("whole", "wanted", "cut", "fault"),
    [
        ((50, 50), 10, (6, 7), "the nearest cut has 13 rows"),
        ((50, 50), 10, (4, 3), "the nearest cut has 7 rows"),
        ((50, 50), 3, (3, 2), "the nearest cut has 5 rows"),
        ((50, 50), 40, (24, 25), "the nearest cut has 49 rows"),
        ((50, 50), 90, (50, 50), "the nearest cut has 100 rows"),
        ((97, 3), 20, (17, 3), "that leaves no row of label 'label1' to train on"),
        ((50, 50), 10, (10, 0), "the cut would hold one label only"),
        ((50, 50), 20, (13, 7), "label 'label0' would be 65 % of the cut and is 50 % of the rows"),
        ((50, 50), 10, (7, 3), "label 'label1' would be 30 % of the cut and is 50 % of the rows"),
        ((100, 100), 100, (61, 39), "label 'label0' would be 61 % of the cut and is 50 % of the rows"),
        ((40, 40, 20), 20, (8, 11, 1), "label 'label1' would be 55 % of the cut and is 40 % of the rows"),
    ],
)
def test_a_cut_that_misses_its_size_or_a_labels_share_is_an_error(
    monkeypatch: pytest.MonkeyPatch, whole: Sequence[int], wanted: int, cut: Sequence[int], fault: str
) -> None:
    with pytest.raises(TaskError, match=f"but {fault}"):
        cut_to(monkeypatch, whole, wanted, cut)


def test_the_error_names_the_largest_group() -> None:
    """Nine rows with one premise, and three alone."""
    train = rows(["p"] * 9 + ["x", "y", "z"], [0, 1] * 6, [f"b{i}" for i in range(12)])
    with pytest.raises(TaskError, match="the largest such group has 9 rows"):
        make_splits(task_of(train=train, test=singles(4)), heldout(validation_rows=6), 0)


def test_a_fraction_of_less_than_a_row_is_a_row() -> None:
    with pytest.raises(TaskError, match=r"protocol.validation_fraction is 0.01 \(1 of 20 rows\)"):
        make_splits(task_of(train=singles(20), test=singles(4, "t")), heldout(validation_fraction=0.01), 0)


@pytest.mark.parametrize(("n", "fits"), [(0, False), (1, False), (2, True), (3, True)])
def test_a_dev_split_of_two_rows_can_be_halved(n: int, fits: bool) -> None:
    task = task_of(train=singles(20), dev=singles(n, "d"))
    if fits:
        made = make_splits(task, ProtocolSettings(name="blog2020"), 0)
        assert (len(made.validation), len(made.test)) == (n // 2, n - n // 2)
    else:
        with pytest.raises(TaskError, match="halves the labelled dev split"):
            make_splits(task, ProtocolSettings(name="blog2020"), 0)


def test_an_empty_dev_split_is_none() -> None:
    made = make_splits(task_of(train=singles(100), dev=singles(0)), heldout(), 0)
    assert made.test.source == "train"


def test_overlap_is_of_either_text_of_test_with_either_of_train() -> None:
    test = rows(["a3", "new"], [0, 1], ["x", "a5"])
    made = make_splits(task_of(train=singles(40), test=test), heldout(drop_test_overlap=True, validation_rows=8), 0)
    assert "2 rows of train dropped that share a sentence with test" in made.description
    assert not {"a3", "a5"} & {*made.train.rows.text_a, *made.validation.rows.text_a}


def test_overlap_of_tasks_with_one_text_is_of_that_text() -> None:
    train, test = (rows([f"a{i}" for i in range(first, first + 20)], [0, 1] * 10) for first in (0, 17))
    made = make_splits(task_of(train=train, test=test), heldout(drop_test_overlap=True, validation_rows=4), 0)
    assert "3 rows of train dropped that share a sentence with test" in made.description


DESCRIPTIONS = {
    "a labelled test": (
        {"dev": singles(6, "d"), "test": singles(4, "t")},
        {},
        "test = test, 4 rows; validation = 10 rows cut from train (seed 3, stratified, grouped by sentence); dev unused (6 "
        "rows; protocol.validation_from=dev uses it)",
    ),
    "a hidden test": (
        {"dev": singles(6, "d"), "test": hidden(4)},
        {},
        "test = dev, 6 rows (the test labels are hidden); validation = 10 rows cut from train (seed 3, stratified, grouped by "
        "sentence)",
    ),
    "no test": (
        {"dev": singles(6, "d")},
        {},
        "test = dev, 6 rows; validation = 10 rows cut from train (seed 3, stratified, grouped by sentence)",
    ),
    "no dev": (
        {"test": singles(4, "t")},
        {},
        "test = test, 4 rows; validation = 10 rows cut from train (seed 3, stratified, grouped by sentence)",
    ),
    "validation from dev": (
        {"dev": singles(6, "d"), "test": hidden(4)},
        {"validation_from": "dev", "test_rows": 20},
        "test = 20 rows cut from train (test_seed 0, same in every repeat); validation = dev, 6 rows, the same in every repeat",
    ),
}


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_a_split_says_where_its_parts_come_from(name: str) -> None:
    splits, settings, description = DESCRIPTIONS[name]
    task = task_of(train=singles(100), **splits)
    assert make_splits(task, heldout(validation_rows=10, **settings), 3).description == description


@pytest.mark.parametrize(("limit", "kept"), [(89, 89), (90, 90), (91, 90)])
def test_a_limit_of_all_rows_or_more_takes_all_and_is_not_mentioned(limit: int, kept: int) -> None:
    task = replace(task_of(train=singles(100), test=singles(4, "t")), train_limit=TrainLimit(rows=limit, seed=0))
    made = make_splits(task, heldout(validation_rows=10), 3)
    assert len(made.train) == kept
    assert ("max_train_rows" in made.description) == (limit < 90)


def test_the_rows_that_are_cut_as_test_and_left_by_a_limit_are_those_of_protocol_0_3() -> None:
    task = replace(task_of(train=singles(40)), train_limit=TrainLimit(rows=6, seed=5))
    made = make_splits(task, heldout(test_seed=5, test_rows=6, validation_rows=6), 5)
    assert made.test.index.tolist() == [1, 9, 12, 20, 22, 25]
    assert made.train.index.tolist() == [3, 16, 17, 18, 24, 37]
