"""Numbers to predict, of own tables."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.task.test_own_table import load, write
from tuneoff.task import Task, TaskError
from tuneoff.task.sources.numbers import _number

TEXT = "text,label\none,4.5\ntwo,3\nthree,1e-1\nfour, 2.25 \nfive,-1\n"


def numbers(folder: Path, text: str = TEXT, **settings: Any) -> Task:
    return load(folder, text, regression=True, **settings)


def test_a_column_of_numbers_is_a_task_of_numbers(tmp_path: Path) -> None:
    task = numbers(tmp_path)
    assert (task.kind, task.label_names, task.metrics, task.positive) == ("regression", (), ("pearson", "spearman"), None)
    label = task.splits["train"].label
    assert label.dtype == np.float64
    assert label.tolist() == [4.5, 3.0, 0.1, 2.25, -1.0]


def test_whole_numbers_are_numbers_where_that_is_asked_for(tmp_path: Path) -> None:
    text = "text,label\n" + "".join(f"row {n},{n % 5}\n" for n in range(20))
    assert numbers(tmp_path, text).splits["train"].label.tolist() == [float(n % 5) for n in range(20)]
    assert load(tmp_path, text).kind == "classification"
    assert load(tmp_path, text, regression=False).kind == "classification"


def test_numbers_of_jsonl_come_as_they_are(tmp_path: Path) -> None:
    rows = [{"text": "one", "label": 4.5}, {"text": "two", "label": 3}, {"text": "three", "label": "2.5"}]
    task = load(tmp_path, "\n".join(map(json.dumps, rows)), name="train.jsonl", regression=True)
    assert task.splits["train"].label.tolist() == [4.5, 3.0, 2.5]


@pytest.mark.parametrize("test", ["text\na\nb\n", "text,label\na,\nb,\n"])
def test_a_test_file_may_keep_its_numbers_back(tmp_path: Path, test: str) -> None:
    task = numbers(tmp_path, test_file=write(tmp_path, "test.csv", test))
    assert not task.splits["test"].labelled


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("text,label\none,4.5\ntwo,\n", r"line 3: column 'label' \(task.label\) is '', but .* give each row one"),
        ("text,label\none,4.5\ntwo,good\n", "is 'good', but task.regression=true needs a number"),
        ('text,label\none,4.5\ntwo,"3,5"\n', "is '3,5', but .* write it as 4.5"),
        ("text,label\none,4.5\ntwo,nan\n", "is 'nan', but"),
        ("text,label\none,4.5\ntwo,1e999\n", "is '1e999', but"),
        ("text,label\none,2\ntwo,2\n", "is 2 in every row: there is nothing to learn"),
        ("text,label\none,1200\ntwo,1800\n", r"mean 1500 and standard deviation 300, .*: write \(label - \(1500\)\) / 300 in"),
        ("text,label\none,0.001\ntwo,0.002\n", "standard deviation 0.0005"),
        ("text,other\none,2\ntwo,3\n", "task.label is 'label', but .* has no such column"),
    ],
)
def test_what_is_no_number_or_none_that_can_be_learnt_is_refused_by_name(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(TaskError, match=said):
        numbers(tmp_path, text)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"regression": "yes"}, "task.regression is 'yes', but it must be true or false"),
        ({"regression": True, "positive": "good"}, "task.regression is True, but task.positive is about classes"),
        ({"regression": True, "label_separator": ";"}, "task.regression is True, but task.label_separator"),
        ({"regression": True, "metrics": ["accuracy"]}, "accuracy"),
    ],
)
def test_settings_that_contradict_each_other(tmp_path: Path, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(TaskError, match=said):
        load(tmp_path, TEXT, **settings)


def test_numbers_with_fractions_without_the_setting_are_asked_about(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match=r"Classes, or numbers to predict\?.*give task.regression=true"):
        load(tmp_path, TEXT.replace("1e-1", "0.1"))


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (True, None),
        (None, None),
        (float("inf"), None),
        (10**400, None),
        (Decimal("2.5"), 2.5),
        (3, 3.0),
        (" 1.5e2 ", 150.0),
        ("0x10", None),
        ("1_000", None),
        ("٣", None),
    ],
)
def test_what_counts_as_a_number(value: object, number: float | None) -> None:
    assert _number(value) == number
