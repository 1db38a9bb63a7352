"""Population-based training: how configurations are explored, who copies whom. (In Ray itself: test_ray.py.)"""

from __future__ import annotations

import math
import random
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ray.train._internal.session import _TrainingResult
from ray.tune.schedulers import TrialScheduler

from tests.algorithms.search_driver import MIXED, FakeTrial, context, plan
from tuneoff.algorithms.schedulers.pbt import MUTATED, Settings, explore
from tuneoff.algorithms.settings import AlgorithmError
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


class Controller:
    """What the scheduler asks of Ray's controller, with checkpoints that are there at once."""

    def __init__(self, trials: list[FakeTrial]) -> None:
        self.trials = trials
        self.search_alg = None

    def get_trials(self) -> list[FakeTrial]:
        return self.trials

    def pause_trial(self, trial: FakeTrial, should_checkpoint: bool = True) -> None:
        trial.status = "PAUSED"

    def _schedule_trial_save(self, trial: FakeTrial, result: Any = None) -> Any:
        return a_checkpoint(trial.trial_id)


def a_checkpoint(owner: str, exists: bool = True) -> Any:
    from pyarrow.fs import FileType

    info = SimpleNamespace(type=FileType.Directory if exists else FileType.NotFound)
    return SimpleNamespace(path=owner, filesystem=SimpleNamespace(get_file_info=lambda _: info))


class Member(FakeTrial):
    def __init__(self, number: int) -> None:
        super().__init__(number, {**a_point(number), "trial": f"t{number:03d}"})
        self.run_metadata = SimpleNamespace(checkpoint_manager=SimpleNamespace(_latest_checkpoint_result=None))

    def set_config(self, config: dict[str, Any]) -> None:
        self.config = config

    def set_experiment_tag(self, tag: str) -> None:
        self.experiment_tag = tag

    @property
    def checkpoint(self) -> Any:
        return self.latest_checkpoint_result.checkpoint if self.latest_checkpoint_result else None

    @property
    def parent(self) -> str | None:
        loaded = self.run_metadata.checkpoint_manager._latest_checkpoint_result
        return loaded.checkpoint.path if loaded else None


def population(size: int = 8, **knobs: Any) -> tuple[Any, list[Member], Controller]:
    scheduler = plan("random", "pbt", trials=size, scheduler_knobs=knobs).scheduler
    members = [Member(number) for number in range(size)]
    controller = Controller(members)  # type: ignore[arg-type]
    for member in members:
        scheduler.on_trial_add(controller, member)
    return scheduler, members, controller


def round_of(scheduler: Any, members: list[Member], controller: Controller, time: int, scores: list[float]) -> None:
    for member, score in zip(members, scores, strict=True):
        member.status = "RUNNING"
        decision = scheduler.on_trial_result(controller, member, {"score": score, "training_iteration": time})
        if decision == TrialScheduler.PAUSE:
            member.status = "PAUSED"
            member.latest_checkpoint_result = _TrainingResult(
                a_checkpoint(member.trial_id), {"score": score, "training_iteration": time}
            )


def test_the_worst_copy_from_the_best_keep_their_identity_and_stay_in_the_space() -> None:
    scheduler, members, controller = population()
    for time in (1, 2, 3):
        round_of(scheduler, members, controller, time, [number / 10 for number in range(8)])
    copied = {member.trial_id: member.parent for member in members if member.parent}
    assert copied
    assert set(copied) & {"t000", "t001"}
    assert scheduler._num_perturbations >= 2
    for member in members:
        assert member.config["trial"] == member.trial_id
        assert MIXED.contains({name: member.config[name] for name in MIXED.domains})
    assert members[7].parent is None


def test_a_donor_that_was_paused_before_it_was_among_the_best_is_copied_from() -> None:
    scheduler, members, controller = population(2, quantile_fraction=0.5)
    scheduler.on_trial_result(controller, members[0], {"score": 0.9, "training_iteration": 1})
    assert scheduler._trial_state[members[0]].last_checkpoint is None
    members[0].status = "PAUSED"
    members[0].latest_checkpoint_result = _TrainingResult(a_checkpoint("t000"), {"training_iteration": 1})
    scheduler.on_trial_result(controller, members[1], {"score": 0.1, "training_iteration": 1})
    assert members[1].parent == "t000"


