"""Several labels a row: metrics against values by hand and sklearn's, constants, cuts, own tables, and training."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from tuneoff.model.settings import ModelSettings
from tuneoff.space import Float, SearchSpace
from tuneoff.task import ProtocolSettings, Task, TaskError, TaskSettings, TextSplit, load_task, make_splits
from tuneoff.task.facts import summarise
from tuneoff.task.kinds import check_task, find_metric, kind_of, metric_names, scoring
from tuneoff.task.kinds.contracts import Answers
from tuneoff.training.engines.finetune import FinetuneEngine
from tuneoff.training.hparams import HParams
from tuneoff.training.losses import find_loss
from tuneoff.training.protocol import Environment, Kept, NoSettings, Request, Shared
from tuneoff.training.settings import TrainingSettings

METRICS = ("micro_f1", "macro_f1", "subset_accuracy")
BASE: dict[str, Any] = {"kind": "csv", "text_a": "text", "train_file": "t.csv"}


def answers(targets: Any, predicted: Any) -> Answers:
    given = np.array(predicted)
    return Answers(targets=np.array(targets), predicted=given, outputs=given.astype(np.float32) - 0.5)


@pytest.mark.parametrize(
    ("metric", "expected"), [("micro_f1", 6 / 9), ("macro_f1", (2 / 3 + 4 / 5 + 0) / 3), ("subset_accuracy", 1 / 3)]
)
def test_each_metric_has_the_value_worked_out_by_hand(metric, expected):
    # a: 1 hit of 1 there and 2 given; b: 2 hits of 3 there and 2 given; c: 0 hits of 1 there; d: neither there nor given
    found = answers([[1, 1, 0, 0], [0, 1, 0, 0], [0, 1, 1, 0]], [[1, 1, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0]])
    assert find_metric(metric).score(found) == pytest.approx(expected)
    assert find_metric(metric).score(answers([[0, 0]], [[0, 0]])) == (1.0 if metric == "subset_accuracy" else 0.0)


def test_every_metric_of_ours_for_sets_is_tested():
    found = [find_metric(name) for name in metric_names()]
    ours = [m for m in found if type(m).__module__.startswith("tuneoff.")]
    assert {m.name for m in ours if m.compares("sets of labels")} == set(METRICS)
    assert {m.unit for m in ours if m.compares("sets of labels")} == {"share"}


TABLES = st.integers(2, 4).flatmap(
    lambda k: st.lists(st.lists(st.integers(0, 1), min_size=2 * k, max_size=2 * k), min_size=1, max_size=12)
)


@settings(deadline=None)
@given(TABLES)
def test_f1_equals_sklearns(rows):
    table = np.array(rows)
    targets, predicted = table[:, : table.shape[1] // 2], table[:, table.shape[1] // 2 :]
    found = answers(targets, predicted)
    assert find_metric("micro_f1").score(found) == pytest.approx(
        f1_score(targets, predicted, average="micro", zero_division=0.0)
    )
    seen = (targets.any(axis=0) | predicted.any(axis=0)).nonzero()[0]
    if len(seen):
        theirs = f1_score(targets, predicted, average=None, zero_division=0.0)[seen].mean()
        assert find_metric("macro_f1").score(found) == pytest.approx(theirs)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.lists(st.integers(0, 1), min_size=3, max_size=3), min_size=1, max_size=12))
def test_no_constant_set_scores_more_than_the_best_of_those_that_are_tried(rows):
    targets = np.array(rows)
    ours = scoring(3, METRICS, kind="multilabel")
    best = dict.fromkeys(METRICS, 0.0)
    for constant in product((0, 1), repeat=3):
        found = answers(targets, np.tile(constant, (len(targets), 1)))
        best = {name: max(best[name], find_metric(name).score(found)) for name in METRICS}
    assert ours.constant_scores(targets) == pytest.approx(best)


def test_the_loss_that_is_reported_is_the_one_that_training_minimises():
    rng = np.random.default_rng(1)
    outputs, targets = (4 * rng.normal(size=(50, 3))).astype(np.float32), rng.integers(2, size=(50, 3))
    ours = scoring(3, METRICS, kind="multilabel")
    minimised = find_loss(ours.loss)(torch.tensor(outputs), torch.tensor(targets))
    score = ours.score(outputs, targets, keep_predictions=True)
    assert score.loss == pytest.approx(float(minimised), abs=1e-6)
    assert score.predictions is None


def test_a_network_that_gives_every_row_the_same_labels_has_collapsed_and_one_label_for_all_is_no_collapse():
    ours = scoring(2, METRICS, kind="multilabel")
    targets = np.array([[1, 0], [1, 1], [0, 1]])
    same, first = np.array([[1, -1]] * 3, dtype=np.float32), np.array([[1, -1], [1, 1], [1, 1]], dtype=np.float32)
    score = ours.score(same, targets, keep_predictions=False)
    assert (score.predicted_counts, score.collapsed) == ((3,), True)
    score = ours.score(first, targets, keep_predictions=False)
    assert (score.predicted_counts, score.collapsed) == ((2, 1), False)


def tagged(n: int, seed: int) -> TextSplit:
    """Labels by words: of three, each with its share; some rows have none."""
    rng = np.random.default_rng(seed)
    given = rng.random((n, 3)) < (0.5, 0.3, 0.1)
    words = ("sweet", "green", "cheap")
    texts = tuple(
        f"item {seed} {i} {' '.join(w for w, there in zip(words, row, strict=True) if there)}" for i, row in enumerate(given)
    )
    return TextSplit(text_a=texts, text_b=None, label=given.astype(np.int64))


def task_with(**splits: TextSplit) -> Task:
    names = ("sweet", "green", "cheap")
    return Task(name="tags", label_names=names, splits=splits, source="test", kind="multilabel", metrics=METRICS)


def test_a_cut_keeps_the_shares_of_labels_rare_ones_too():
    task = task_with(train=tagged(400, 1), test=tagged(50, 2))
    splits = make_splits(task, ProtocolSettings(name="heldout"), 0)
    whole, cut = task.splits["train"].label.mean(axis=0), splits.validation.rows.label.mean(axis=0)
    assert len(splits.validation) == 60
    assert np.abs(whole - cut)[2] < 0.01
    assert np.abs(whole - cut).max() < 0.1
    facts = summarise(task, splits)["parts"]["test"]
    assert facts["label_counts"] == task.splits["test"].label.sum(axis=0).tolist()
    assert set(facts["constant_scores"]) == set(METRICS)


def test_a_label_of_one_row_does_not_stand_in_the_way_of_a_cut():
    rows = tagged(200, 1)
    rare = np.zeros((200, 1), dtype=np.int64)
    rare[17] = 1
    label = np.hstack([rows.label, rare])
    task = Task(
        name="tags",
        label_names=("a", "b", "c", "d"),
        source="",
        kind="multilabel",
        metrics=METRICS,
        splits={
            "train": TextSplit(text_a=rows.text_a, text_b=None, label=label),
            "test": TextSplit(text_a=("x",), text_b=None, label=label[:1]),
        },
    )
    for seed in range(5):
        assert len(make_splits(task, ProtocolSettings(name="heldout"), seed).validation) == 30


def test_other_labels_are_other_data():
    rows = tagged(200, 1)
    other = TextSplit(text_a=rows.text_a, text_b=None, label=np.roll(rows.label, 1, axis=1))
    hashes = [
        make_splits(task_with(train=r, test=tagged(50, 2)), ProtocolSettings(name="heldout"), 0).hash for r in (rows, other)
    ]
    assert hashes[0] != hashes[1]


def test_hidden_sets_are_not_labelled_and_unfit_ones_are_errors():
    hidden = TextSplit(text_a=("a", "b"), text_b=None, label=np.full((2, 3), -1))
    assert not hidden.labelled
    check_task(task_with(train=tagged(10, 1), test=hidden))
    assert kind_of(task_with()).columns(task_with(), hidden)["labels"] == "hidden"
    with pytest.raises(TaskError, match=r"row 0 of train has the targets \[-1, -1, -1\]"):
        check_task(task_with(train=hidden))
    with pytest.raises(TaskError, match=r"multilabel needs int64 of shape \(1, 3\)"):
        check_task(task_with(train=TextSplit(text_a=("a",), text_b=None, label=np.array([1]))))
    task = Task(name="tags", label_names=("a", "b", "c"), splits={"train": tagged(10, 1)}, source="", kind="multilabel")
    with pytest.raises(
        TaskError, match=r"accuracy compares classes and task tags .multilabel. has sets of labels: choose of macro_f1"
    ):
        check_task(task)


def load(folder: Path, text: str, **more: Any) -> Task:
    (folder / "t.csv").write_text(text)
    return load_task(TaskSettings.from_dict({**BASE, "train_file": str(folder / "t.csv"), **more}))


def test_labels_of_one_column_are_split_at_the_separator(tmp_path):
    task = load(tmp_path, 'text,tags\na,"x; y"\nb,\nc,y;;y\nd,10;9\n', label="tags", label_separator=";")
    assert (task.kind, task.label_names, task.metrics) == ("multilabel", ("10", "9", "x", "y"), METRICS)
    assert task.splits["train"].label.tolist() == [[0, 0, 1, 1], [0, 0, 0, 0], [0, 0, 0, 1], [1, 1, 0, 0]]


def test_labels_of_several_columns_are_0_and_1(tmp_path):
    task = load(tmp_path, "text,rude,threat\na,1,0\nb,0,0\nc,true,1.0\n", label=["rude", "threat"], metrics="macro_f1")
    assert (task.label_names, task.metrics) == (("rude", "threat"), ("macro_f1",))
    assert task.splits["train"].label.tolist() == [[1, 0], [0, 0], [1, 1]]


@pytest.mark.parametrize("test", ["text\nz\n", "text,rude,threat\nz,,\n"])
def test_a_test_file_without_labels_is_kept_unlabelled(tmp_path, test):
    (tmp_path / "test.csv").write_text(test)
    task = load(tmp_path, "text,rude,threat\na,1,0\nb,0,1\n", label=["rude", "threat"], test_file=str(tmp_path / "test.csv"))
    assert not task.splits["test"].labelled


@pytest.mark.parametrize(
    ("text", "more", "message"),
    [
        ("text,a,b\nx,1,2\n", {"label": ["a", "b"]}, "line 2: column 'b' .* of the train row is '2', .* write 0 or 1"),
        ("text,a,b\nx,1,\n", {"label": ["a", "b"]}, "column 'b' .* is '', .* write 0 or 1"),
        ("text,a,b\nx,1,0\n", {"label": ["a", "c"]}, "task.label is 'c', but .* has no such column"),
        ("text,a\nx,1\n", {"label": ["a"]}, r"task.label is \['a'\], but a list names two columns"),
        ("text,a,b\nx,1,0\n", {"label": ["a", "a"]}, "they must differ"),
        ("text,a\nx,p;q\n", {"label": ["a", "b"], "label_separator": ";"}, "leave out one of the two"),
        ("text,a\nx,p;q\n", {"label": "a", "label_separator": ""}, "task.label_separator is ''"),
        ("text,a\nx,p;q\n", {"label": "a", "label_separator": "|", "positive": "p"}, "task.positive is 'p', but rows"),
        ("text,a\nx,p\ny,p\n", {"label": "a", "label_separator": ";"}, "only the label 'p'"),
        ("text,a\nx,\n", {"label": "a", "label_separator": ";"}, "has no labels"),
        ("text,a\nx,p;P\n", {"label": "a", "label_separator": ";"}, "'P' .task.label. looks like 'p'"),
        ("text,a\nx,p;q\n", {"label": "a", "label_separator": ";", "metrics": "accuracy"}, "accuracy compares classes"),
    ],
)  # fmt: skip
def test_a_table_or_setting_that_is_unfit_is_named_with_its_remedy(tmp_path, text, more, message):
    with pytest.raises(TaskError, match=message):
        load(tmp_path, text, **more)


def test_a_label_that_train_lacks_is_an_error(tmp_path):
    (tmp_path / "dev.csv").write_text("text,a\nx,r\n")
    with pytest.raises(TaskError, match=r"dev.csv, line 2: the dev row has the label 'r'.* the known labels are 'p', 'q'"):
        load(tmp_path, "text,a\nx,p;q\n", label="a", label_separator=";", dev_file=str(tmp_path / "dev.csv"))


def test_a_network_is_trained_to_several_labels_and_beats_the_best_constant_set(tmp_path):
    rows = tagged(300, 1)
    names = ("sweet", "green", "cheap")
    lines = [f"{text},{','.join(map(str, given))}" for text, given in zip(rows.text_a, rows.label.tolist(), strict=True)]
    (tmp_path / "t.csv").write_text("\n".join([f"text,{','.join(names)}", *lines]) + "\n")
    request = Request(
        task=TaskSettings.from_dict({**BASE, "train_file": str(tmp_path / "t.csv"), "label": list(names)}),
        protocol=ProtocolSettings(name="heldout"),
        model=ModelSettings(name="micro", source="micro", num_layers=1, max_length=16),
        training=TrainingSettings(precision="fp32"),
        hparams=HParams(num_epochs=8, learning_rate=3e-3, batch_size=16).to_dict(),
        space=SearchSpace({"learning_rate": Float(low=1e-4, high=1e-2, log=True)}),
        seeds={"split": 0},
        device="cpu",
    )
    prepared = FinetuneEngine(NoSettings()).prepare(request)
    recipe = prepared.recipe(lambda key, make: Shared(key=key, fetch=make))
    *_, last = recipe.build(Environment(), Kept()).start(request.hparams, seed=1)
    constant = prepared.facts["parts"]["validation"]["constant_scores"]
    assert last.validation.metrics["micro_f1"] > constant["micro_f1"] + 0.15
    assert last.validation.metrics["subset_accuracy"] > constant["subset_accuracy"] + 0.15
