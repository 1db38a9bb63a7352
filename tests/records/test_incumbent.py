"""The one incumbent rule: best validation score, of equals the earliest known, tested before untested."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import pytest

from tests.records.test_recipe import cell, evaluation
from tests.records.test_store import HEADER, SCORE
from tuneoff.records.incumbent import (
    best_score,
    incumbent,
    incumbents,
    known_order,
    needs_test_score,
    reported_evaluations,
    takes_over,
)
from tuneoff.records.schema import EvaluationRecord
from tuneoff.records.store import RecordError
from tuneoff.task.base import TaskError


def scored(trial: str, elapsed: float, score: float, *, tested: bool = True, number: int = 1) -> EvaluationRecord:
    made = evaluation(trial, number, 100 * number, 1e-5, score)
    return replace(made, elapsed_seconds=elapsed, test=SCORE if tested else None)


def test_a_better_score_takes_over_and_a_worse_one_does_not() -> None:
    first, better, worse = scored("a", 1, 0.5), scored("b", 2, 0.6), scored("c", 3, 0.55)
    assert list(incumbents(cell([first, better, worse]))) == [first, better]
    assert incumbent(cell([first, better, worse])) == better
    assert takes_over(first, None, "accuracy")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (scored("b", 1, 0.5), scored("a", 2, 0.5)),
        (scored("b", 2, 0.5), scored("a", 1, 0.5, tested=False)),
        (scored("a", 1, 0.5), scored("b", 1, 0.5)),
        (scored("a", 1, 0.5), scored("a", 1, 0.5, number=2)),
        (scored("b", 9, 0.6, tested=False), scored("a", 1, 0.5)),
    ],
    ids=["the earlier", "the tested one", "the lower trial number", "the lower evaluation", "the higher score"],
)
def test_of_two_the_incumbent_is(one: EvaluationRecord, other: EvaluationRecord) -> None:
    assert takes_over(one, other, "accuracy")
    assert not takes_over(other, one, "accuracy")
    assert not takes_over(one, one, "accuracy")


def test_the_incumbent_does_not_depend_on_the_order_of_lines() -> None:
    records = [scored("a", 1, 0.5), scored("b", 2, 0.7, tested=False), scored("c", 3, 0.7), scored("d", 3, 0.7)]
    results = {incumbent(cell(order)).trial_id for order in itertools.permutations(records)}
    assert results == {"c"}


def test_an_evaluation_that_may_be_the_incumbent_is_scored_on_test() -> None:
    assert needs_test_score(0.6, 0.5)
    assert needs_test_score(0.5, 0.5)
    assert not needs_test_score(0.49, 0.5)
    assert needs_test_score(0.0, -math.inf)


def test_the_best_score_is_that_of_any_evaluation() -> None:
    assert best_score(cell([scored("a", 1, 0.5), scored("b", 2, 0.7, tested=False)])) == 0.7
    assert best_score(cell([])) == -math.inf


def test_known_order_is_by_time_then_trial_then_evaluation() -> None:
    records = [scored("b", 1, 0.1), scored("a", 1, 0.1, number=2), scored("a", 1, 0.1), scored("c", 0.5, 0.1)]
    assert [(r.trial_id, r.evaluation) for r in known_order(records)] == [("c", 1), ("a", 1), ("a", 2), ("b", 1)]


def test_under_the_published_protocol_later_evaluations_of_the_best_trial_take_over() -> None:
    records = [scored("a", 1, 0.8), scored("b", 2, 0.5), scored("a", 3, 0.6, number=2), scored("b", 4, 0.9, number=2)]
    held = cell(records)
    published = replace(held, header=replace(HEADER, protocol="blog2020"))
    assert [(r.trial_id, r.evaluation) for r in reported_evaluations(held)] == [("a", 1), ("b", 2)]
    assert [(r.trial_id, r.evaluation) for r in reported_evaluations(published)] == [("a", 1), ("a", 2), ("b", 2)]


def test_an_unknown_protocol_is_an_error() -> None:
    with pytest.raises(TaskError, match="heldout, blog2020"):
        reported_evaluations(replace(cell([scored("a", 1, 0.8)]), header=replace(HEADER, protocol="other")))


def test_a_missing_metric_is_an_error_that_names_what_there_is() -> None:
    other = replace(cell([scored("a", 1, 0.8)]), header=replace(HEADER, metric="f1"))
    with pytest.raises(RecordError, match=r"'f1'.* accuracy"):
        list(incumbents(other))
