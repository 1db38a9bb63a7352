"""The winner's schedule, through all of its ancestors."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.records.test_store import HEADER, RECORDS, SCORE
from tuneoff.evaluation import Cost
from tuneoff.records.incumbent import incumbent
from tuneoff.records.recipe import lineage, schedule_of
from tuneoff.records.schema import Cell, EvaluationRecord
from tuneoff.training.hparams import HParams


def evaluation(
    trial: str, number: int, examples: int, lr: float, score: float, parent: tuple[str, int] | None = None
) -> EvaluationRecord:
    return EvaluationRecord(
        trial_id=trial,
        evaluation=number,
        parent_trial_id=parent[0] if parent else None,
        parent_evaluation=parent[1] if parent else None,
        hparams=HParams(learning_rate=lr).to_dict(),
        examples_seen=examples,
        epoch=examples / 100,
        validation=replace(SCORE, metrics={"accuracy": score}),
        test=None,
        cost=Cost(),
        peak_memory_bytes=None,
        elapsed_seconds=float(number),
        worker="h:1",
    )


# t001 trains an epoch, t000 copies it and trains one under another rate, t002 copies that and wins.
POPULATION = (
    evaluation("t000", 1, 100, 1e-5, 0.5),
    evaluation("t001", 1, 100, 2e-5, 0.7),
    evaluation("t002", 1, 100, 3e-5, 0.5),
    evaluation("t000", 2, 200, 4e-5, 0.8, ("t001", 1)),
    evaluation("t001", 2, 200, 2e-5, 0.6),
    evaluation("t002", 2, 300, 5e-5, 0.9, ("t000", 2)),
    evaluation("t002", 3, 400, 5e-5, 0.85),
)


def cell(records=POPULATION) -> Cell:
    return Cell(path=Path("x"), header=HEADER, records=tuple(records))


def test_the_winner_is_the_best_evaluation_of_any_trial_and_the_earliest_of_equals():
    assert incumbent(cell()).trial_id == "t002"
    later = replace(evaluation("t009", 1, 100, 1e-5, 0.9), elapsed_seconds=2.5)
    assert incumbent(cell((later, *POPULATION))) == POPULATION[5]


def test_lineage_goes_through_every_ancestor():
    path = lineage(POPULATION, POPULATION[5])
    assert [(r.trial_id, r.evaluation) for r in path] == [("t001", 1), ("t000", 2), ("t002", 2)]


def test_the_schedule_says_which_rate_until_which_example():
    schedule = schedule_of(cell())
    assert [(s.until_examples, s.hparams["learning_rate"], s.trial_id) for s in schedule.segments] == [
        (100, 2e-5, "t001"),
        (200, 4e-5, "t000"),
        (300, 5e-5, "t002"),
    ]
    assert [schedule.at(seen)["learning_rate"] for seen in (0, 99, 100, 250, 300, 999)] == [2e-5, 2e-5, 4e-5, 5e-5, 5e-5, 5e-5]
    assert not schedule.constant


def test_the_schedule_of_any_other_evaluation_can_be_asked_for():
    schedule = schedule_of(cell(), POPULATION[4])
    assert [(s.until_examples, s.trial_id) for s in schedule.segments] == [(200, "t001")]


def test_a_configuration_is_a_schedule_of_one_segment():
    records = [evaluation("t000", i, 100 * i, 1e-5, 0.5 + i / 10) for i in (1, 2, 3)]
    schedule = schedule_of(cell(records))
    assert len(schedule.segments) == 1
    assert schedule.segments[0].until_examples == 300
    assert schedule.constant


def test_a_search_without_an_evaluation_has_no_incumbent():
    with pytest.raises(LookupError):
        incumbent(cell(RECORDS[:2]))


def test_lineage_within_a_trial_has_each_of_its_evaluations():
    records = [evaluation("t000", i, 100 * i, 1e-5, 0.5) for i in (1, 2, 3, 4)]
    assert lineage(records, records[3]) == records
    assert lineage(records, records[1]) == records[:2]


@pytest.mark.parametrize("parent", [("t001", None), ("t001", 7), ("t009", 1)])
def test_lineage_begins_where_the_parents_evaluation_is_not_known(parent):
    copied = evaluation("t000", 2, 200, 4e-5, 0.8, parent)
    assert lineage([*POPULATION[:3], copied], copied) == [copied]
