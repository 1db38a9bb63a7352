"""Curves and equal cost: nothing is known before it was recorded, in any unit of cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import synthetic as syn

from tuneoff.evaluation import Cost
from tuneoff.records.schema import Cell
from tuneoff.report.curves import EQUAL_COST, Result, Run, Searches, Steps, band, bands, steps_by_cell
from tuneoff.report.frames import build_frames

EPOCH = syn.N_TRAIN


def spent(examples: int) -> Cost:
    return Cost(train_seconds=1.0, train_examples=examples)


def search(algorithm: str, steps: list[tuple[float, float, float]], ended: float, **changes: Any) -> Cell:
    """steps: (elapsed seconds, epochs of this step, test score); validation equals test. On one device."""
    records = [
        syn.evaluation(f"t{i}", 1, score, elapsed, test=score, cost=spent(round(epochs * EPOCH)))
        for i, (elapsed, epochs, score) in enumerate(steps)
    ]
    return syn.cell([syn.start(devices=1), *records, syn.end(elapsed=ended)], algorithm=algorithm, **changes)


def searches(*cells: Cell) -> Searches:
    return Searches.of(build_frames(cells))


@pytest.mark.parametrize(
    ("unit", "first", "second"), [("epochs", 2.0, 5.0), ("minutes", 1.0, 4.0), ("dollars", 3.06 / 60, 4 * 3.06 / 60)]
)
def test_a_result_is_known_from_its_own_cost_on_and_not_before(unit: str, first: float, second: float) -> None:
    frames = build_frames([search("grid", [(60, 2, 0.5), (240, 3, 0.7)], 300)])
    (steps,) = steps_by_cell(frames.finished(), "test", unit).values()
    assert steps.cost.tolist() == pytest.approx([first, second])
    just = 1 - 1e-9
    assert np.isnan(steps.at(first * just))
    assert [float(steps.at(c)) for c in (first, second * just, second, 2 * second)] == [0.5, 0.5, 0.7, 0.7]


def test_epochs_count_the_work_of_all_trials_ended_ones_too() -> None:
    lost = syn.trial_end("x", 30, "failed", cost=spent(EPOCH))
    made = search("grid", [(60, 2, 0.5)], 300)
    frames = build_frames([syn.replace(made, records=(*made.records, lost))])
    assert frames.evaluations["epochs_spent"].tolist() == [3.0]
    assert frames.cells.loc[0, "epochs_trained"] == 3.0


def scores_at_equal_cost(made: Searches, runs: Sequence[Run], *, in_epochs: bool) -> list[float]:
    return [result.score for result in made.at_equal_cost(runs, in_epochs)]


def test_at_equal_cost_in_epochs_the_dearer_search_is_cut_at_the_cheapers_end_exactly() -> None:
    """A score that came 5 % later than the cheaper search ended is not seen, although 10 % count as equal at the end."""
    dear = search("grid", [(60, 1, 0.5), (120, 9.5, 0.9), (180, 9.5, 0.95)], 200)
    both = searches(search("random", [(60, 10, 0.6)], 100), dear)
    runs = [both.named("random")[0], both.named("grid")[0]]
    assert scores_at_equal_cost(both, runs, in_epochs=True) == [0.6, 0.5]


@pytest.mark.parametrize(("ratio", "score"), [(1.0, 0.9), (1.09, 0.9), (1.11, 0.5), (3.0, 0.5)])
def test_a_search_keeps_its_result_only_if_it_cost_about_the_same(ratio: float, score: float) -> None:
    """In epochs and in seconds alike."""
    both = searches(
        search("random", [(100, 10, 0.6)], 100), search("grid", [(1, 1, 0.5), (100 * ratio, 10 * ratio - 1, 0.9)], 100 * ratio)
    )
    runs = [both.named("random")[0], both.named("grid")[0]]
    assert scores_at_equal_cost(both, runs, in_epochs=True)[1] == score
    assert scores_at_equal_cost(both, runs, in_epochs=False)[1] == score
    assert both.score(runs[1].cell, 100) == score
    assert EQUAL_COST == 1.1


def test_in_seconds_the_cut_is_exact_too() -> None:
    both = searches(search("random", [(100, 1, 0.6)], 100), search("grid", [(90, 1, 0.5), (105, 1, 0.9)], 300))
    assert scores_at_equal_cost(both, [both.named("random")[0], both.named("grid")[0]], in_epochs=False) == [0.6, 0.5]


def test_epochs_and_seconds_cut_at_different_places() -> None:
    both = searches(search("random", [(100, 10, 0.6)], 100), search("grid", [(60, 1, 0.5), (90, 9.5, 0.9)], 300))
    runs = [both.named("random")[0], both.named("grid")[0]]
    assert scores_at_equal_cost(both, runs, in_epochs=True)[1] == 0.9, "10.5 epochs in all count as equal to 10"
    late = searches(search("random", [(100, 10, 0.6)], 100), search("grid", [(60, 1, 0.5), (90, 19, 0.9)], 300))
    runs = [late.named("random")[0], late.named("grid")[0]]
    assert scores_at_equal_cost(late, runs, in_epochs=True)[1] == 0.5
    assert scores_at_equal_cost(late, runs, in_epochs=False)[1] == 0.9


def test_exactly_the_ratio_still_counts_as_equal() -> None:
    made = search("grid", [(1, 1, 0.5), (105, 9, 0.9)], EQUAL_COST * 100)
    (run,) = searches(made).named("grid").values()
    assert searches(made).score(run.cell, 100) == 0.9
    both = searches(search("random", [(60, 30, 0.6)], 100), search("grid", [(60, 1, 0.5), (90, 32, 0.9)], 100))
    assert EQUAL_COST * 30 == 33
    assert scores_at_equal_cost(both, [both.named("random")[0], both.named("grid")[0]], in_epochs=True) == [0.6, 0.9]


def test_a_budget_counts_as_common_only_if_every_run_has_it_in_epochs() -> None:
    def with_budgets(*budgets: str | None) -> str:
        cells = [search("grid", [(60, 1, 0.5)], 60, repeat=k, config={"budget": b}) for k, b in enumerate(budgets)]
        return searches(*cells).equal_budget(["grid"])

    assert with_budgets("epochs:4", "epochs:4") == "epochs:4"
    assert with_budgets("epochs:4", "epochs:5") == with_budgets("epochs:4", None) == with_budgets("usd:4", "usd:4") == ""


def test_the_table_of_searches_leaves_out_the_default_and_incomplete_repeats() -> None:
    cells = [search(name, [(60, 1, 0.5 + k / 10)], 60, repeat=k) for name in ("default", "grid", "random") for k in range(2)]
    cells.append(search("grid", [(60, 1, 0.5)], 60, repeat=7))
    table = searches(*cells).table()
    assert list(table.columns) == ["random", "grid"]
    assert list(table.index) == [0, 1]
    assert table["grid"].tolist() == pytest.approx([0.5, 0.6])
    assert searches(*cells).scores(limit=30).empty
    assert list(searches(*cells).scores(limit=60).columns) == ["default", "random", "grid"]


def test_mean_curves_are_means_of_all_repeats_by_algorithm() -> None:
    cells = [search("grid", [(60 * (k + 1), 1, 0.5 + k / 10)], 600 - 60 * k, repeat=k) for k in range(3)]
    made = bands(build_frames(cells).finished(), "test", "minutes")
    assert list(made) == ["grid"]
    assert made["grid"].repeats == 3
    assert (made["grid"].cost[0], made["grid"].cost[-1]) == (3.0, 8.0)
    assert made["grid"].mean.tolist() == pytest.approx([0.6, 0.6])
    assert (made["grid"].low[0], made["grid"].high[0]) == (0.5, pytest.approx(0.7))


def test_without_repeats_or_with_one_that_has_no_value_there_is_no_curve() -> None:
    one = Steps(cost=np.array([1.0]), value=np.array([0.5]), end=5.0)
    none = Steps(cost=np.empty(0), value=np.empty(0), end=5.0)
    assert band([]) is None
    assert band([one, none]) is None
    assert band([one]) is not None


def test_a_band_has_the_mean_lowest_and_highest_at_each_cost() -> None:
    """Three repeats that cross, from the latest first point to the first end."""
    falling, rising, level = (
        Steps(cost=np.array(cost), value=np.array(value), end=end)
        for cost, value, end in (([1.0, 3.0], [0.9, 0.3], 5.0), ([2.0, 4.0], [0.1, 0.9], 4.5), ([1.0], [0.5], 9.0))
    )
    made = band([falling, rising, level])
    assert made is not None
    assert made.cost.tolist() == [2.0, 3.0, 4.0, 4.5]
    assert made.mean.tolist() == pytest.approx([0.5, 0.3, 1.7 / 3, 1.7 / 3])
    assert made.low.tolist() == [0.1, 0.1, 0.3, 0.3]
    assert made.high.tolist() == [0.9, 0.5, 0.9, 0.9]


def test_under_a_protocol_that_tests_the_newest_checkpoint_test_and_validation_are_of_different_evaluations() -> None:
    """Validation stays at the best evaluation; the tested weights are those of the next one, from its minute on."""
    records = [syn.evaluation("t0", n, v, 60.0 * n, test=v - 0.1) for n, v in ((1, 0.7), (2, 0.6))]
    cell = syn.cell([syn.start(devices=1), *records, syn.end(elapsed=200)], protocol="blog2020")
    done = build_frames([cell]).finished()
    (validation,), (test,) = (list(steps_by_cell(done, what, "minutes").values()) for what in ("validation", "test"))
    assert (validation.cost.tolist(), validation.value.tolist()) == ([1.0], [0.7])
    assert test.cost.tolist() == [1.0, 2.0]
    assert test.value.tolist() == pytest.approx([0.6, 0.5])


def test_a_search_without_a_result_has_no_step() -> None:
    done = build_frames([syn.cell([syn.start(devices=1), syn.end(elapsed=60)])]).finished()
    (steps,) = steps_by_cell(done, "test", "minutes").values()
    assert (steps.cost.tolist(), steps.value.tolist(), steps.end) == ([], [], 1.0)


def test_results_of_one_moment_stay_in_the_order_of_the_log() -> None:
    records = [syn.evaluation(f"t{i:02d}", 1, i / 100, 60.0 * (i // 3), test=i / 100) for i in range(60)]
    cells = [syn.cell([syn.start(devices=1), *records, syn.end(elapsed=2000)], repeat=k) for k in range(3)]
    done = build_frames(cells)
    for steps in steps_by_cell(done.finished(), "test", "minutes").values():
        assert steps.value.tolist() == [i / 100 for i in range(60)]
    for results in Searches.of(done).results.values():
        assert [r.score for r in results] == [i / 100 for i in range(60)]


def result(score: float = 0.7, predictions: Sequence[int] | None = (0, 1), winner: tuple[Any, ...] = ("t0", 1, 3e-5)) -> Result:
    return Result(score=score, predictions=None if predictions is None else np.array(predictions), winner=winner)


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (result(), True),
        (result(predictions=None), True),
        (result(predictions=(1, 0)), False),
        (result(score=0.71), False),
        (result(winner=("t1", 1, 3e-5)), False),
        (result(score=0.71, winner=("t1", 1, 3e-5)), False),
    ],
)
def test_one_training_run_made_twice_has_the_same_winner_score_and_predictions(other: Result, same: bool) -> None:
    assert result().same_model(other) is same
    assert other.same_model(result()) is same


def test_what_a_result_is_of_is_kept_with_it() -> None:
    """Predictions of two classes alone; a hyperparameter that a search does not have is None, which equals itself."""
    cells = []
    for name, n_classes, hparams in (
        ("grid", 2, {"learning_rate": 1e-5}),
        ("random", 3, {"learning_rate": 2e-5, "decay": 0.1}),
    ):
        score = syn.replace(syn.score(0.5, 4, predictions=[0, 1, 1, 0]), predicted_counts=(2, 2, 0)[:n_classes])
        known = syn.replace(syn.evaluation("t0", 2, 0.5, 60, test=score, hparams=hparams), validation=score)
        records = [syn.start(devices=1), known, syn.end(elapsed=100)]
        cells.append(syn.cell(records, algorithm=name))
    made = searches(*cells)
    grid, random = (made.result(made.named(name)[0].cell, 100) for name in ("grid", "random"))
    assert grid.predictions is not None
    assert grid.predictions.tolist() == [0, 1, 1, 0]
    assert random.predictions is None
    assert grid.winner == ("t0", 2, None, 1e-5, None)
    assert random.winner == ("t0", 2, None, 2e-5, 0.1)
