from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tuneoff.task import Task, TaskError, TaskSettings, load_task
from tuneoff.task.facts import count_duplicates, measure_lengths, measure_overlap
from tuneoff.task.kinds.classification import label_counts, majority_rate

MRPC = "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\n"
RTE = "index\tsentence1\tsentence2\tlabel\n"


def load(folder: Path, kind: str) -> Task:
    return load_task(TaskSettings.from_dict({"kind": kind, "files": str(folder)}))


def write_mrpc(folder: Path, mark: str = "\ufeff") -> None:
    for name in ("train.tsv", "dev.tsv", "msr_paraphrase_test.txt"):
        (folder / name).write_text(f'{mark}{MRPC}1\t1\t2\t"half open\tNA\n0\t3\t4\tb\t"c" said\n', encoding="utf-8")


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_mrpc_files_are_split_on_tabs_alone(tmp_path: Path, mark: str) -> None:
    write_mrpc(tmp_path, mark)
    task = load(tmp_path, "mrpc")
    assert set(task.splits) == {"train", "dev", "test"}
    assert task.splits["test"].text_a == ('"half open', "b")
    assert task.splits["test"].text_b == ("NA", '"c" said')
    assert task.splits["test"].label.tolist() == [1, 0]
    assert (task.label_names, task.metrics) == (("not_equivalent", "equivalent"), ("accuracy", "f1"))


def test_glue_own_mrpc_test_file_without_labels_is_accepted(tmp_path: Path) -> None:
    write_mrpc(tmp_path)
    (tmp_path / "msr_paraphrase_test.txt").unlink()
    (tmp_path / "test.tsv").write_text("index\t#1 ID\t#2 ID\t#1 String\t#2 String\n0\t1\t2\ta\tb\n")
    assert not load(tmp_path, "mrpc").splits["test"].labelled


def test_rte_files(tmp_path: Path) -> None:
    for name in ("train.tsv", "dev.tsv"):
        (tmp_path / name).write_text(RTE + "0\ta\tb\tnot_entailment\n1\tc\td\tentailment\n")
    assert load(tmp_path, "rte").splits["train"].label.tolist() == [1, 0]
    assert "test" not in load(tmp_path, "rte").splits


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, r"task.files is '.*train.tsv', but there is no such file: .*has dev.tsv"),
        (RTE + "0\ta\tb\n", "train.tsv, line 2, has 3 fields, but the header has 4"),
        (RTE + "0\ta\tb\tmaybe\n", "has the label 'maybe'.* 'entailment', 'not_entailment'"),
        (RTE + "0\ta\t\tentailment\n", "column 'sentence2' .* is empty"),
        (RTE, "has a header but no rows"),
        (RTE + "0\ta\tb\t\n", "has no labels, but train needs them"),
        ("index\tsentence1\tlabel\n0\ta\tb\n", "no such column: it has 'index', 'sentence1', 'label'"),
    ],
)
def test_unfit_glue_files_are_an_error(tmp_path: Path, text: str | None, message: str) -> None:
    (tmp_path / "dev.tsv").write_text(RTE + "0\ta\tb\tentailment\n")
    if text is not None:
        (tmp_path / "train.tsv").write_text(text)
    with pytest.raises(TaskError, match=message):
        load(tmp_path, "rte")


def test_a_folder_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match=r"task.files is .*, but there is no such folder"):
        load(tmp_path / "gone", "mrpc")


@pytest.mark.real
def test_real_rte_has_the_documented_rows_duplicates_and_shared_sentences(rte: Task) -> None:
    assert {name: len(rows) for name, rows in rte.splits.items()} == {"train": 2490, "dev": 277, "test": 3000}
    train, dev = rte.splits["train"], rte.splits["dev"]
    assert (label_counts(train, 2), label_counts(dev, 2)) == ((1249, 1241), (146, 131))
    assert not rte.splits["test"].labelled
    assert majority_rate(rte.splits["test"]) is None
    assert (count_duplicates(train), count_duplicates(dev)) == (2, 0)
    overlap = measure_overlap(dev, train)
    assert (overlap.rows, overlap.a_in_a, overlap.b_in_b, overlap.pairs) == (103, 24, 79, 0)


@pytest.mark.real
def test_real_mrpc_has_the_documented_rows_and_shared_sentences(mrpc: Task) -> None:
    assert {name: (len(rows), int(rows.label.sum())) for name, rows in mrpc.splits.items()} == {
        "train": (3668, 2474),
        "dev": (408, 279),
        "test": (1725, 1147),
    }
    assert measure_overlap(mrpc.splits["dev"], mrpc.splits["train"]).rows == 43
    assert measure_overlap(mrpc.splits["test"], mrpc.splits["train"]).rows == 245


@pytest.mark.real
def test_real_files_keep_every_quote_mark(mrpc: Task, glue: Path) -> None:
    for split, name in (("train", "train.tsv"), ("dev", "dev.tsv"), ("test", "msr_paraphrase_test.txt")):
        rows = mrpc.splits[split]
        kept = sum(text.count('"') for column in (rows.text_a, rows.text_b or ()) for text in column)
        assert kept == (glue / "mrpc" / name).read_text(encoding="utf-8-sig").count('"') > 0


@pytest.mark.real
def test_real_lengths_in_word_pieces_are_as_documented(rte: Task, mrpc: Task, tokenizer: object) -> None:
    lengths = measure_lengths(rte.splits["train"], tokenizer, 128)
    assert (round(lengths.mean), lengths.median, round(lengths.p95), lengths.max) == (70, 56, 157, 289)
    assert np.isclose(lengths.over_limit / 2490, 0.12, atol=0.005)
    mrpc_lengths = [measure_lengths(rows, tokenizer, 128) for rows in mrpc.splits.values()]
    assert (round(mrpc_lengths[0].mean), round(mrpc_lengths[0].p95)) == (53, 74)
    assert max(length.max for length in mrpc_lengths) == 104
    assert sum(length.over_limit for length in mrpc_lengths) == 0
