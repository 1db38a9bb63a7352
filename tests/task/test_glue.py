from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.task.glue_files import KINDS, write
from tuneoff.model.loading import load_tokenizer
from tuneoff.model.settings import ModelSettings
from tuneoff.space import Float, SearchSpace
from tuneoff.task import ProtocolSettings, Task, TaskError, TaskSettings, encode, load_task, make_splits
from tuneoff.task.facts import count_duplicates, measure_lengths, measure_overlap, summarise
from tuneoff.task.kinds.classification import label_counts, majority_rate
from tuneoff.task.sources.glue_formats import FORMATS
from tuneoff.training.engines.finetune import FinetuneEngine
from tuneoff.training.hparams import HParams
from tuneoff.training.protocol import Environment, Kept, NoSettings, Request, Shared
from tuneoff.training.settings import TrainingSettings

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


@pytest.mark.parametrize("kind", KINDS)
def test_every_task_is_read_from_its_own_files_cut_encoded_and_scored(tmp_path: Path, kind: str) -> None:
    write(tmp_path, kind)
    task = load(tmp_path, kind)
    assert {name: len(rows) for name, rows in task.splits.items()} == {"train": 60, "dev": 20, "test": 6}
    assert (task.splits["train"].labelled, task.splits["dev"].labelled, task.splits["test"].labelled) == (True, True, False)
    texts = task.splits["train"].text_a
    assert texts[1].strip() == 'The boat "1" is near the apple.'
    assert (task.splits["train"].text_b is None) == (kind in ("cola", "sst2"))
    splits = make_splits(task, ProtocolSettings(name="heldout"), 0)
    assert (len(splits.validation), splits.test.source, len(splits.test)) == (9, "dev", 20)
    assert "(the test labels are hidden)" in splits.description
    facts = summarise(task, splits)
    assert set(facts["parts"]["test"]["constant_scores"]) == set(task.metrics)
    tokenizer = load_tokenizer(ModelSettings(name="micro", source="micro", num_layers=1, max_length=32))
    assert len(encode(splits.train.rows, tokenizer, 32)) == 51


def test_the_tasks_are_glues_nine_and_mnli_with_its_other_dev_split() -> None:
    assert set(KINDS) == set(FORMATS)
    assert {layout.folder for layout in FORMATS.values()} == {
        *("CoLA", "SST-2", "MRPC", "STS-B", "QQP", "MNLI", "QNLI", "RTE", "WNLI")
    }
    assert {kind: layout.metrics for kind, layout in FORMATS.items()} == {
        "cola": ("matthews", "accuracy"),
        "sst2": ("accuracy",),
        "mrpc": ("accuracy", "f1"),
        "stsb": ("pearson", "spearman"),
        "qqp": ("accuracy", "f1"),
        "mnli": ("accuracy",),
        "mnli_mismatched": ("accuracy",),
        "qnli": ("accuracy",),
        "rte": ("accuracy",),
        "wnli": ("accuracy",),
    }


def test_cola_has_no_header_line_but_in_its_test_file(tmp_path: Path) -> None:
    write(tmp_path, "cola")
    task = load(tmp_path, "cola")
    assert task.splits["train"].label.tolist()[:3] == [0, 1, 0]
    assert task.splits["train"].text_a[0] == 'The apple "0" is near the apple.'
    assert task.label_names == ("unacceptable", "acceptable")
    (tmp_path / "train.tsv").write_text("gj04\t1\tonly three\n")
    with pytest.raises(
        TaskError, match="line 1, has 3 fields, but its columns are source, label, mark, sentence, which makes 4"
    ):
        load(tmp_path, "cola")


def test_stsb_has_numbers_from_0_to_5(tmp_path: Path) -> None:
    write(tmp_path, "stsb")
    task = load(tmp_path, "stsb")
    assert task.splits["train"].label.tolist()[:12] == [*(i / 2 for i in range(11)), 0.0]
    assert (task.kind, task.splits["train"].label.dtype) == ("regression", np.float64)
    text = (tmp_path / "dev.tsv").read_text()
    for wrong in ("6", "nan", "", "1,5"):
        lines = text.splitlines()
        lines[2] = "\t".join([*lines[2].split("\t")[:-1], wrong])
        (tmp_path / "dev.tsv").write_text("\n".join(lines))
        with pytest.raises(TaskError, match=f"dev.tsv, line 3: column 'score' .*{wrong}.* must be a number from 0 to 5"):
            load(tmp_path, "stsb")


