"""The best constant answer, against scikit-learn's metrics of every constant answer."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from tuneoff.report.statistics.baseline import constant_answer_score, constant_set_score

SCORES = {
    "accuracy": metrics.accuracy_score,
    "macro_f1": lambda y, p: metrics.f1_score(y, p, average="macro", zero_division=0.0),
    "balanced_accuracy": metrics.balanced_accuracy_score,
    "matthews": metrics.matthews_corrcoef,
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("metric", SCORES)
@given(counts=st.lists(st.integers(0, 30), min_size=2, max_size=5).filter(any))
def test_it_is_the_best_of_all_constant_answers(metric: str, counts: list[int]) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    present = [k for k, count in enumerate(counts) if count]
    best = max(SCORES[metric](labels, np.full(len(labels), k)) for k in present)
    assert constant_answer_score(metric, counts) == pytest.approx(best)


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 1))
def test_f1_is_that_of_always_answering_the_positive_class(zeros: int, ones: int, positive: int) -> None:
    if zeros + ones == 0:
        return
    labels = np.repeat([0, 1], [zeros, ones])
    want = metrics.f1_score(labels == positive, np.ones(len(labels)), zero_division=0.0)
    assert constant_answer_score("f1", [zeros, ones], positive) == pytest.approx(want)


def test_without_a_named_class_f1_is_that_of_the_second() -> None:
    assert constant_answer_score("f1", [70, 30]) == pytest.approx(2 * 0.3 / 1.3)


def test_what_is_not_known_is_not_invented() -> None:
    assert math.isnan(constant_answer_score("perplexity", [1, 2]))
    assert math.isnan(constant_answer_score("accuracy", [0, 0]))
    assert math.isnan(constant_answer_score("f1", [1, 2], positive=2))
    assert math.isnan(constant_answer_score("f1", [1, 2], positive=-1))


@pytest.mark.filterwarnings("ignore")
@given(rows=st.lists(st.tuples(*[st.integers(0, 1)] * 3), min_size=1, max_size=8).filter(lambda rows: any(map(any, rows))))
def test_of_label_sets_it_is_the_best_of_all_sets(rows: list[tuple[int, int, int]]) -> None:
    truth = np.array(rows)
    counts = [int(count) for count in truth.sum(axis=0)]
    answers = [np.tile(answer, (len(rows), 1)) for answer in product((0, 1), repeat=3)]
    best = max(metrics.f1_score(truth, answer, average="micro", zero_division=0.0) for answer in answers)
    assert constant_set_score("micro_f1", counts, len(rows)) == pytest.approx(best)
    there = truth.any(axis=0)
    best = max(metrics.f1_score(truth, answer, average=None, zero_division=0.0)[there].mean() for answer in answers)
    assert constant_set_score("macro_f1", counts, len(rows)) == pytest.approx(best)


def test_of_label_sets_what_is_not_known_is_not_invented() -> None:
    assert math.isnan(constant_set_score("micro_f1", [0, 0], 3))
    assert math.isnan(constant_set_score("subset_accuracy", [1, 2], 3))
