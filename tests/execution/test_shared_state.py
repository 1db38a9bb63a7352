from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from tuneoff.execution.shared_state import Board, Limits


def test_only_scores_that_equal_or_beat_the_best_are_worth_a_test():
    board = Board(Limits(best=0.5))
    assert [board.offer(score) for score in (0.4, 0.5, 0.7, 0.6, 0.7)] == [False, True, True, False, True]


@given(budget=st.integers(1, 40), parts=st.integers(1, 5))
def test_a_budget_in_epochs_is_given_out_whole_and_never_exceeded(budget, parts):
    board = Board(Limits(epochs=float(budget)))
    taken = sum(board.take("t000", 1 / parts, 0.0) for _ in range(budget * parts + 50))
    assert taken == budget * parts


def test_what_earlier_sessions_spent_counts_and_what_was_not_used_comes_back():
    board = Board(Limits(epochs=3.0, epochs_spent=2.0))
    assert board.take("t000", 1.0, 0.0)
    assert not board.take("t000", 1.0, 0.0)
    board.give_back(1.0)
    assert board.take("t000", 1.0, 0.0)


def test_a_whole_trial_is_reserved_and_what_it_does_not_train_comes_back():
    board = Board(Limits(epochs=5.0))
    assert board.reserve("t000", 3.0)
    assert not board.reserve("t001", 3.0)
    assert board.reserve("t001", 2.0)
    assert [board.take("t000", 1.0, 0.0) for _ in range(4)] == [True, True, True, False]
    assert board.take("t001", 1.0, 0.0)
    board.ended("t001")
    assert board.reserve("t002", 1.0)
    assert not board.left(0.5)


def test_an_interval_that_would_outlast_the_deadline_is_refused():
    board = Board(Limits(deadline=time.time() + 10))
    assert board.take("t000", 1.0, 5.0)
    assert not board.take("t000", 1.0, 11.0)


def test_memory_is_bounded_by_what_can_still_be_asked_for():
    board = Board(Limits())
    old, wanted, newest = board.put("t000", "a"), board.put("t000", "b"), board.put("t000", "c")
    ended = board.put("t001", "d")
    assert board.keep([wanted], ["t000"]) == 2
    assert board.get(wanted) == ("t000", "b")
    assert board.get(newest) == ("t000", "c")
    for serial in (old, ended):
        try:
            board.get(serial)
        except KeyError:
            continue
        raise AssertionError("it should be gone")
    assert board.keep([], []) == 0


def test_a_crash_resumes_from_the_newest_snapshot_that_is_in_the_log():
    board = Board(Limits(snapshots={"t000": "old"}))
    assert board.snapshot_of("t000") == "old"
    board.recorded("t000", "new")
    board.recorded("t000", None)
    assert board.snapshot_of("t000") == "new"
    assert board.snapshot_of("t001") is None
