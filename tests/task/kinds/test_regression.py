"""A task of numbers: metrics against values by hand and scipy's, splits, and training to a better answer than the mean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tests.task.toy import task_of
from tuneoff import plugins
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

METRICS = ("pearson", "spearman", "rmse", "mae")


def answers(targets, predicted) -> Answers:
    predicted = np.array(predicted, dtype=np.float64)
    return Answers(
        targets=np.array(targets, dtype=np.float64), predicted=predicted, outputs=predicted[:, None].astype(np.float32)
    )


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("pearson", 5 / (5 * 14) ** 0.5),  # targets less their mean: -1.5 -0.5 0.5 1.5; answers less theirs: -1 0 -2 3
        ("spearman", 0.4),  # ranks 1 2 3 4 and 2 3 1 4: 1 - 6 x 6 / (4 x 15)
        ("rmse", (10 / 4) ** 0.5),
        ("mae", 6 / 4),
    ],
)
def test_each_metric_has_the_value_worked_out_by_hand(metric, expected):
    assert find_metric(metric).score(answers([1, 2, 3, 4], [2, 3, 1, 6])) == pytest.approx(expected, abs=1e-12)


def test_every_metric_of_ours_for_numbers_is_tested():
    found = [find_metric(name) for name in metric_names()]
    assert {m.name for m in found if m.targets == "numbers" and type(m).__module__.startswith("tuneoff.")} == set(METRICS)


@settings(deadline=None)  # the first import of a library counts
@given(st.lists(st.tuples(st.integers(-50, 50), st.integers(-50, 50)), min_size=3, max_size=30))
def test_correlations_equal_scipys_and_are_0_for_a_constant_answer(pairs):
    targets, predicted = zip(*pairs, strict=True)
    constant = len(set(targets)) == 1 or len(set(predicted)) == 1
    for name, theirs in (("pearson", stats.pearsonr), ("spearman", stats.spearmanr)):
        expected = 0.0 if constant else theirs(targets, predicted).statistic
        assert find_metric(name).score(answers(targets, predicted)) == pytest.approx(expected, abs=1e-9)


def test_the_loss_that_is_reported_is_the_one_that_training_minimises():
    rng = np.random.default_rng(1)
    outputs, targets = rng.normal(size=(50, 1)).astype(np.float32), rng.normal(size=50)
    ours = scoring(1, METRICS, kind="regression")
    minimised = find_loss(ours.loss)(torch.tensor(outputs), torch.tensor(targets, dtype=torch.float32))
    score = ours.score(outputs, targets, keep_predictions=True)
    assert score.loss == pytest.approx(float(minimised), abs=1e-6)
    assert score.predictions == pytest.approx(outputs[:, 0].tolist())
    assert (score.predicted_counts, score.collapsed) == ((), False)


def test_the_best_constant_answers_are_the_mean_and_the_median():
    found = scoring(1, METRICS, kind="regression").constant_scores(np.array([0.0, 0.0, 0.0, 4.0]))
    assert found == {"pearson": 0.0, "spearman": 0.0, "rmse": pytest.approx(3**0.5), "mae": 1.0}


@pytest.mark.parametrize("metric", METRICS)
def test_the_range_of_a_metric_is_that_of_right_and_of_reversed_answers(metric):
    right, reversed_ = (find_metric(metric).score(answers([1, 2, 3], p)) for p in ([1, 2, 3], [3, 2, 1]))
    low, high = find_metric(metric).limits
    if find_metric(metric).higher_is_better:
        assert (low, high) == (pytest.approx(reversed_), pytest.approx(right))
    else:
        assert (low, high) == (right, np.inf)


def test_a_table_has_the_range_and_spread_of_the_targets():
    """The sd of 1, 1.5 and 5 is the root of (2.25 + 1 + 6.25) / 3."""
    shown = TextSplit(text_a=("a", "b", "c"), text_b=None, label=np.array([1.0, 1.5, 5.0]))
    assert kind_of(task_with()).columns(task_with(), shown) == {"targets": "1 to 5", "mean ± sd": "2.5 ± 1.78"}


def numbers(n: int, seed: int) -> TextSplit:
    """A number from 0 to 4 by the adjective, and a little noise."""
    rng = np.random.default_rng(seed)
    words, grade = ("awful", "poor", "fair", "good", "superb"), rng.integers(5, size=n)
    texts = tuple(f"film {seed} {i} was {words[g]}" for i, g in enumerate(grade))
    return TextSplit(text_a=texts, text_b=None, label=grade + rng.normal(scale=0.1, size=n))


def task_with(**splits: TextSplit) -> Task:
    return Task(name="films", label_names=(), splits=splits, source="test", kind="regression", metrics=("pearson", "rmse"))


def test_a_cut_keeps_the_shares_of_low_and_high_targets():
    task = task_with(train=numbers(200, 1), test=numbers(50, 2))
    splits = make_splits(task, ProtocolSettings(name="heldout"), 0)
    whole, cut = task.splits["train"].label, splits.validation.rows.label
    edges = np.quantile(whole, [0.2, 0.4, 0.6, 0.8])
    assert np.bincount(np.searchsorted(edges, cut), minlength=5).tolist() == [6] * 5
    facts = summarise(task, splits)
    assert facts["parts"]["test"]["targets"]["mean"] == pytest.approx(task.splits["test"].label.mean())
    assert facts["parts"]["test"]["constant_scores"]["rmse"] == pytest.approx(task.splits["test"].label.std())


def test_targets_that_differ_by_less_than_one_are_different_data():
    def digest(shift: float) -> str:
        rows = numbers(200, 1)
        moved = TextSplit(text_a=rows.text_a, text_b=None, label=rows.label + shift)
        return make_splits(task_with(train=moved, test=numbers(50, 2)), ProtocolSettings(name="heldout"), 0).hash

    assert digest(0.0) == digest(0.0) != digest(0.001)


def test_hidden_targets_are_not_labelled_and_unfit_ones_are_errors():
    hidden = TextSplit(text_a=("a", "b"), text_b=None, label=np.array([1.0, np.nan]))
    assert not hidden.labelled
    assert TextSplit(text_a=("a",), text_b=None, label=np.array([-1.0])).labelled, "-1 is a number like any other"
    check_task(task_with(train=numbers(10, 1), test=hidden))
    assert kind_of(task_with()).columns(task_with(), hidden)["targets"] == "hidden"
    with pytest.raises(TaskError, match="row 1 of train has the target nan"):
        check_task(task_with(train=hidden))
    with pytest.raises(TaskError, match="the targets of train are int64, but regression needs float64"):
        check_task(task_with(train=TextSplit(text_a=("a",), text_b=None, label=np.array([1]))))


@pytest.mark.parametrize("metrics", [("accuracy",), ("pearson", "f1")])
def test_a_metric_of_classes_does_not_score_numbers(metrics):
    task = Task(name="films", label_names=(), splits={"train": numbers(10, 1)}, source="", kind="regression", metrics=metrics)
    with pytest.raises(TaskError, match=r"compares classes and task films \(regression\) has numbers: choose of mae, pearson"):
        check_task(task)
    classes = task_of(2, train=TextSplit(text_a=("a", "b"), text_b=None, label=np.array([0, 1])))
    check_task(classes)


@dataclass(frozen=True, kw_only=True)
class Films(TaskSettings):
    def load(self) -> Task:
        return task_with(train=numbers(300, 1), test=numbers(60, 2))


def test_a_network_is_trained_to_numbers_and_beats_the_mean(monkeypatch):
    monkeypatch.setitem(plugins._registered, "task", {"films": Films})
    request = Request(
        task=TaskSettings.from_dict({"kind": "films", "max_train_rows": 200}),
        protocol=ProtocolSettings(name="heldout"),
        model=ModelSettings(name="micro", source="micro", num_layers=1, max_length=16),
        training=TrainingSettings(precision="fp32"),
        hparams=HParams(num_epochs=10, learning_rate=3e-3, batch_size=16).to_dict(),
        space=SearchSpace({"learning_rate": Float(low=1e-4, high=1e-2, log=True)}),
        seeds={"split": 0},
        device="cpu",
    )
    assert len(load_task(request.task).splits["train"]) > 0
    prepared = FinetuneEngine(NoSettings()).prepare(request)
    recipe = prepared.recipe(lambda key, make: Shared(key=key, fetch=make))
    *_, last = recipe.build(Environment(), Kept()).start(request.hparams, seed=1)
    assert last.test is not None
    assert last.test.metrics["pearson"] > 0.9
    assert last.test.metrics["rmse"] < 0.5 * prepared.facts["parts"]["test"]["constant_scores"]["rmse"]
