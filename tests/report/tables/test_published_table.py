"""Which weights are tested: the incumbent's own, or under blog2020 its trial's newest checkpoint."""

from __future__ import annotations

import math
from dataclasses import replace

import synthetic as syn
from hypothesis import given
from hypothesis import strategies as st

from tuneoff.records.schema import Cell
from tuneoff.report.cells import Block
from tuneoff.report.curves import steps_by_cell
from tuneoff.report.frames import Frames, build_frames
from tuneoff.report.tables.published import table as published_table
from tuneoff.report.tables.results import table as results_table

RECORDS = [
    syn.start(devices=1),
    syn.evaluation("a", 1, 0.80, 10, test=0.70),
    syn.evaluation("b", 1, 0.70, 20, test=0.1),
    syn.evaluation("a", 2, 0.60, 30, test=0.65),
    syn.evaluation("b", 2, 0.75, 40, test=0.2),
    syn.end(elapsed=50),
]


def made(protocol: str, **changes: object) -> tuple[Block, Frames]:
    return next(build_frames([syn.cell(RECORDS, protocol=protocol, **changes)]).blocks())


def test_blog2020_tests_the_best_trials_newest_checkpoint() -> None:
    row = made("blog2020")[1].cells.iloc[0]
    assert (row["incumbent_trial"], row["incumbent_evaluation"], row["tested_evaluation"]) == ("a", 1, 2)
    assert (row["validation"], row["test"]) == (0.80, 0.65)
    assert math.isclose(row["optimism"], 0.15)


def test_heldout_tests_what_scored() -> None:
    row = made("heldout")[1].cells.iloc[0]
    assert (row["tested_evaluation"], row["test"]) == (1, 0.70)


def test_the_newest_checkpoint_takes_over_when_it_is_known_and_not_before() -> None:
    steps = next(iter(steps_by_cell(made("blog2020")[1], "test", "seconds").values()))
    assert [float(steps.at(t)) for t in (10, 29, 30, 50)] == [0.70, 0.70, 0.65, 0.65]
    scores = next(iter(steps_by_cell(made("blog2020")[1], "validation", "seconds").values()))
    assert float(scores.at(50)) == 0.80


def test_the_table_says_so() -> None:
    assert "newest checkpoint" in results_table(*made("blog2020")).markdown()
    assert "newest checkpoint" not in results_table(*made("heldout")).markdown()


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=12))
def test_the_result_is_the_last_evaluation_of_the_best_trial(runs: list[tuple[str, float, float]]) -> None:
    count = {"a": 0, "b": 0, "c": 0}
    records = [syn.start()]
    for i, (trial, validation, test) in enumerate(runs):
        count[trial] += 1
        records.append(syn.evaluation(trial, count[trial], validation, float(i + 1), test=test))
    row = build_frames([syn.cell(records, protocol="blog2020")]).cells.iloc[0]
    winner = next(t for t, v, _ in runs if v == max(v for _, v, _ in runs))
    assert row["incumbent_trial"] == winner
    assert row["test"] == [test for t, _, test in runs if t == winner][-1]


def published(task: str = "rte", model: str = "bert-base") -> str:
    table = published_table(*made("blog2020", task=task, model=model))
    assert table is not None
    return table.markdown()


def test_the_published_rows_stand_beside_ours_labelled() -> None:
    text = published()
    for what in (
        "grid, published 2020",
        "74 %",
        "65.4 %",
        "45",
        "2.30",
        "bayesopt, published 2020",
        "104",
        "5.30",
        "pbt, published 2020",
        "70.5 %",
        "2.45",
        "| grid",
    ):
        assert what in text
    assert "another task" not in text


def test_another_task_or_model_is_said_not_to_compare() -> None:
    assert "don't compare" in published(model="micro")
    assert published_table(*made("heldout")) is None


def test_without_a_finished_run_there_is_nothing_to_put_beside() -> None:
    cell: Cell = syn.cell(RECORDS, protocol="blog2020", status="running")
    assert published_table(*next(build_frames([cell]).blocks())) is None


def test_a_study_of_another_metric_has_no_published_rows_beside_it() -> None:
    block, frames = made("blog2020")
    assert published_table(replace(block, metric="pearson"), frames) is None
