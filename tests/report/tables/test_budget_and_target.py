"""What a budget buys, and what it costs to beat the default."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import pytest
import synthetic as syn

from tuneoff.records.schema import Cell
from tuneoff.report.cells import Block
from tuneoff.report.frames import Frames, build_frames
from tuneoff.report.tables.budget import budgets
from tuneoff.report.tables.budget import table as budget_table
from tuneoff.report.tables.target import table as target_table


def made(cells: Sequence[Cell]) -> tuple[Block, Frames]:
    return next(build_frames(cells).blocks())


@pytest.fixture
def early_and_late() -> list[Cell]:
    """grid is quick and middling, bayesopt slow and good; both in seven repeats."""
    return [
        c
        for k in range(7)
        for c in (
            syn.stepwise("grid", k, [(600, 0.70 + k / 1000)], 1000),
            syn.stepwise("bayesopt", k, [(900, 0.60 + k / 1000), (2900, 0.80 + k / 500)], 3000),
        )
    ]


def test_each_search_leads_at_the_budget_where_it_should(early_and_late: list[Cell]) -> None:
    table = budget_table(*made(early_and_late))
    assert table is not None
    assert table.numbers["device_seconds"].tolist() == [500, 1000, 3000]
    assert table.numbers["leader"].tolist() == ["–", "grid", "bayesopt"]
    assert table.numbers["evidence"].tolist()[1:] == ["better than bayesopt", "better than grid"]
    assert table.numbers["grid"].tolist()[1:] == pytest.approx([0.653, 0.653])
    assert table.rows[1][0] == "$0.85"


def test_a_leader_of_few_repeats_is_not_called_better(early_and_late: list[Cell]) -> None:
    table = budget_table(*made(early_and_late[:8]))
    assert table is not None
    assert table.numbers["leader"].tolist()[-1] == "bayesopt"
    assert table.numbers["evidence"].tolist()[-1] == "undecided against grid"


def test_costs_that_are_about_equal_are_one_budget() -> None:
    cells = pd.DataFrame({"algorithm": ["a", "b", "c"], "charged_seconds": [100.0, 105.0, 300.0]})
    assert budgets(cells) == [50.0, 105.0, 300.0]


def test_one_search_has_no_budget_table() -> None:
    assert budget_table(*made([syn.search("grid", 0, quality=0.7)])) is None


def test_the_cost_of_beating_the_default_is_a_median_over_all_repeats() -> None:
    cells = [syn.stepwise("default", k, [(50, 0.70)], 60) for k in range(3)]
    cells += [syn.stepwise("grid", k, [(100 * (k + 1), 0.72)], 400) for k in range(3)]
    cells += [syn.stepwise("pbt", k, [(100, 0.72 if k == 0 else 0.6)], 400) for k in range(3)]
    table = target_table(*made(cells))
    assert table is not None
    assert [row[:3] for row in table.rows] == [("grid", "3 of 3", "3.33"), ("pbt", "1 of 3", "–")]
    assert table.rows[1][3] == "–"
    assert "65.0 %, the median test score of default over 3 repeats" in table.notes[0]


def test_without_a_default_there_is_no_target() -> None:
    assert target_table(*made([syn.search("grid", 0, quality=0.7)])) is None
