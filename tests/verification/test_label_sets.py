"""Rules for rows with several labels: what their counts decide, and what they do not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuneoff.report.statistics.baseline import constant_set_score
from tuneoff.task.kinds import scoring
from tuneoff.verification.discrepancy import close
from tuneoff.verification.header_checks import _baselines
from tuneoff.verification.score_checks import _score

METRICS = ("micro_f1", "macro_f1", "subset_accuracy")
RULES = scoring(3, METRICS, kind="multilabel")
DATA = {"kind": "multilabel", "labels": ["a", "b", "c"], "positive": None}


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 1), min_size=3, max_size=3), min_size=1, max_size=12))
def test_the_best_constant_sets_score_follows_from_the_counts(rows: list[list[int]]) -> None:
    targets = np.array(rows)
    found = RULES.constant_scores(targets)
    for metric in METRICS:
        expected = constant_set_score(metric, targets.sum(axis=0).tolist(), len(targets))
        assert np.isnan(expected) or found[metric] == pytest.approx(expected)


def part(**changes: Any) -> dict[str, Any]:
    targets = np.array([[1, 1, 1], [1, 1, 0], [1, 0, 0], [0, 0, 0]])
    counts = {"label_counts": targets.sum(axis=0).tolist(), "labels_per_row": 1.5}
    return {"rows": 4, **counts, "constant_scores": RULES.constant_scores(targets), **changes}


def wrong_in(made: dict[str, Any]) -> list[str]:
    return [place for place, found, expected in _baselines("test", made, DATA) if not close(found, expected)]


def test_counts_of_labels_need_not_sum_to_the_rows_but_none_exceeds_them() -> None:
    assert wrong_in(part()) == []
    assert "test.label_counts, the largest" in wrong_in(part(label_counts=[5, 2, 1]))
    assert wrong_in(part(constant_scores={"micro_f1": 0.9})) == ["test.constant_scores.micro_f1"]


def test_counts_of_predicted_sets_are_the_largest_first_and_sum_to_the_rows() -> None:
    outputs = np.array([[1, 1, -1], [1, 1, -1], [-1, -1, -1], [1, -1, -1]], dtype=np.float32)
    score = RULES.score(outputs, np.eye(3, dtype=np.int64)[[0, 1, 2, 0]], keep_predictions=True)
    assert score.predicted_counts == (2, 1, 1)
    assert list(_score(score, 4, [2, 1, 1], DATA, True)) == []
    for counts in ((1, 2, 1), (2, 1)):
        found = _score(replace(score, predicted_counts=counts), 4, None, DATA, True)
        assert [place for place, *_ in found] == ["predicted_counts"]
