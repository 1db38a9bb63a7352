"""What each searcher proposes."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest

from tests.algorithms.search_driver import DEFAULTS, MIXED, context, proposals, score, search
from tuneoff.algorithms.contracts import History
from tuneoff.algorithms.search import Search
from tuneoff.space import Choice, Float, Int, SearchSpace

FLAT = SearchSpace({"learning_rate": Float(low=1e-6, high=1e-2, log=True), "weight_decay": Float(low=0.0, high=1.0)})


def tell(made: Search, name: str, value: float) -> None:
    """The trial's only, or last, evaluation."""
    made.report(name, clock=1, score=value, done=True)
    made.end(name, scored=True)


def bowl(point: dict[str, Any]) -> float:
    """Best (0) at learning_rate 1e-3, weight_decay 0.7."""
    return -(((math.log10(point["learning_rate"]) + 3) / 4) ** 2) - (point["weight_decay"] - 0.7) ** 2


def best_of(searcher: str, seed: int, trials: int = 12) -> float:
    made = search(searcher, trials=trials, where=context(space=FLAT, seed=seed))
    scores = []
    for number in range(trials):
        point = made.ask(str(number))
        assert point is not None
        scores.append(bowl(dict(point)))
        tell(made, str(number), scores[-1])
    return max(scores)


@pytest.mark.parametrize("searcher", ["gp", "tpe"])
def test_a_model_finds_a_smooth_optimum_better_than_random_on_average(searcher: str) -> None:
    seeds = range(6)
    model = float(np.mean([best_of(searcher, seed) for seed in seeds]))
    chance = float(np.mean([best_of("random", seed) for seed in seeds]))
    assert model > chance
    if searcher == "gp":
        assert model > -0.01


@pytest.mark.parametrize("searcher", ["gp", "tpe"])
def test_pending_trials_are_not_proposed_again_also_with_text_choices(searcher: str) -> None:
    made = search(searcher, trials=12, where=context(slots=4), searcher_knobs={"initial_points": 4})
    points = [made.ask(str(number)) for number in range(4)]
    for number in range(3):
        tell(made, str(number), score(points[number]))
    for number in range(4, 7):
        points.append(made.ask(str(number)))
    assert len(made.history.pending) == 4
    assert len({tuple(point.values()) for point in points}) == 7


def test_a_model_waits_for_a_free_slot_before_it_proposes_again() -> None:
    made = search("gp", trials=9, where=context(slots=2))
    first, second = made.ask("a"), made.ask("b")
    assert isinstance(first, dict)
    assert isinstance(second, dict)
    assert made.ask("c") is None
    tell(made, "a", 0.5)
    assert isinstance(made.ask("c"), dict)


def test_a_lie_about_a_running_trial_is_not_kept() -> None:
    made = search("gp", trials=9, where=context(slots=3), searcher_knobs={"initial_points": 2})
    for name in "abc":
        made.ask(name)
    tell(made, "a", 0.5)
    made.ask("d")
    assert [value for _, value in made.history.observed] == [0.5]


@pytest.mark.parametrize("searcher", ["gp", "tpe"])
def test_the_random_points_come_first_and_can_be_set(searcher: str) -> None:
    chance = proposals(search("random", trials=8), slots=1)
    made = search(searcher, trials=8, searcher_knobs={"initial_points": 6}, where=context(slots=1))
    model = proposals(made, slots=1)
    assert model[:6] == chance[:6]
    assert model[6] != chance[6]


def test_a_space_of_constants_and_one_number_is_searched() -> None:
    space = SearchSpace(
        {
            "lr_schedule": Choice(values=("linear",)),
            "batch_size": Choice(values=(32,)),
            "learning_rate": Float(low=1e-5, high=1e-3, log=True),
        }
    )
    for searcher in ("gp", "tpe"):
        points = proposals(search(searcher, trials=6, where=context(space=space)))
        assert len(points) == 6
        assert all(space.contains(point) for point in points)


def test_equal_scores_do_not_stop_the_gaussian_process() -> None:
    made = search("gp", trials=8, where=context(slots=1), searcher_knobs={"xi": 0.0})
    for number in range(8):
        point = made.ask(str(number))
        assert MIXED.contains(point)
        tell(made, str(number), 0.5)


def test_a_log_range_of_whole_numbers_is_proposed_within_it() -> None:
    space = SearchSpace({"warmup_steps": Int(low=1, high=500, log=True), "num_epochs": Int(low=2, high=5)})
    for searcher in ("gp", "tpe"):
        points = proposals(search(searcher, trials=10, where=context(space=space, seed=2)))
        assert all(space.contains(point) and isinstance(point["warmup_steps"], int) for point in points)


def test_a_failed_trial_or_one_whose_last_score_is_not_finite_gives_no_score_even_where_it_had_one_before() -> None:
    for last, scored in ((0.5, False), (math.nan, True), (math.inf, True)):
        made = search("gp")
        made.ask("a")
        made.report("a", clock=1, score=0.9)
        made.report("a", clock=2, score=last)
        made.end("a", scored=scored)
        assert made.history.observed == ()
        assert made.history.pending == ()
        assert len(made.history.tried) == 1


def test_a_trial_that_ends_without_any_score_gives_none() -> None:
    made = search("gp")
    made.ask("a")
    made.end("a", scored=True)
    assert made.history.observed == ()


def test_a_trial_counts_with_the_best_score_that_it_reported() -> None:
    made = search("random")
    made.ask("a")
    for clock, value in enumerate((0.4, 0.7, 0.6), start=1):
        made.report("a", clock=clock, score=value)
    tell(made, "a", 0.5)
    assert made.history.observed[0][1] == 0.7


def test_the_end_of_an_unknown_trial_changes_nothing() -> None:
    made = search("gp")
    made.end("stranger", scored=True)
    assert made.history == History()


def test_what_is_proposed_and_not_adopted_is_proposed_again() -> None:
    made = search("random")
    point = made.propose()
    assert made.propose() == point
    assert made.history.tried == ()
    assert made.ask("a") == point
    assert made.propose() != point


def test_a_closed_search_proposes_nothing_more() -> None:
    made = search("random")
    made.ask("a")
    made.close()
    assert made.exhausted
    assert made.ask("b") is None


def test_a_grid_is_the_full_factorial_in_seeded_order_and_trials_cuts_it() -> None:
    whole = proposals(search("grid", trials=None))
    assert len(whole) == 3 * 3 * 3 * 3 * 3
    assert len({tuple(point.values()) for point in whole}) == len(whole)
    assert proposals(search("grid", trials=10)) == whole[:10]
    assert search("grid", trials=1000).num_trials == len(whole)
    plain = proposals(search("grid", trials=None, searcher_knobs={"shuffle": False}))
    assert plain == list(MIXED.grid(3))
    assert plain != whole


def test_a_cut_grid_is_not_a_corner_of_the_space() -> None:
    points = proposals(search("grid", trials=18))
    assert all(len({point[name] for point in points}) == 3 for name in MIXED.domains)


def test_the_default_searcher_proposes_the_default_configuration_without_clipping_it() -> None:
    space = SearchSpace({"learning_rate": Float(low=1e-3, high=1e-2), "batch_size": Choice(values=(16, 32))})
    made = search("default", trials=1, where=context(space=space))
    assert proposals(made) == [{"learning_rate": DEFAULTS["learning_rate"], "batch_size": 32}]


def test_random_draws_choose_each_value_about_equally_often() -> None:
    points = proposals(search("random", trials=600))
    counts = Counter(point["lr_schedule"] for point in points)
    assert min(counts.values()) > 150
