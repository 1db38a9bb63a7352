"""Asynchronous successive halving: who is stopped, and what is refused."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from ray.tune.schedulers import TrialScheduler

from tests.algorithms.search_driver import FakeTrial, context, plan
from tuneoff.algorithms.settings import AlgorithmError

CONTINUE, STOP = TrialScheduler.CONTINUE, TrialScheduler.STOP


def asha(max_epochs: int = 8, evaluations_per_epoch: int = 1, seed: int = 0, **knobs: Any) -> Any:
    where = context(max_epochs=max_epochs, evaluations_per_epoch=evaluations_per_epoch, seed=seed)
    return plan("random", "asha", scheduler_knobs=knobs, where=where).scheduler


def report(scheduler: Any, number: int, time: int, score: float) -> str:
    trial = FakeTrial(number)
    scheduler.on_trial_add(None, trial)
    return str(scheduler.on_trial_result(None, trial, {"score": score, "training_iteration": time}))


def test_a_result_without_a_score_is_an_error_not_a_silent_random_search() -> None:
    scheduler = asha()
    trial = FakeTrial(0)
    scheduler.on_trial_add(None, trial)
    with pytest.raises(AlgorithmError, match=r"trial t000 reported .*must have a 'score'"):
        scheduler.on_trial_result(None, trial, {"eval_acc": 0.5, "training_iteration": 1})


def test_a_weak_trial_is_stopped_at_a_rung_and_the_first_one_goes_on() -> None:
    scheduler = asha()
    assert [report(scheduler, n, 1, s) for n, s in enumerate((0.5, 0.4, 0.6))] == [CONTINUE, STOP, CONTINUE]


def test_a_score_that_is_not_finite_stops_the_trial_and_sets_no_cutoff() -> None:
    scheduler = asha()
    assert report(scheduler, 0, 1, math.nan) == STOP
    assert report(scheduler, 1, 1, 0.1) == CONTINUE
    assert rungs(scheduler) == [[{}, {"t001": 0.1}]]


def test_rungs_are_counted_in_evaluations_where_an_epoch_has_several() -> None:
    scheduler = asha(evaluations_per_epoch=2, grace_epochs=1.5, reduction_factor=2)
    assert [milestone for milestone, _ in scheduler._brackets[0]._rungs] == [12, 6, 3]
    assert scheduler._max_t == 16


def test_nothing_is_stopped_before_the_grace_period() -> None:
    scheduler = asha(grace_epochs=4)
    decisions = [report(scheduler, n, t, -n) for n in range(4) for t in (1, 2, 3)]
    assert decisions == [CONTINUE] * 12


def test_a_trial_that_comes_back_stays_in_its_bracket() -> None:
    scheduler = asha(brackets=2)
    trial = FakeTrial(0)
    scheduler.on_trial_add(None, trial)
    before = scheduler._trial_info["t000"]
    for _ in range(20):
        scheduler.on_trial_add(None, trial)
        assert scheduler._trial_info["t000"] is before


def test_brackets_are_drawn_from_the_seed_and_not_from_the_global_generator() -> None:
    def brackets(seed: int) -> list[int]:
        scheduler = asha(brackets=2, seed=seed)
        for number in range(30):
            np.random.seed(number)  # noqa: NPY002 - what Ray's own draws would depend on
            scheduler.on_trial_add(None, FakeTrial(number))
        return [scheduler._brackets.index(bracket) for bracket in scheduler._trial_info.values()]

    assert brackets(1) == brackets(1)
    assert brackets(1) != brackets(2)
    assert set(brackets(1)) == {0, 1}


def rungs(scheduler) -> list[list[dict[str, float]]]:
    return [[dict(scores) for _, scores in bracket._rungs] for bracket in scheduler._brackets]


def test_a_replayed_log_brings_a_scheduler_to_the_same_decisions() -> None:
    scheduler, resumed = asha(brackets=2), asha(brackets=2)
    for number in range(6):
        report(scheduler, number, 1, number / 10)
        resumed.replay(f"t{number:03d}", 1, number / 10)
    assert rungs(resumed) == rungs(scheduler)
    for number in range(6, 16):
        assert report(scheduler, number, 4, 0.35) == report(resumed, number, 4, 0.35)


def test_a_trial_that_ends_without_a_score_leaves_nothing_behind() -> None:
    scheduler = asha()
    trial = FakeTrial(0)
    scheduler.on_trial_add(None, trial)
    scheduler.on_trial_complete(None, trial, {"done": True, "training_iteration": 1})
    assert scheduler._trial_info == {}
