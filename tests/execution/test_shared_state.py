from __future__ import annotations

import math
import time

from hypothesis import given
from hypothesis import strategies as st

from tuneoff.execution.shared_state import Limits, SharedState


def test_only_scores_that_equal_or_beat_the_best_are_worth_a_test():
    state = SharedState(Limits(best=0.5))
    assert [state.offer(score) for score in (0.4, 0.5, 0.7, 0.6, 0.7)] == [False, True, True, False, True]


def test_the_first_score_of_a_search_is_the_best_so_far():
    assert SharedState(Limits()).offer(0.1)
    assert SharedState(Limits()).offer(-7.5), "a metric may be below 0"


@given(budget=st.integers(1, 40), parts=st.integers(1, 5))
def test_a_budget_in_epochs_is_given_out_whole_and_never_exceeded(budget, parts):
    state = SharedState(Limits(epochs=float(budget)))
    taken = sum(state.take("t000", 1 / parts, 0.0) for _ in range(budget * parts + 50))
    assert taken == budget * parts


def test_what_earlier_sessions_spent_counts_and_what_was_not_used_comes_back():
    state = SharedState(Limits(epochs=3.0, epochs_spent=2.0))
    assert state.take("t000", 1.0, 0.0)
    assert not state.take("t000", 1.0, 0.0)
    state.give_back(1.0)
    assert state.take("t000", 1.0, 0.0)


def test_a_whole_trial_is_reserved_and_what_it_does_not_train_comes_back():
    state = SharedState(Limits(epochs=5.0))
    assert state.reserve("t000", 3.0)
    assert not state.reserve("t001", 3.0)
    assert state.reserve("t001", 2.0)
    assert [state.take("t000", 1.0, 0.0) for _ in range(4)] == [True, True, True, False]
    assert state.take("t001", 1.0, 0.0)
    state.ended("t001")
    assert state.reserve("t002", 1.0)
    assert not state.left(0.5)


def test_epochs_that_are_trained_already_are_spent_from_what_is_reserved_and_then_from_the_budget():
    state = SharedState(Limits(epochs=5.0))
    assert state.reserve("t000", 3.0)
    assert state.take("t000", 1.0, 0.0)
    state.spend("t000", 2.0)
    assert state.left(2.0)
    state.spend("t000", 2.0)
    assert not state.left(0.5)
    state.ended("t000")
    assert not state.left(0.5)


def test_a_clock_that_is_set_neither_spends_nor_prolongs_a_budget_of_time(monkeypatch):
    state = SharedState(Limits(deadline=time.monotonic() + 10))
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert 9 < state.seconds_left() <= 10
    assert state.left(0.0, seconds=9)
    assert not state.left(0.0, seconds=11)
    assert SharedState(Limits()).seconds_left() == math.inf


def test_an_interval_that_would_outlast_the_deadline_is_refused():
    state = SharedState(Limits(deadline=time.monotonic() + 10))
    assert state.take("t000", 1.0, 5.0)
    assert not state.take("t000", 1.0, 11.0)


def test_shares_of_a_hundredth_of_an_epoch_are_charged_and_refused_like_others():
    state = SharedState(Limits(epochs=0.025))
    assert [state.take("t000", 0.01, 0.0) for _ in range(3)] == [True, True, False]
    assert state.reserve("t001", 0.005)
    assert not state.reserve("t002", 0.005)


def test_a_trial_that_reserved_nothing_gives_nothing_back():
    state = SharedState(Limits(epochs=1.0))
    state.ended("t000")
    assert not state.left(1.005)


def test_memory_is_bounded_by_what_can_still_be_asked_for():
    state = SharedState(Limits())
    old, wanted, newest = state.put("t000", "a"), state.put("t000", "b"), state.put("t000", "c")
    ended = state.put("t001", "d")
    assert state.keep([wanted], ["t000"]) == 2
    assert state.get(wanted) == ("t000", "b")
    assert state.get(newest) == ("t000", "c")
    for serial in (old, ended):
        try:
            state.get(serial)
        except KeyError:
            continue
        raise AssertionError("it should be gone")
    assert state.keep([], []) == 0


def test_a_crash_resumes_from_the_newest_snapshot_that_is_in_the_log():
    state = SharedState(Limits(snapshots={"t000": "old"}))
    assert state.snapshot_of("t000") == "old"
    state.recorded("t000", "new")
    state.recorded("t000", None)
    assert state.snapshot_of("t000") == "new"
    assert state.snapshot_of("t001") is None
