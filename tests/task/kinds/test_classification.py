"""Metrics against values worked out by hand and by scikit-learn; losses against torch's; the scores of constant answers."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from tests.task.toy import rows, task_of
from tuneoff import plugins
from tuneoff.task import TaskError
from tuneoff.task.kinds import check_task, find_kind, find_metric, kind_of, metric_names, scoring, scoring_of
from tuneoff.task.kinds.classification import label_counts, majority_rate, rarer_class
from tuneoff.task.kinds.contracts import Answers, Metric
from tuneoff.task.units import metric_range
from tuneoff.training.losses import find_loss

TARGETS = [0, 0, 0, 0, 1, 1, 1, 2, 2, 2]
PREDICTED = [0, 0, 1, 2, 1, 1, 0, 2, 2, 2]
"""Right: 2 of 4, 2 of 3, 3 of 3. Predicted: 3 zeros (2 right), 3 ones (2 right), 4 twos (3 right)."""


def answers(targets, predicted, n_outputs: int = 3, positive: int | None = None) -> Answers:
    outputs = np.eye(n_outputs, dtype=np.float32)[np.array(predicted)]
    return Answers(targets=np.array(targets), predicted=np.array(predicted), outputs=outputs, positive=positive)


@pytest.mark.parametrize(
    ("metric", "positive", "expected"),
    [
        ("accuracy", None, 7 / 10),
        ("f1", 0, 2 * 2 / (4 + 3)),
        ("f1", 1, 2 * 2 / (3 + 3)),
        ("f1", 2, 2 * 3 / (3 + 4)),
        ("macro_f1", None, (4 / 7 + 4 / 6 + 6 / 7) / 3),  # unweighted: weighted by frequency it is 0.6857
        ("matthews", None, (7 * 10 - (4 * 3 + 3 * 3 + 3 * 4)) / ((100 - 34) * (100 - 34)) ** 0.5),
    ],
)
def test_each_metric_has_the_value_worked_out_by_hand(metric, positive, expected):
    assert find_metric(metric).score(answers(TARGETS, PREDICTED, positive=positive)) == pytest.approx(expected, abs=1e-12)


THEIRS = {
    "accuracy": lambda y, p, _: sk.accuracy_score(y, p),
    "f1": lambda y, p, c: sk.f1_score(y, p, labels=[c], average="macro", zero_division=0.0),
    "macro_f1": lambda y, p, _: sk.f1_score(y, p, average="macro", zero_division=0.0),
    "matthews": lambda y, p, _: sk.matthews_corrcoef(y, p),
    "objective": lambda y, p, c: sk.accuracy_score(y, p) + sk.f1_score(y, p, labels=[c], average="macro", zero_division=0.0),
}


def test_every_metric_of_ours_for_classes_is_compared_with_another_library():
    assert set(THEIRS) == {n for n in metric_names() if find_metric(n).targets == "classes" and _ours(n)}


def _ours(name: str) -> bool:
    return type(find_metric(name)).__module__.startswith("tuneoff.")


@pytest.mark.filterwarnings("ignore:A single label was found")
@pytest.mark.parametrize("metric", THEIRS)
@settings(deadline=None)  # the first import of a library counts
@given(pairs=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=40), positive=st.integers(0, 3))
def test_each_metric_equals_scikit_learns(metric, pairs, positive):
    targets, predicted = zip(*pairs, strict=True)
    ours = find_metric(metric).score(answers(targets, predicted, 4, positive))
    assert ours == pytest.approx(THEIRS[metric](targets, predicted, positive), abs=1e-12)


def test_a_metric_about_a_class_that_is_neither_present_nor_predicted_is_0():
    assert find_metric("f1").score(answers([0, 0], [0, 0], 2, positive=1)) == 0.0


def test_a_score_holds_metrics_loss_counts_and_predictions():
    outputs = np.array([[2.0, 0.0], [0.0, 1.0], [3.0, 1.0], [0.5, 0.0]], dtype=np.float32)
    targets = np.array([0, 1, 1, 0])
    score = scoring(2, ("accuracy", "f1"), positive=1).score(outputs, targets, keep_predictions=True)
    assert score.metrics == {"accuracy": 0.75, "f1": pytest.approx(2 / 3)}
    assert score.predicted_counts == (3, 1)
    assert score.predictions == (0, 1, 0, 0)
    assert score.n_examples == 4
    by_hand = [np.log(1 + np.exp(-2)), np.log(1 + np.exp(-1)), 2 + np.log(1 + np.exp(-2)), np.log(1 + np.exp(-0.5))]
    assert score.loss == pytest.approx(np.mean(by_hand), abs=1e-9)
    assert scoring(2).score(outputs, targets, keep_predictions=False).predictions is None


def test_the_loss_that_is_reported_is_the_one_that_training_minimises():
    outputs, targets = np.random.default_rng(1).normal(size=(50, 4)).astype(np.float32) * 5, np.arange(50) % 4
    ours = scoring(4)
    minimised = find_loss(ours.loss)(torch.tensor(outputs), torch.tensor(targets))
    assert ours.score(outputs, targets, keep_predictions=False).loss == pytest.approx(float(minimised), abs=1e-5)


def test_the_loss_of_outputs_of_any_size_is_finite_and_each_rows_own():
    """2000 where the wrong class is certain, ln 2 where nothing is."""
    outputs = np.array([[2000.0, 0.0], [0.0, 0.0], [-3000.0, -3000.0]], dtype=np.float32)
    assert find_kind("classification").mean_loss(outputs, np.array([1, 0, 1])) == pytest.approx((2000 + 2 * np.log(2)) / 3)


def test_classes_that_were_never_predicted_are_counted_as_none():
    assert find_kind("classification").count(np.array([0, 0, 1]), 4) == (2, 1, 0, 0)


@pytest.mark.filterwarnings("error")
def test_a_constant_answer_has_a_correlation_of_0_without_a_warning():
    assert find_metric("matthews").score(answers([0, 1, 1], [1, 1, 1], 2)) == 0.0
    assert find_metric("matthews").score(answers([1, 1, 1], [1, 1, 1], 2)) == 0.0


@pytest.mark.parametrize("metric", THEIRS)
def test_a_metric_is_about_a_class_where_the_class_makes_a_difference(metric):
    zero, one = (find_metric(metric).score(answers(TARGETS, PREDICTED, positive=c)) for c in (0, 1))
    assert find_metric(metric).needs_positive == (zero != one)


@pytest.mark.parametrize("metric", THEIRS)
def test_the_range_of_a_metric_is_that_of_right_and_of_exchanged_answers(metric):
    low, high = (find_metric(metric).score(answers([0, 1, 0, 1], p, 2, positive=1)) for p in ([1, 0, 1, 0], [0, 1, 0, 1]))
    assert metric_range(metric) == pytest.approx((low, high))


def test_nothing_is_known_of_the_range_of_a_users_metric():
    class Own(Metric):
        def score(self, answers: Answers) -> float:
            return 0.0

    assert Own("own").limits == (-np.inf, np.inf)


def test_the_best_constant_answer_is_the_majority_for_accuracy_and_the_positive_class_for_its_f1():
    targets = np.array([1] * 3 + [0] * 7)
    found = scoring(2, ("accuracy", "f1", "macro_f1", "matthews"), positive=1).constant_scores(targets)
    assert found == {"accuracy": 0.7, "f1": pytest.approx(6 / 13), "macro_f1": pytest.approx((14 / 17) / 2), "matthews": 0.0}


@settings(deadline=None)  # the first import of a library counts
@given(st.lists(st.integers(0, 3), min_size=1, max_size=30))
def test_no_constant_answer_beats_the_constant_scores(labels):
    targets = np.array(labels)
    ours = scoring(4, ("accuracy", "f1", "macro_f1", "matthews"), positive=2)
    found = ours.constant_scores(targets)
    for constant in range(4):
        outputs = np.tile(np.eye(4, dtype=np.float32)[constant], (len(labels), 1))
        other = ours.score(outputs, targets, keep_predictions=False).metrics
        assert all(other[name] <= found[name] + 1e-12 for name in found)


def test_counts_rates_and_the_rarer_class():
    split = rows("abcdefg", [0, 0, 1, 0, 2, 1, 0])
    assert label_counts(split, 4) == (4, 2, 1, 0)
    assert majority_rate(split) == pytest.approx(4 / 7)
    assert [rarer_class(np.array(labels)) for labels in ([0, 0, 1], [0, 1, 1], [0, 1])] == [1, 0, 1]


def test_a_task_says_what_its_kind_knows():
    task = task_of(3, train=rows("abcd", [0, 1, 2, 2]), test=rows("ab", [-1, -1]))
    kind = kind_of(task)
    assert kind.n_outputs(task) == scoring_of(task).n_outputs == 3
    assert kind.legend(task) == "Labels: 0 = label0, 1 = label1, 2 = label2."
    assert kind.columns(task, task.splits["train"]) == {"labels": "1 / 1 / 2", "majority": "50.0 %"}
    assert kind.columns(task, task.splits["test"]) == {"labels": "hidden", "majority": "-"}


@pytest.mark.parametrize(("n", "shown"), [(6, "1 / 1 / 1 / 1 / 1 / 2"), (7, "1 / 1 / 1 / 1 / 1 / 1 ...")])
def test_of_more_than_six_classes_six_are_counted_in_a_table(n, shown):
    task = task_of(n, train=rows("abcdefgh"[: n + 1], [*range(n), n - 1]))
    assert kind_of(task).columns(task, task.splits["train"])["labels"] == shown


def test_a_label_outside_the_list_is_an_error_that_names_the_row():
    task = task_of(2, train=rows("ab", [0, 1]), dev=rows("abc", [0, 1, 2]))
    with pytest.raises(TaskError, match="row 2 of dev has the label index 2, but the task has 2 labels"):
        check_task(task)
    check_task(task_of(2, train=rows("ab", [0, 1]), test=rows("ab", [-1, -1])))


def test_what_scores_a_task_crosses_to_another_process():
    sent = scoring(3, ("macro_f1", "f1"), positive=2)
    assert pickle.loads(pickle.dumps(sent)) == sent
    assert sent.metric == "macro_f1"


def test_a_metric_of_a_users_module_is_found_by_name_and_one_that_is_better_when_lower_cannot_be_maximised():
    @plugins.register("metric", "error_rate")
    class ErrorRate(Metric):
        higher_is_better = False

        def score(self, answers: Answers) -> float:
            return float((answers.targets != answers.predicted).mean())

    try:
        assert find_metric("error_rate").score(answers(TARGETS, PREDICTED)) == pytest.approx(0.3)
        assert scoring(2, ("accuracy", "error_rate")).constant_scores(np.array([0, 0, 1])) == {
            "accuracy": pytest.approx(2 / 3),
            "error_rate": pytest.approx(1 / 3),
        }
        train = rows("ab", [0, 1])
        check_task(_with_metrics(train, ("accuracy", "error_rate")))
        with pytest.raises(TaskError, match="searches maximise the first and error_rate is better when lower"):
            check_task(_with_metrics(train, ("error_rate", "accuracy")))
    finally:
        del plugins._registered["metric"]["error_rate"]


def _with_metrics(train, metrics):
    from dataclasses import replace

    return replace(task_of(2, train=train), metrics=metrics)


def test_an_unknown_kind_or_metric_names_the_nearest():
    with pytest.raises(plugins.PluginError, match="did you mean 'accuracy'"):
        find_metric("acuracy")
    with pytest.raises(plugins.PluginError, match=r"choose one of .*classification"):
        find_kind("clasification")
