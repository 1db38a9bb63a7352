"""A budget in virtual time, by hand."""

from __future__ import annotations

import math

from tuneoff.replay.ledger import Ledger


def test_whole_trials_are_reserved_and_what_they_do_not_train_comes_back() -> None:
    ledger = Ledger(epochs=5, deadline=math.inf)
    assert ledger.may_start("a", 0.0, 1.0, 3.0)
    assert ledger.epochs == 3
    assert not ledger.may_start("b", 0.0, 1.0, 3.0)
    assert ledger.may_start("b", 0.0, 1.0, 2.0)
    assert [ledger.take("a", 0.0, 1.0, 1.0) for _ in range(4)] == [True, True, True, False]
    assert ledger.take("b", 0.0, 1.0, 1.0)
    assert ledger.epochs == 5
    ledger.ended("a")
    assert ledger.epochs == 5
    ledger.ended("b")
    assert ledger.epochs == 4
    assert ledger.may_start("c", 0.0, 1.0, 1.0)


def test_a_trial_that_may_be_stopped_is_charged_interval_by_interval() -> None:
    ledger = Ledger(epochs=1.5, deadline=math.inf)
    assert ledger.may_start("a", 0.0, 0.5, None)
    assert ledger.epochs == 0, "nothing is reserved"
    assert [ledger.take("a", 0.0, 0.5, 1.0) for _ in range(4)] == [True, True, True, False]
    assert ledger.epochs == 1.5
    assert not ledger.may_start("b", 0.0, 0.5, None)
    ledger.ended("a")
    assert ledger.epochs == 1.5


def test_what_would_last_until_the_deadline_is_refused() -> None:
    ledger = Ledger(epochs=math.inf, deadline=10.0)
    assert ledger.take("a", 4.0, 1.0, 5.9)
    assert not ledger.take("a", 4.0, 1.0, 6.0)
    assert ledger.epochs == 1
    assert ledger.may_start("b", 9.9, 1.0, 3.0)
    assert not ledger.may_start("c", 10.0, 1.0, 3.0)
    assert not ledger.may_start("c", 10.0, 1.0, None)
    assert not ledger.take("b", 9.0, 1.0, 2.0), "reserved epochs need time as well"


def test_intervals_of_a_hundredth_of_an_epoch_are_charged_and_refused_like_others() -> None:
    ledger = Ledger(epochs=0.025, deadline=math.inf)
    assert [ledger.take("a", 0.0, 0.01, 1.0) for _ in range(3)] == [True, True, False]
    assert ledger.epochs == 0.02


def test_a_trial_may_start_until_the_deadline() -> None:
    ledger = Ledger(epochs=math.inf, deadline=10.0)
    assert ledger.may_start("a", 9.999, 1.0, None)
    assert ledger.may_start("b", 9.999, 1.0, 3.0)