def test_a_paused_donor_with_a_checkpoint_of_an_older_result_is_passed_over() -> None:
    scheduler, members, controller = population(2, quantile_fraction=0.5)
    scheduler.on_trial_result(controller, members[0], {"score": 0.9, "training_iteration": 2})
    members[0].status = "PAUSED"
    members[0].latest_checkpoint_result = _TrainingResult(a_checkpoint("t000"), {"training_iteration": 1})
    scheduler.on_trial_result(controller, members[1], {"score": 0.1, "training_iteration": 1})
    assert members[1].parent is None


def test_a_searcher_is_accepted_and_a_result_without_a_score_is_not() -> None:
    scheduler, members, controller = population(2)
    with pytest.raises(AlgorithmError, match="must have a 'score'"):
        scheduler.on_trial_result(controller, members[0], {"training_iteration": 1})


def test_a_donor_whose_checkpoint_is_gone_is_passed_over() -> None:
    scheduler, members, controller = population(2, quantile_fraction=0.5)
    controller._schedule_trial_save = lambda trial, result=None: a_checkpoint(  # type: ignore[method-assign]
        trial.trial_id, exists=False
    )
    for time in (1, 2):
        round_of(scheduler, members, controller, time, [0.9, 0.1])
    assert scheduler._num_perturbations == 0
    assert members[1].parent is None


def test_a_member_that_ended_is_neither_donor_nor_replaced() -> None:
    scheduler, members, controller = population(4)
    round_of(scheduler, members, controller, 1, [0.1, 0.2, 0.3, 0.9])
    members[3].status = members[0].status = "TERMINATED"
    lower, upper = scheduler._quantiles()
    assert {trial.trial_id for trial in (*lower, *upper)} <= {"t001", "t002"}


def test_a_score_that_is_not_finite_is_worst_and_never_a_donor() -> None:
    scheduler, members, controller = population(4)
    round_of(scheduler, members, controller, 1, [0.1, math.nan, 0.3, 0.2])
    lower, upper = scheduler._quantiles()
    assert ([trial.trial_id for trial in lower], [trial.trial_id for trial in upper]) == (["t001"], ["t002"])
    round_of(scheduler, members, controller, 2, [math.nan] * 4)
    assert scheduler._quantiles() == ([], [])


def test_a_synchronous_population_compares_once_all_have_paused() -> None:
    scheduler, members, controller = population(4, synchronous=True)
    round_of(scheduler, members[:3], controller, 1, [0.1, 0.2, 0.9])
    assert scheduler.choose_trial_to_run(controller) is None or members[3].status == "RUNNING"
    assert scheduler._num_perturbations == 0
    round_of(scheduler, members[3:], controller, 1, [0.3])
    assert scheduler.choose_trial_to_run(controller) is not None
    assert scheduler._num_perturbations == 1
    assert members[0].parent == "t002"


@pytest.mark.parametrize("ending", ["TERMINATED", "ERROR"])
def test_a_synchronous_population_does_not_wait_for_a_member_that_ended_or_failed(ending: str) -> None:
    scheduler, members, controller = population(4, synchronous=True)
    round_of(scheduler, members[:3], controller, 1, [0.1, 0.2, 0.9])
    members[3].status = ending
    assert scheduler.choose_trial_to_run(controller) in members[:3]
    assert scheduler._num_perturbations == 1


def test_members_of_a_resumed_search_come_back_with_what_the_log_says() -> None:
    """By their names: Ray gives them new ids. Their next exploit draws what it would have drawn."""
    scheduler, members, controller = population(4)
    round_of(scheduler, members, controller, 1, [0.1, 0.2, 0.3, 0.4])
    resumed = plan("random", "pbt", trials=4).scheduler
    for member, score in zip(members, (0.1, 0.2, 0.3, 0.4), strict=True):
        resumed.replay(member.trial_id, 1, score)
        member.config["trial"] = member.trial_id
        resumed.on_trial_add(controller, member)
    state = resumed._trial_state[members[3]]
    assert (state.last_score, state.last_train_time, state.last_perturbation_time) == (0.4, 1, 1)
    assert resumed._quantiles() == ([members[0]], [members[3]])


def test_each_exploit_has_draws_of_its_own() -> None:
    one, other = (plan("random", "pbt", trials=4).scheduler for _ in range(2))
    one._generator(0).random(100)  # what was drawn for one does not move the next
    assert one._generator(3).random() == other._generator(3).random() != other._generator(4).random()


def test_the_space_of_floats_needs_no_choice() -> None:
    space = SearchSpace({"learning_rate": Float(low=1e-5, high=1e-3, log=True)})
    made = plan("random", "pbt", trials=2, where=context(space=space))
    assert made.scheduler._mutated == ("learning_rate",)
