"""Which search to choose with a budget."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import synthetic as syn

from tuneoff.records.schema import Cell
from tuneoff.report.cells import Block
from tuneoff.report.figures import probability_best as figure
from tuneoff.report.frames import Frames, build_frames
from tuneoff.report.tables.choice import table as choice_table
from tuneoff.report.verdicts.best_by_budget import NEIGHBOURS, BestByBudget, best_by_budget, sentence


def made(cells: Sequence[Cell]) -> tuple[Block, Frames]:
    return next(build_frames(cells).blocks())


@pytest.fixture
def crossing() -> tuple[Block, Frames]:
    """random is ahead until bayesopt overtakes it at 1,800 s; the default has its one score after a minute."""
    return made(
        [
            c
            for k in range(5)
            for c in (
                syn.stepwise("default", k, [(60, 0.60)], 60),
                syn.stepwise("random", k, [(300, 0.70 + k / 1000)], 3000),
                syn.stepwise("bayesopt", k, [(600, 0.65), (1800, 0.75 + k / 1000)], 3000),
            )
        ]
    )


def test_the_leader_changes_where_one_search_overtakes_the_other(crossing):
    found = best_by_budget(crossing[1], "minutes", "accuracy")
    assert found is not None
    assert (found.names, found.repeats) == (("default", "random", "bayesopt"), 5)
    leaders = [found.leader(i) for i in range(len(found.budget))]
    assert leaders[0] == "random"
    assert leaders[-1] == "bayesopt"
    start = found.certain_from()
    assert start is not None
    overtaken = int(np.flatnonzero(found.budget >= 30)[0])
    assert start == overtaken + NEIGHBOURS, "smoothed: certain where all neighbours are"
    assert leaders[start - 1] is None
    assert sentence(found, "CPU").startswith("From ")
    assert sentence(found, "CPU").endswith(" to 50 CPU-minutes bayesopt leads.")
    assert [float(found.budget[i]) for i in found.shown()] == pytest.approx([12.5, 25, found.budget[start], 50])
    known = np.isfinite(found.best)
    assert np.nansum(found.best, axis=1) == pytest.approx(1)
    assert known[:, 0].all(), "the untuned default keeps its score"
    assert not known[found.budget < 10, 2].any(), "bayesopt has no incumbent yet"
    assert found.expected[-1] == pytest.approx([0.55, 0.652, 0.702])


def test_nothing_is_extrapolated_beyond_what_a_search_spent():
    cells = [
        c for k in range(3) for c in (syn.stepwise("grid", k, [(60, 0.8)], 600), syn.stepwise("random", k, [(60, 0.7)], 6000))
    ]
    found = best_by_budget(made(cells)[1], "minutes", "accuracy")
    assert found is not None
    assert np.isfinite(found.best[found.budget <= 10, 0]).all()
    assert found.budget[-1] == pytest.approx(10), "alone, random has nobody to be better than"


@pytest.mark.parametrize("unit", ["epochs", "minutes", "dollars"])
def test_each_unit_has_its_budgets(crossing, unit):
    assert best_by_budget(crossing[1], unit, "accuracy") is not None


def test_too_few_repeats_or_searches_give_none():
    two = [syn.stepwise(name, k, [(60, 0.7)], 600) for name in ("grid", "random") for k in range(2)]
    assert best_by_budget(made(two)[1], "minutes", "accuracy") is None
    assert choice_table(*made(two)) is None
    alone = [syn.stepwise("grid", k, [(60, 0.7)], 600) for k in range(4)]
    assert best_by_budget(made(alone)[1], "minutes", "accuracy") is None


def test_the_table_names_the_crossover_and_keeps_unrounded_numbers(crossing):
    table = choice_table(*crossing)
    assert table is not None
    assert "bayesopt leads." in table.notes[0]
    assert [row[1] for row in table.rows][0::3] == ["random", "bayesopt"]
    last = table.numbers[table.numbers["unit"] == "minutes"].iloc[-1]
    assert (last["algorithm"], last["probability_best"]) == ("bayesopt", 1.0)


def test_the_figure_has_a_panel_in_epochs_and_one_in_minutes(rich_cells):
    data = figure.data(*made(rich_cells))
    assert data is not None
    assert [c.unit for c in data.choices] == ["epochs", "minutes"]


def test_without_a_leader_those_that_may_be_the_best_are_named():
    """random is ahead in three of five repeats, grid in two: no difference is shown, at any budget."""
    scores = {"random": (0.70, 0.71, 0.72, 0.70, 0.70), "grid": (0.69, 0.70, 0.71, 0.72, 0.72)}
    cells = [syn.stepwise(name, k, [(60, own[k])], 600) for name, own in scores.items() for k in range(5)]
    block, frames = made(cells)
    found = best_by_budget(frames, "minutes", "accuracy")
    assert found is not None
    assert found.certain_from() is None
    assert sentence(found, "CPU").startswith("At no budget up to 10 CPU-minutes")
    table = choice_table(block, frames)
    assert table is not None
    assert {row[1] for row in table.rows} == {"no difference shown: grid and random"}


def test_a_smoothed_probability_is_the_mean_over_its_neighbours(crossing):
    found = best_by_budget(crossing[1], "minutes", "accuracy")
    assert found is not None
    last = len(found.budget) - 1
    np.testing.assert_allclose(found.smoothed[last], np.nanmean(found.best[last - NEIGHBOURS :], axis=0))


def test_the_first_budget_is_the_one_at_which_a_second_search_has_a_score_in_every_repeat():
    cells = [
        c
        for k in range(3)
        for c in (syn.stepwise("grid", k, [(60, 0.8)], 3000), syn.stepwise("random", k, [(300.0 * (k + 1), 0.7)], 3000))
    ]
    found = best_by_budget(made(cells)[1], "minutes", "accuracy")
    assert found is not None
    assert found.budget[0] == pytest.approx(15)


def chances(*searches: Sequence[float]) -> BestByBudget:
    """With these probabilities of being the best, at budgets 1, 2, ..."""
    best = np.array(searches, dtype=float).T
    none = np.full(best.shape, np.nan)
    names = tuple(f"s{i:02d}" for i in range(len(searches)))
    budget = np.arange(1.0, len(best) + 1)
    return BestByBudget(unit="minutes", names=names, repeats=5, budget=budget, expected=none, low=none, high=none, best=best)


NAN = np.nan


def test_two_budgets_on_each_side_are_averaged_with_the_same_searches_alone() -> None:
    found = chances([0.0, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0], [1.0, 0.9, 0.8, 0.6, 0.2, 0.0, 0.0])
    assert found.smoothed[:, 0] == pytest.approx([0.3 / 3, 0.7 / 4, 1.5 / 5, 2.5 / 5, 3.4 / 5, 3.2 / 4, 2.8 / 3])
    joined = chances([0.0, 0.2, 0.4, 0.1, 0.3], [1.0, 0.8, 0.6, 0.5, 0.5], [NAN, NAN, NAN, 0.4, 0.2])
    assert joined.smoothed[:, 0] == pytest.approx([0.2, 0.2, 0.2, 0.2, 0.2])
    assert joined.smoothed[:, 2] == pytest.approx([NAN, NAN, NAN, 0.3, 0.3], nan_ok=True)


def test_a_search_leads_from_95_per_cent_on_and_is_out_of_the_running_below_5() -> None:
    found = chances([0.95], [0.05])
    assert found.leader(0) == "s00"
    assert found.running(0) == ["s00", "s01"]
    found = chances([0.949], [0.051 - 0.0011], [0.0011])
    assert found.leader(0) is None
    assert found.running(0) == ["s00"]
    assert chances([NAN], [0.05], [0.95]).running(0) == ["s02", "s01"]


def test_of_equal_chances_the_first_in_the_order_of_tables_is_named_first() -> None:
    found = chances(*([0.05 + i % 2 / 100] for i in range(40)))
    assert found.running(0) == [*found.names[1::2], *found.names[::2]]


@pytest.mark.parametrize(
    ("first", "start"),
    [
        ([1.0] * 7, 0),
        ([0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0], 6),  # smoothed: 1 at the last, 3/4 before it
        ([0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0], 5),
        ([0.7, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0], 3),  # smoothed: 0.94 at the third
        ([0.8, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0], 1),  # 0.95 at the second, 0.93 at the first
        ([1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.8], None),  # 0.96 at the fifth, 0.95 at the sixth, 0.93 at the last
        ([1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0], 6),  # the other one's
    ],
)
def test_a_search_is_certain_from_where_it_leads_up_to_the_largest_budget(first: list[float], start: int | None) -> None:
    found = chances(first, [1 - chance for chance in first])
    assert found.certain_from() == start
    assert found.shown() == sorted(
        {1, 2, 6} if start is None else {1, 2, 6, start}
    )  # of 1 to 7: near 1.75, 3.5 (the lower) and 7


def test_a_search_ends_where_its_shortest_repeat_does() -> None:
    cells = [
        c
        for k in range(3)
        for c in (syn.stepwise("grid", k, [(60, 0.8)], 600 + 300 * k), syn.stepwise("random", k, [(60, 0.7)], 6000))
    ]
    found = best_by_budget(made(cells)[1], "minutes", "accuracy")
    assert found is not None
    assert found.budget[-1] == pytest.approx(10)


def test_searches_that_meet_at_the_last_budget_alone_have_no_curve() -> None:
    cells = [
        c for k in range(3) for c in (syn.stepwise("grid", k, [(60, 0.8)], 600), syn.stepwise("random", k, [(600, 0.7)], 600))
    ]
    assert best_by_budget(made(cells)[1], "minutes", "accuracy") is None


def test_a_search_keeps_its_score_up_to_ten_per_cent_beyond_its_end() -> None:
    ends = {"grid": 600, "random": 660, "bayesopt": 6000}
    cells = [syn.stepwise(name, k, [(60, 0.7)], end) for name, end in ends.items() for k in range(3)]
    found = best_by_budget(made(cells)[1], "minutes", "accuracy")
    assert found is not None
    assert found.budget[-1] == 11 == 1.1 * 10
    assert np.isfinite(found.expected[-1]).all(), "1.1 times is equal"
