"""Population-based training: how configurations are explored, who copies whom. (As recorded: test_golden_traces.py.)"""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.algorithms.search_driver import MIXED, context, search
from tuneoff.algorithms.contracts import Continue, Copy, Decision, Report, Wait
from tuneoff.algorithms.schedulers.pbt import MUTATED, PopulationBasedTraining, Settings, explore
from tuneoff.space import Choice, Float, Int, SearchSpace, Value

seeds = st.integers(0, 2**32)


def explored(
    donor: dict[str, Value], seed: int, space: SearchSpace = MIXED, mutated: tuple[str, ...] = MUTATED, **knobs: Any
) -> dict[str, Value]:
    rng = np.random.default_rng(seed)
    return explore(donor, space=space, mutated=mutated, settings=Settings(**knobs), rng=rng)[0]


def a_point(seed: int) -> dict[str, Value]:
    return MIXED.sample(np.random.default_rng([seed, 1]))


@given(seed=seeds, resample=st.floats(0, 1), factors=st.lists(st.floats(0.01, 100), min_size=1, max_size=3))
def test_an_explored_configuration_stays_in_the_space(seed: int, resample: float, factors: list[float]) -> None:
    mutated = (*MUTATED, "lr_schedule")
    point = a_point(seed)
    for step in range(4):
        point = explored(
            point, seed + step, mutated=mutated, resample_probability=resample, perturbation_factors=tuple(factors)
        )
        assert MIXED.contains(point)


@given(seed=seeds)
def test_what_is_not_mutated_is_the_donors(seed: int) -> None:
    donor = a_point(seed)
    point = explored(donor, seed, resample_probability=0.5)
    assert {name: point[name] for name in ("num_epochs", "lr_schedule")} == {
        name: donor[name] for name in ("num_epochs", "lr_schedule")
    }


@given(seed=seeds)
def test_an_ordered_choice_moves_to_a_neighbour_at_most(seed: int) -> None:
    donor = a_point(seed)
    sizes = [16, 32, 64]
    moved = explored(donor, seed, resample_probability=0.0)["batch_size"]
    assert abs(sizes.index(moved) - sizes.index(donor["batch_size"])) <= 1  # type: ignore[arg-type]


@given(seed=seeds)
def test_the_same_draws_give_the_same_configuration_whatever_the_global_generator(seed: int) -> None:
    random.seed(seed)
    first = explored(a_point(seed), seed)
    random.seed(seed + 1)
    assert explored(a_point(seed), seed) == first


@given(seed=seeds, value=st.floats(1e-5, 1e-3))
def test_a_number_is_multiplied_by_a_factor_or_stopped_at_the_bound(seed: int, value: float) -> None:
    point = explored({**a_point(seed), "learning_rate": value}, seed, resample_probability=0.0)
    allowed = [min(max(value * factor, 1e-5), 1e-3) for factor in (1.2, 0.8)]
    assert point["learning_rate"] in allowed


def test_without_clipping_a_number_leaves_the_range_as_in_the_published_experiment() -> None:
    donor = {**a_point(0), "learning_rate": 1e-3}
    values = {explored(donor, seed, resample_probability=0.0, clip=False)["learning_rate"] for seed in range(30)}
    assert values == {1e-3 * 1.2, 1e-3 * 0.8}


def test_whole_numbers_are_rounded_not_truncated() -> None:
    space = SearchSpace({"warmup_steps": Int(low=1, high=100)})
    values = {
        explored({"warmup_steps": 13}, seed, space, ("warmup_steps",), resample_probability=0.0)["warmup_steps"]
        for seed in range(30)
    }
    assert values == {16, 10}  # 15.6 and 10.4


def test_a_weight_decay_of_zero_stays_zero_unless_drawn_anew() -> None:
    donor = {**a_point(0), "weight_decay": 0.0}
    assert {explored(donor, seed, resample_probability=0.0)["weight_decay"] for seed in range(20)} == {0.0}
    assert explored(donor, 1, resample_probability=1.0)["weight_decay"] != 0.0


def test_text_is_drawn_anew_because_it_has_no_neighbours() -> None:
    space = SearchSpace({"lr_schedule": Choice(values=("a", "b", "c"))})
    values = {
        explored({"lr_schedule": "a"}, seed, space, ("lr_schedule",), resample_probability=0.0)["lr_schedule"]
        for seed in range(30)
    }
    assert values == {"a", "b", "c"}


def population(size: int = 8, **knobs: Any) -> PopulationBasedTraining:
    made = search("random", "pbt", trials=size, scheduler_knobs=knobs).scheduler
    assert isinstance(made, PopulationBasedTraining)
    for number in range(size):
        made.add(f"t{number:03d}", a_point(number))
    return made


def round_of(
    made: PopulationBasedTraining, clock: int, scores: list[float], points: dict[str, Any] | None = None
) -> list[Decision]:
    points = points or {}
    names = [f"t{number:03d}" for number in range(len(scores))]
    return [
        made.report(Report(trial_id=name, clock=clock, score=score, hparams=points.get(name, a_point(int(name[1:])))))
        for name, score in zip(names, scores, strict=True)
    ]


