from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from toy import rows, task_of

from tuneoff.commands.data import describe
from tuneoff.task import ProtocolSettings, Task, make_splits

ROOT = Path(__file__).resolve().parents[2]


def line(text: str, *begin: str) -> list[str]:
    """Cells of the first line that begins with these words."""
    return next(cells for cells in map(str.split, text.splitlines()) if tuple(cells[: len(begin)]) == begin)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.data", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_sizes_labels_lengths_duplicates_and_overlaps_are_listed(tokenizer: Any) -> None:
    train = rows(
        [*(f"number {i}" for i in range(100)), "number 0"],
        [i % 2 for i in range(101)],
        [*(f"b {i}" for i in range(100)), "b 0"],
    )
    text = describe(
        task_of(train=train, test=rows(["b 3", "x " * 20], [0, 1], ["y", "b 4"])),
        make_splits(task_of(train=train, test=train), ProtocolSettings(name="heldout"), 0),
        tokenizer,
        10,
    )
    assert " ".join(line(text, "train")) == "train 101 51 / 50 50.5 % 7.0 7 7 7 0 (0.0 %) 1"
    assert line(text, "test")[-4:] == ["1", "(50.0", "%)", "0"]
    assert line(text, "test", "in", "train")[3:] == ["2", "of", "2", "0", "1", "0", "1", "0"]
    assert "Protocol heldout: test = test, 101 rows" in text


@pytest.mark.real
def test_real_rte_facts_are_printed(rte: Task, tokenizer: Any) -> None:
    text = describe(rte, make_splits(rte, ProtocolSettings(name="heldout"), 0), tokenizer, 128)
    assert line(text, "train") == [
        "train",
        "2490",
        "1249",
        "/",
        "1241",
        "50.2",
        "%",
        "70.2",
        "56",
        "157",
        "289",
        "304",
        "(12.2",
        "%)",
        "2",
    ]
    assert line(text, "dev", "in", "train")[3:] == ["103", "of", "277", "24", "0", "0", "79", "0"]
    assert line(text, "validation", "in", "train")[3:] == ["0", "of", "374", "0", "0", "0", "0", "0"]


@pytest.mark.usefixtures("tokenizer")
def test_the_command_reads_a_users_table(tmp_path: Path) -> None:
    table = tmp_path / "mine.csv"
    table.write_text("text,label\n" + "".join(f"sentence {i},{'yes' if i % 3 else 'no'}\n" for i in range(90)))
    done = run("task=csv", f"task.train_file={table}", "task.text_a=text", "task.label=label", "task.name=mine", "model=minilm")
    assert done.returncode == 0, done.stderr
    assert "Task mine: own table: train mine.csv" in done.stdout
    assert "Labels: 0 = no, 1 = yes. Metrics: accuracy, macro_f1 (searches maximise accuracy)." in done.stdout


def test_a_users_mistake_is_one_line_and_exit_code_2() -> None:
    done = run("task=csv", "task.train_file=gone.csv", "task.text_a=text", "task.label=label")
    assert done.returncode == 2
    assert done.stderr.startswith("error: task.train_file is 'gone.csv', but there is no such file: ")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_lengths_past_what_the_model_can_take_are_shown_and_said(tokenizer: Any) -> None:
    train = rows([f"{'x ' * (900 if i % 4 == 0 else 5)}{i}" for i in range(100)], [i // 2 % 2 for i in range(100)])
    task = task_of(train=train)
    text = describe(task, make_splits(task, ProtocolSettings(name="heldout"), 0), tokenizer, 64, "micro")
    assert " ".join(line(text, "train")) == "train 100 50 / 50 50.0 % 231.8 8 903 903 25 (25.0 %) 0"
    assert re.search(r"\nNote: truncated: \d\d % of train \(\d\d of 68 rows\), .* than model.max_length=64", text)
    assert "Note: model=micro has learnt from" in text
    short = task_of(train=rows([f"short {i}" for i in range(100)], [i % 2 for i in range(100)]))
    assert "Note" not in describe(short, make_splits(short, ProtocolSettings(name="heldout"), 0), tokenizer, 64, "minilm")
