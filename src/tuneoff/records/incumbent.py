"""The incumbent rule: the best validation score of any trial's evaluation so far.

Of equal scores the earliest known wins, but one that is scored on test wins over one that is not: trials that run side by
side may be logged in another order than the one in which they were scored. The report, the recipe of a winner, a resumed
search and its progress all use the functions of this module.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

from tuneoff.evaluation import Score
from tuneoff.records.schema import Cell, EvaluationRecord
from tuneoff.records.store import RecordError
from tuneoff.task.protocol import protocol_rules


def known_order(evaluations: Iterable[EvaluationRecord]) -> list[EvaluationRecord]:
    """Evaluations in the order in which they became known, whatever the order of the log's lines."""
    return sorted(evaluations, key=lambda e: (e.elapsed_seconds, e.trial_id, e.evaluation))


def takes_over(record: EvaluationRecord, incumbent: EvaluationRecord | None, metric: str) -> bool:
    """Whether `record` is the incumbent of the two. The order in which they are compared does not matter."""
    return incumbent is None or _rank(record, metric) < _rank(incumbent, metric)


def incumbents(cell: Cell) -> Iterator[EvaluationRecord]:
    """Each evaluation that became the incumbent, in known order; the last one is the cell's result."""
    best: EvaluationRecord | None = None
    for record in known_order(cell.evaluations):
        score_of(record.validation, cell)
        if takes_over(record, best, cell.header.metric):
            best = record
            yield record


def incumbent(cell: Cell) -> EvaluationRecord:
    """The cell's result. Raises LookupError where there is no evaluation."""
    best: EvaluationRecord | None = None
    for best in incumbents(cell):  # noqa: B007 - the last one is wanted
        pass
    if best is None:
        raise LookupError(f"{cell.path} holds no evaluation")
    return best


def best_score(cell: Cell) -> float:
    """Validation score of the incumbent; minus infinity where there is no evaluation."""
    return max((score_of(record.validation, cell) for record in cell.evaluations), default=-math.inf)


def needs_test_score(score: float, best: float) -> bool:
    """Whether an evaluation of this validation score can be the incumbent, so that it has to be scored on test.

    Equal scores need one too: which of them is the earliest is known only when all are logged.
    """
    return score >= best


def reported_evaluations(cell: Cell) -> list[EvaluationRecord]:
    """The evaluations whose test score stood as the search's result, each from when it was known until the next.

    Under most protocols these are the incumbents. Under one that tests the newest checkpoint (`blog2020`, as published)
    the tested weights are those of the incumbent's trial as it goes on: its later evaluations take over, whatever their
    validation score.
    """
    best = list(incumbents(cell))
    if not protocol_rules(cell.header.protocol).tests_newest_checkpoint:
        return best
    marks, holder, stood = {id(record) for record in best}, "", []
    for record in known_order(cell.evaluations):
        if id(record) in marks:
            holder = record.trial_id
        if record.trial_id == holder:
            stood.append(record)
    return stood


def score_of(score: Score, cell: Cell) -> float:
    """The metric that the search maximised. Raises RecordError where it is missing: no other is taken for it."""
    metric = cell.header.metric
    if metric not in score.metrics:
        raise RecordError(
            f"{cell.path}: the metric is {metric!r}, but an evaluation only has "
            f"{', '.join(sorted(score.metrics)) or 'none'}: the records and their header don't match"
        )
    return score.metrics[metric]


def _rank(record: EvaluationRecord, metric: str) -> tuple[Any, ...]:
    """Lowest for the incumbent."""
    return (-record.validation.metrics[metric], record.test is None, record.elapsed_seconds, record.trial_id, record.evaluation)