def copies(decisions: list[Decision]) -> dict[int, str]:
    return {number: decision.donor for number, decision in enumerate(decisions) if isinstance(decision, Copy)}


def test_the_worst_copy_from_the_best_and_stay_in_the_space() -> None:
    made = population()
    first = round_of(made, 1, [0.1 * number for number in range(8)])
    assert copies(first) == {}, "each was the best so far"
    second = round_of(made, 2, [0.1 * number for number in range(8)])
    assert set(copies(second)) == {0, 1}
    for decision in second:
        if isinstance(decision, Copy):
            assert decision.donor in ("t006", "t007")
            assert decision.clock == 1, "the donor's last comparison"
            assert MIXED.contains(decision.hparams)


def test_a_copy_is_of_the_donors_weights_and_has_the_donors_clock() -> None:
    made = population(2, quantile_fraction=0.5)
    assert round_of(made, 3, [0.9, 0.1])[1].clock == 3  # type: ignore[union-attr]
    report = Report(trial_id="t001", clock=4, score=0.1, hparams=a_point(1))
    assert isinstance(made.report(report), Copy), "compared an interval after the donor's clock"


def test_nothing_is_compared_before_an_interval_has_passed() -> None:
    made = population(2, quantile_fraction=0.5, perturbation_interval_epochs=2)
    assert set(round_of(made, 1, [0.9, 0.1])) == {Continue()}
    assert copies(round_of(made, 2, [0.9, 0.1])) == {1: "t000"}
    assert set(round_of(made, 3, [0.9, 0.1])) == {Continue()}


def test_a_member_that_ended_is_neither_donor_nor_replaced() -> None:
    made = population(4)
    round_of(made, 1, [0.4, 0.3, 0.2, 0.9])
    made.end("t003")
    decision = made.report(Report(trial_id="t002", clock=2, score=0.1, hparams=a_point(2)))
    assert isinstance(decision, Copy)
    assert decision.donor == "t000"


def test_a_score_that_is_not_finite_is_worst_and_never_a_donor() -> None:
    made = population(2, quantile_fraction=0.5)
    assert copies(round_of(made, 1, [math.inf, math.nan])) == {}
    assert copies(round_of(made, 2, [0.1, math.nan])) == {1: "t000"}
    assert copies(round_of(made, 3, [-5.0, math.inf])) == {1: "t000"}


def test_a_synchronous_population_compares_once_all_have_trained() -> None:
    made = population(4, synchronous=True)
    assert set(map(type, round_of(made, 1, [0.1, 0.2, 0.9]))) == {Wait}
    assert made.release() == {}
    made.report(Report(trial_id="t003", clock=1, score=0.3, hparams=a_point(3)))
    released = made.release()
    assert set(released) == {"t000", "t001", "t002", "t003"}
    assert {name: d.donor for name, d in released.items() if isinstance(d, Copy)} == {"t000": "t002"}
    assert made.release() == {}, "each is named once"


def test_a_synchronous_population_does_not_wait_for_a_member_that_ended_or_never_comes() -> None:
    made = population(4, synchronous=True)
    round_of(made, 1, [0.1, 0.2, 0.9])
    made.end("t003")
    assert len(made.release()) == 3
    small = PopulationBasedTraining.build(Settings(synchronous=True), context(), num_trials=3)
    small.add("t000", a_point(0))
    small.add("t001", a_point(1))
    round_of(small, 1, [0.1, 0.2])
    assert small.release() == {}
    small.close()
    assert len(small.release()) == 2


def test_a_member_whose_weights_were_lost_is_neither_donor_nor_replaced_until_it_reports_again() -> None:
    made = population(2, quantile_fraction=0.5)
    round_of(made, 1, [0.9, 0.1])
    made.rewind("t000", 0)
    again = Report(trial_id="t001", clock=2, score=0.1, hparams=a_point(1))
    assert made.report(again) == Continue()
    made.report(Report(trial_id="t000", clock=1, score=0.9, hparams=a_point(0)))
    assert isinstance(made.report(Report(trial_id="t001", clock=3, score=0.1, hparams=a_point(1))), Copy)


def test_each_exploit_has_draws_of_its_own() -> None:
    """Three copies from one and the same donor differ; drawing one of them anew gives the same again."""

    def three() -> list[Any]:
        made = population(2, quantile_fraction=0.5, resample_probability=1.0)
        round_of(made, 1, [0.9, 0.5])
        rounds = [round_of(made, clock, [0.9, 0.1])[1] for clock in (2, 3, 4)]
        return [decision.hparams for decision in rounds if isinstance(decision, Copy)]

    assert len({point["learning_rate"] for point in three()}) == 3
    assert three() == three()


def test_the_space_of_floats_needs_no_choice() -> None:
    space = SearchSpace({"learning_rate": Float(low=1e-5, high=1e-3, log=True)})
    made = search("random", "pbt", trials=2, where=context(space=space)).scheduler
    assert isinstance(made, PopulationBasedTraining)
    assert made.mutated == ("learning_rate",)
