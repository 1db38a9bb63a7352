"""Asynchronous successive halving: who is stopped. (Equal to Ray's: test_golden_traces.py.)"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tests.algorithms.search_driver import context, search
from tuneoff.algorithms.contracts import Continue, Decision, Report, Stop
from tuneoff.algorithms.schedulers.asha import Asha


def asha(max_epochs: int = 8, evaluations_per_epoch: int = 1, seed: int = 0, **knobs: Any) -> Asha:
    where = context(max_epochs=max_epochs, evaluations_per_epoch=evaluations_per_epoch, seed=seed)
    made = search("random", "asha", scheduler_knobs=knobs, where=where).scheduler
    assert isinstance(made, Asha)
    for number in range(20):
        made.add(f"t{number:03d}", {})
    return made


def report(scheduler: Asha, number: int, clock: int, score: float) -> Decision:
    return scheduler.report(Report(trial_id=f"t{number:03d}", clock=clock, score=score, hparams={}))


def rungs(scheduler: Asha) -> list[list[dict[str, float]]]:
    return [[dict(scores) for _, scores in bracket.rungs] for bracket in scheduler.brackets]


def test_a_weak_trial_is_stopped_at_a_rung_and_the_first_one_goes_on() -> None:
    scheduler = asha()
    assert [report(scheduler, n, 1, s) for n, s in enumerate((0.5, 0.4, 0.6))] == [Continue(), Stop(), Continue()]


def test_a_score_that_is_not_finite_stops_the_trial_and_sets_no_cutoff() -> None:
    for score in (math.nan, math.inf, -math.inf):
        scheduler = asha()
        assert report(scheduler, 0, 1, score) == Stop()
        assert report(scheduler, 1, 1, 0.1) == Continue()
        assert rungs(scheduler) == [[{}, {"t001": 0.1}]]


def test_rungs_are_counted_in_evaluations_where_an_epoch_has_several() -> None:
    scheduler = asha(evaluations_per_epoch=2, grace_epochs=1.5, reduction_factor=2)
    assert [evaluations for evaluations, _ in scheduler.brackets[0].rungs] == [12, 6, 3]
    assert scheduler.longest == 16
    assert report(scheduler, 0, 16, 0.9) == Stop()


def test_nothing_is_stopped_before_the_grace_period() -> None:
    scheduler = asha(grace_epochs=4)
    assert {report(scheduler, n, t, -n) for n in range(4) for t in (1, 2, 3)} == {Continue()}


def test_a_trial_is_never_judged_twice_at_a_rung() -> None:
    """Nor is its own score of before a rival's: a trial of a resumed search reports under its name."""
    scheduler = asha()
    assert report(scheduler, 0, 1, 0.9) == Continue()
    assert report(scheduler, 0, 1, 0.1) == Continue()
    assert report(scheduler, 0, 2, 0.1) == Continue()
    assert rungs(scheduler) == [[{}, {"t000": 0.9}]]


def test_a_last_score_is_entered_at_its_rung() -> None:
    scheduler = asha()
    scheduler.report(Report(trial_id="t000", clock=4, score=0.9, hparams={}, done=True))
    assert rungs(scheduler) == [[{"t000": 0.9}, {}]]
    assert report(scheduler, 1, 4, 0.8) == Stop()


def test_brackets_are_drawn_from_the_seed_and_not_from_the_global_generator() -> None:
    def brackets(seed: int) -> list[int]:
        np.random.seed(seed + 1)  # noqa: NPY002 - what Ray's own draws would depend on
        scheduler = asha(brackets=2, seed=seed)
        return [scheduler.bracket(f"t{number:03d}") for number in range(20)]

    assert brackets(1) == brackets(1)
    assert brackets(1) != brackets(2)
    assert set(brackets(1)) == {0, 1}
