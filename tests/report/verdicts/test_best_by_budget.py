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
from tuneoff.report.statistics.best import probability_best
from tuneoff.report.tables.choice import table as choice_table
from tuneoff.report.verdicts.best_by_budget import NEIGHBOURS, best_by_budget, sentence


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


def test_equal_searches_share_and_a_clear_one_wins():
    rng = np.random.default_rng(0)
    scores = rng.normal(0, 1, (8, 1)) @ np.ones((1, 3))
    np.testing.assert_allclose(probability_best(scores), 1 / 3)
    np.testing.assert_allclose(probability_best(scores + np.array([0, 0, 1])), [0, 0, 1])


def test_the_chance_of_two_repeats_is_counted_out() -> None:
    """Draws of two repeats have means 0, 1.5, 3 (a quarter, a half, a quarter) against 1: around 1.5, scaled up by sqrt(2)."""
    made = probability_best([[0.0, 1.0], [3.0, 1.0]], draws=40_000)
    np.testing.assert_allclose(made, [0.75, 0.25], atol=0.01)
    # -0.62, 1.5 and 3.62 against -0.4: unscaled, 0 would win there.
    made = probability_best([[0.0, -0.4], [3.0, -0.4]], draws=40_000)
    np.testing.assert_allclose(made, [0.75, 0.25], atol=0.01)


def test_it_is_right_as_often_as_it_says():
    """Two searches of the same quality: the probability is uniform enough that "90 % sure" is wrong about one time in ten."""
    rng = np.random.default_rng(1)
    chances = np.array([probability_best(rng.normal(0, 1, (10, 2)), draws=500)[0] for _ in range(400)])
    assert 0.05 < (chances > 0.9).mean() < 0.16


def test_a_missing_score_is_an_error_not_a_guess():
    with pytest.raises(ValueError, match="finite"):
        probability_best([[0.1, np.nan], [0.2, 0.3]])


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