def test_rows_of_qqp_that_lack_a_text_are_left_out_and_counted(tmp_path: Path) -> None:
    write(tmp_path, "qqp", train=300)
    lines = (tmp_path / "train.tsv").read_text().splitlines()
    lines[10:10] = ["990\t1\t2\tBroken over", "\ttwo lines\t0", "991\t1\t2\tHow?\t\t0"]
    (tmp_path / "train.tsv").write_text("\n".join(lines) + "\n")
    task = load(tmp_path, "qqp")
    assert len(task.splits["train"]) == 300
    assert task.source.endswith("(rows that lack a text left out: 3 of train)")
    (tmp_path / "train.tsv").write_text("\n".join([*lines, *["990\t1\t2\tBroken"] * 10]) + "\n")
    with pytest.raises(
        TaskError, match=r"train.tsv .*: 13 of 313 rows lack a text .* at most 1 % are left out: download it again"
    ):
        load(tmp_path, "qqp")


def test_mnli_is_tested_on_the_matched_dev_split_and_the_mismatched_one_has_a_name_of_its_own(tmp_path: Path) -> None:
    write(tmp_path, "mnli")
    (tmp_path / "dev_mismatched.tsv").write_text((tmp_path / "dev_matched.tsv").read_text().replace("near", "far from"))
    matched, other = load(tmp_path, "mnli"), load(tmp_path, "mnli_mismatched")
    assert matched.label_names == ("entailment", "neutral", "contradiction")
    assert matched.splits["train"].label.tolist()[:3] == [1, 0, 2]
    assert "near" in matched.splits["dev"].text_a[0]
    assert "far from" in other.splits["dev"].text_a[0]
    assert matched.splits["train"].text_a == other.splits["train"].text_a


def test_the_folder_of_all_of_glue_is_told_from_that_of_the_task(tmp_path: Path) -> None:
    write(tmp_path / "SST-2", "sst2")
    with pytest.raises(TaskError, match=r"holds all of GLUE: give this task's own folder, task.files=.*SST-2"):
        load(tmp_path, "sst2")


def test_f1_on_three_classes_is_refused_by_name(tmp_path: Path) -> None:
    write(tmp_path, "mnli")
    with pytest.raises(TaskError, match="f1 is about one class and task mnli has 3: use macro_f1"):
        load_task(TaskSettings.from_dict({"kind": "mnli", "files": str(tmp_path), "metrics": ["f1"]}))


@pytest.mark.parametrize(("kind", "metric"), [("cola", "matthews"), ("stsb", "pearson")])
def test_single_sentences_and_numbers_are_trained_on(tmp_path: Path, kind: str, metric: str) -> None:
    write(tmp_path, kind)
    request = Request(
        task=TaskSettings.from_dict({"kind": kind, "files": str(tmp_path)}),
        protocol=ProtocolSettings(name="heldout"),
        model=ModelSettings(name="micro", source="micro", num_layers=1, max_length=32),
        training=TrainingSettings(precision="fp32"),
        hparams=HParams(num_epochs=1, learning_rate=1e-3, batch_size=16).to_dict(),
        space=SearchSpace({"learning_rate": Float(low=1e-4, high=1e-2, log=True)}),
        seeds={"split": 0},
        device="cpu",
    )
    prepared = FinetuneEngine(NoSettings()).prepare(request)
    recipe = prepared.recipe(lambda key, make: Shared(key=key, fetch=make))
    (last,) = recipe.build(Environment(), Kept()).start(request.hparams, seed=1)
    assert prepared.metrics[0] == metric
    assert -1 <= last.validation.metrics[metric] <= 1
    assert last.test is not None
    assert last.test.n_examples == 20


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
