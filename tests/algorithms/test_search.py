"""How a search asks its searcher, tells its scheduler, and what it remembers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from tests.algorithms.search_driver import context
from tuneoff.algorithms.contracts import Continue, Copy, Decision, History, Point, Report, Scheduler, SearchContext, Searcher
from tuneoff.algorithms.search import Search


class Counting(Searcher):
    """Proposes 0, 1, 2, ..., up to its end."""

    def __init__(self, num_trials: int, learns: bool = False, end: float = math.inf) -> None:
        super().__init__(num_trials)
        self.learns, self.end = learns, end  # type: ignore[misc]

    @classmethod
    def build(cls, settings: Any, context: SearchContext, trials: int | None) -> Counting:
        raise NotImplementedError

    def propose(self, history: History, rng: np.random.Generator) -> Point | None:
        return {"n": len(history.tried)} if len(history.tried) < self.end else None


class Listening(Scheduler):
    """Keeps what it is told, and answers with what it is given to answer."""

    def __init__(self, population: bool = False, stops_early: bool = False) -> None:
        self.population, self.stops_early = population, stops_early  # type: ignore[misc]
        self.told: list[Any] = []
        self.answer: Decision = Continue()
        self.released: Mapping[str, Continue | Copy] = {}

    @classmethod
    def build(cls, settings: Any, context: SearchContext, num_trials: int) -> Listening:
        raise NotImplementedError

    def add(self, trial_id: str, hparams: Point) -> None:
        self.told.append(("add", trial_id, hparams))

    def report(self, report: Report) -> Decision:
        self.told.append(report)
        return self.answer

    def release(self) -> Mapping[str, Continue | Copy]:
        return self.released

    def end(self, trial_id: str) -> None:
        self.told.append(("end", trial_id))

    def close(self) -> None:
        self.told.append("close")

    def rewind(self, trial_id: str, clock: int) -> None:
        self.told.append(("rewind", trial_id, clock))


def asked(scheduler: Scheduler, *names: str, trials: int = 9, slots: int = 2, **searcher: Any) -> Search:
    made = Search(Counting(trials, **searcher), scheduler, context(slots=slots))
    for name in names:
        made.ask(name)
    return made


@pytest.mark.parametrize(
    ("learns", "population", "running"), [(True, False, 2), (False, False, 4), (True, True, 4), (False, True, 4)]
)
def test_only_a_searcher_that_learns_waits_for_a_slot_and_not_with_a_population(
    learns: bool, population: bool, running: int
) -> None:
    made = asked(Listening(population=population), *"abcd", learns=learns)
    assert len(made.pending) == running
    made.end("a", scored=False)
    assert made.ask("e") == {"n": running}


@pytest.mark.parametrize(
    ("population", "stops_early", "whole"),
    [(False, False, True), (True, False, False), (False, True, False), (True, True, False)],
)
def test_trials_that_nothing_stops_or_copies_are_trained_whole(population: bool, stops_early: bool, whole: bool) -> None:
    assert asked(Listening(population=population, stops_early=stops_early)).whole_trials is whole


def test_a_searcher_with_nothing_left_closes_the_search_and_tells_the_scheduler() -> None:
    scheduler = Listening()
    made = asked(scheduler, "a", end=1)
    assert not made.exhausted
    assert made.ask("b") is None
    assert made.exhausted
    assert scheduler.told == [("add", "a", {"n": 0}), "close"]


def test_a_search_is_exhausted_by_its_number_of_trials_whatever_became_of_them() -> None:
    made = asked(Listening(), "a", "b", trials=2)
    assert made.exhausted
    made.end("a", scored=False)
    assert made.ask("c") is None


def test_an_evaluation_is_not_a_trials_last_one_unless_it_is_said_to_be() -> None:
    scheduler = Listening()
    made = asked(scheduler, "a")
    made.report("a", clock=2, score=0.5)
    made.report("a", clock=3, score=0.6, done=True, hparams={"n": 7})
    assert scheduler.told[1:] == [
        Report(trial_id="a", clock=2, score=0.5, hparams={"n": 0}, done=False),
        Report(trial_id="a", clock=3, score=0.6, hparams={"n": 7}, done=True),
    ]


def test_a_copy_at_once_or_after_a_wait_changes_what_its_trial_goes_on_under_and_nobody_elses() -> None:
    scheduler = Listening(population=True)
    made = asked(scheduler, "a", "b", "c")
    scheduler.answer = Copy(donor="a", clock=1, hparams={"n": 10})
    made.report("b", clock=1, score=0.1)
    scheduler.released = {"a": Continue(), "c": Copy(donor="a", clock=1, hparams={"n": 20})}
    assert made.release() == scheduler.released
    assert [made.hparams(name) for name in "abc"] == [{"n": 0}, {"n": 10}, {"n": 20}]
    assert made.history.pending == ({"n": 0}, {"n": 1}, {"n": 2}), "as proposed"


def test_weights_that_are_lost_are_told_to_the_scheduler_with_what_goes_on() -> None:
    scheduler = Listening(population=True)
    made = asked(scheduler, "a")
    made.rewind("a", 3, {"n": 5})
    assert scheduler.told[-1] == ("rewind", "a", 3)
    assert made.hparams("a") == {"n": 5}


@pytest.mark.parametrize(
    ("scores", "scored", "observed"),
    [
        ((0.4, 0.7, 0.6), True, (({"n": 0}, 0.7),)),
        ((-0.7, -0.4), True, (({"n": 0}, -0.4),)),
        ((math.inf, 0.5), True, (({"n": 0}, 0.5),)),
        ((0.5, math.nan), True, ()),
        ((math.nan,), True, ()),
        ((), True, ()),
        ((0.5,), False, ()),
    ],
)
def test_a_trial_is_worth_its_best_score_where_it_was_completed_or_stopped_with_a_last_one(
    scores: tuple[float, ...], scored: bool, observed: tuple[Any, ...]
) -> None:
    made = asked(Listening(), "a")
    for clock, score in enumerate(scores, start=1):
        made.report("a", clock=clock, score=score)
    made.end("a", scored=scored)
    assert made.history.observed == observed
    assert made.history.pending == ()
    assert made.history.tried == ({"n": 0},)


def test_the_end_of_a_trial_is_told_once_and_of_an_unknown_one_not_at_all() -> None:
    scheduler = Listening()
    made = asked(scheduler, "a")
    for name in ("z", "a", "a"):
        made.end(name, scored=True)
    assert scheduler.told[1:] == [("end", "a")]
    with pytest.raises(KeyError):
        made.hparams("a")
