"""What each searcher proposes."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
from ray.tune.search import Searcher

from tests.algorithms.search_driver import DEFAULTS, MIXED, Driver, context, plan, score
from tuneoff.algorithms.proposer import History
from tuneoff.algorithms.settings import AlgorithmError
from tuneoff.space import Choice, Float, Int, SearchSpace

FLAT = SearchSpace({"learning_rate": Float(low=1e-6, high=1e-2, log=True), "weight_decay": Float(low=0.0, high=1.0)})


def bowl(point: dict[str, Any]) -> float:
    """Best (0) at learning_rate 1e-3, weight_decay 0.7."""
    return -(((math.log10(point["learning_rate"]) + 3) / 4) ** 2) - (point["weight_decay"] - 0.7) ** 2


def best_of(searcher: str, seed: int, trials: int = 12) -> float:
    made = plan(searcher, trials=trials, where=context(space=FLAT, seed=seed)).searcher
    scores = []
    for number in range(trials):
        point = made.suggest(str(number))
        scores.append(bowl(point))
        made.on_trial_complete(str(number), {"score": scores[-1]})
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
    made = plan(searcher, trials=12, where=context(slots=4), searcher_knobs={"initial_points": 4}).searcher
    points = [made.suggest(str(number)) for number in range(4)]
    for number in range(3):
        made.on_trial_complete(str(number), {"score": score(points[number])})
    for number in range(4, 7):
        points.append(made.suggest(str(number)))
    assert len(made.history.pending) == 4
    assert len({tuple(point.values()) for point in points}) == 7


def test_a_model_waits_for_a_free_slot_before_it_proposes_again() -> None:
    made = plan("gp", trials=9, where=context(slots=2)).searcher
    first, second = made.suggest("a"), made.suggest("b")
    assert isinstance(first, dict)
    assert isinstance(second, dict)
    assert made.suggest("c") is None
    made.on_trial_complete("a", {"score": 0.5})
    assert isinstance(made.suggest("c"), dict)


def test_a_lie_about_a_running_trial_is_not_kept() -> None:
    made = plan("gp", trials=9, where=context(slots=3), searcher_knobs={"initial_points": 2}).searcher
    for name in "abc":
        made.suggest(name)
    made.on_trial_complete("a", {"score": 0.5})
    made.suggest("d")
    assert [value for _, value in made.history.observed] == [0.5]


@pytest.mark.parametrize("searcher", ["gp", "tpe"])
def test_the_random_points_come_first_and_can_be_set(searcher: str) -> None:
    chance = Driver(plan("random", trials=8), slots=1).run()
    made = plan(searcher, trials=8, searcher_knobs={"initial_points": 6}, where=context(slots=1))
    model = Driver(made, slots=1).run()
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
        points = Driver(plan(searcher, trials=6, where=context(space=space))).run()
        assert len(points) == 6
        assert all(space.contains(point) for point in points)


def test_equal_scores_do_not_stop_the_gaussian_process() -> None:
    made = plan("gp", trials=8, where=context(slots=1), searcher_knobs={"xi": 0.0}).searcher
    for number in range(8):
        point = made.suggest(str(number))
        assert MIXED.contains(point)
        made.on_trial_complete(str(number), {"score": 0.5})


def test_a_log_range_of_whole_numbers_is_proposed_within_it() -> None:
    space = SearchSpace({"warmup_steps": Int(low=1, high=500, log=True), "num_epochs": Int(low=2, high=5)})
    for searcher in ("gp", "tpe"):
        points = Driver(plan(searcher, trials=10, where=context(space=space, seed=2))).run()
        assert all(space.contains(point) and isinstance(point["warmup_steps"], int) for point in points)


def test_a_diverged_trial_gives_no_score_even_where_it_had_one_before() -> None:
    for last in ({"done": True, "status": "diverged"}, {"score": math.nan}, {"score": None}):
        made = plan("gp").searcher
        made.suggest("a")
        made.on_trial_result("a", {"score": 0.9})
        made.on_trial_complete("a", last)
        assert made.history.observed == ()
        assert made.history.pending == ()
        assert len(made.history.tried) == 1


def test_a_trial_counts_with_the_best_score_that_it_reported() -> None:
    made = plan("random").searcher
    made.suggest("a")
    for value in (0.4, 0.7, 0.6):
        made.on_trial_result("a", {"score": value})
    made.on_trial_complete("a", {"score": 0.5})
    assert made.history.observed[0][1] == 0.7


def test_a_result_without_a_score_is_an_error_while_the_trial_goes_on() -> None:
    made = plan("random").searcher
    made.suggest("a")
    with pytest.raises(AlgorithmError, match=r"a result must have a 'score'"):
        made.on_trial_result("a", {"eval_acc": 0.4})


def test_the_end_of_an_unknown_trial_changes_nothing() -> None:
    made = plan("gp").searcher
    made.on_trial_complete("stranger", {"score": 1.0})
    assert made.history == History()


def test_a_population_is_reported_finished_only_when_its_last_member_ended() -> None:
    made = plan("random", "pbt", trials=2).searcher
    made.suggest("a")
    made.suggest("b")
    assert made.suggest("c") is None
    made.on_trial_complete("a", {"score": 1.0})
    made.on_trial_complete("b", error=True)
    assert made.suggest("c") == Searcher.FINISHED


def test_a_grid_is_the_full_factorial_in_seeded_order_and_trials_cuts_it() -> None:
    whole = Driver(plan("grid", trials=None)).run()
    assert len(whole) == 3 * 3 * 3 * 3 * 3
    assert len({tuple(point.values()) for point in whole}) == len(whole)
    assert Driver(plan("grid", trials=10)).run() == whole[:10]
    assert plan("grid", trials=1000).num_trials == len(whole)
    plain = Driver(plan("grid", trials=None, searcher_knobs={"shuffle": False})).run()
    assert plain == list(MIXED.grid(3))
    assert plain != whole


def test_a_cut_grid_is_not_a_corner_of_the_space() -> None:
    points = Driver(plan("grid", trials=18)).run()
    assert all(len({point[name] for point in points}) == 3 for name in MIXED.domains)


def test_the_default_searcher_proposes_the_default_configuration_without_clipping_it() -> None:
    space = SearchSpace({"learning_rate": Float(low=1e-3, high=1e-2), "batch_size": Choice(values=(16, 32))})
    made = plan("default", trials=1, where=context(space=space))
    assert Driver(made).run() == [{"learning_rate": DEFAULTS["learning_rate"], "batch_size": 32}]


def test_random_draws_choose_each_value_about_equally_often() -> None:
    points = Driver(plan("random", trials=600)).run()
    counts = Counter(point["lr_schedule"] for point in points)
    assert min(counts.values()) > 150


@pytest.mark.parametrize("searcher", ["random", "grid", "gp", "tpe"])
@pytest.mark.parametrize("values", [(None, 0.1, 0.3), (None,)], ids=["with numbers", "alone"])
def test_a_choice_may_list_null_the_trainers_own_value(searcher: str, values: tuple[float | None, ...]) -> None:
    space = SearchSpace({"hidden_dropout": Choice(values=values), "learning_rate": Float(low=1e-5, high=1e-3, log=True)})
    proposals = Driver(plan(searcher, trials=9, where=context(space=space, defaults=dict.fromkeys(space.domains)))).run()
    assert all(space.contains(point) for point in proposals)
    assert None in {point["hidden_dropout"] for point in proposals}
