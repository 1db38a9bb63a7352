"""Calls to a worker in another process: what hangs is ended, what is away for a moment is waited for."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ray.exceptions import ActorUnavailableError, GetTimeoutError, OutOfMemoryError, RayActorError

from tuneoff.evaluation import Cost
from tuneoff.execution import actor as module
from tuneoff.execution.actor import RemoteWorker
from tuneoff.execution.faults import (
    MEMORY_SHORT,
    SHARED_STATE_LOST,
    cause_of_death,
    common_cause,
    patience,
    preparation_patience,
)
from tuneoff.execution.messages import Ended, TrialRequest

GONE = "its process is gone: killed from outside, or out of memory"
FIRST, SECOND = (TrialRequest(trial_id=name, hparams={}) for name in ("t000", "t001"))
INPUTS = SimpleNamespace(hang_seconds=30.0)


class Handle:
    """An actor whose calls are noted; answers: by method, one a call."""

    def __init__(self, **answers):
        self.calls, self._answers = [], {name: list(values) for name, values in answers.items()}

    def __getattr__(self, name):
        def remote(*arguments):
            self.calls.append((name, *arguments))
            answers = self._answers.get(name, [])
            return answers.pop(0) if answers else None

        return SimpleNamespace(remote=remote)


class Clock:
    """Passes while a call hangs, and while somebody sleeps."""

    def __init__(self):
        self.now, self.alive = 100.0, True

    def get(self, answer, timeout):
        if isinstance(answer, Exception):
            raise answer
        if answer == "hangs":
            self.now += timeout
            raise GetTimeoutError
        return answer

    def sleep(self, seconds):
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(module.ray, "get", made.get)
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: made.now, sleep=made.sleep, time=lambda: made.now))
    monkeypatch.setattr(module, "is_alive", lambda handle: made.alive)
    return made


@pytest.fixture
def killed(monkeypatch, clock):
    found = []
    monkeypatch.setattr(module.ray, "kill", lambda handle, no_restart: found.append((handle, no_restart)))
    return found


def test_a_step_that_takes_longer_than_it_may_is_a_failed_trial_and_is_paid_for(killed, clock):
    handle = Handle(begin=[30.0], step=["hangs"])
    worker = RemoteWorker(handle)
    assert worker.begin(INPUTS, FIRST, 1.0) == 30.0
    assert worker.step() == Ended(
        trial_id="t000",
        status="failed",
        reason="it hung: no evaluation in 30 s (resources.hang_seconds)",
        cost=Cost(train_seconds=30.0),
        worker="",
    )
    assert killed == [(handle, False)], "Ray starts another process"
    assert clock.now == 130.0


def test_the_next_trial_begins_anew_in_the_process_that_replaces_a_hung_one(killed):
    handle = Handle(begin=[30.0, 30.0], step=["hangs", "an evaluation"])
    worker = RemoteWorker(handle)
    worker.begin(INPUTS, FIRST, 1.0)
    worker.step()
    worker.reset(SECOND)
    assert worker.step() == "an evaluation"
    worker.reset(FIRST)
    assert [call[0] for call in handle.calls] == ["begin", "step", "begin", "step", "reset"]
    assert handle.calls[2][:3] == ("begin", INPUTS, SECOND)


@pytest.mark.parametrize("hangs_in", ["begin", "load", "reset"])
def test_what_hangs_before_a_step_is_said_by_the_step(killed, clock, hangs_in):
    answers = {"begin": [30.0, 30.0], "step": ["an evaluation"], hangs_in: ["hangs"]}
    handle = Handle(**answers)
    worker = RemoteWorker(handle)
    worker.begin(INPUTS, FIRST, 1.0)
    if hangs_in != "begin":
        worker.reset(FIRST)
    worker.load(3)
    ended = worker.step()
    assert (ended.status, ended.trial_id) == ("failed", "t000")
    assert ended.reason == "it hung: its worker was not ready in 600 s (resources.hang_seconds)"
    assert ended.cost == Cost(train_seconds=600.0)
    assert clock.now == 700.0
    assert killed == [(handle, False)]
    worker.reset(SECOND)
    assert worker.step() == "an evaluation", "the next trial begins in a new process"


def test_a_worker_whose_machine_just_died_is_waited_for(killed):
    handle = Handle(begin=[ActorUnavailableError("", b"0" * 16), ActorUnavailableError("", b"0" * 16), None])
    assert RemoteWorker(handle).begin(INPUTS, FIRST, 1.0) is None
    assert len(handle.calls) == 3


def test_and_not_for_ever(killed, clock):
    handle = Handle(begin=[ActorUnavailableError("", b"0" * 16)] * 50)
    with pytest.raises(ActorUnavailableError):
        RemoteWorker(handle).begin(INPUTS, FIRST, 1.0)
    assert clock.now == 100.0 + module.UNAVAILABLE_SECONDS + 1.0


@pytest.mark.parametrize("method", ["begin", "reset", "load", "step"])
def test_a_worker_that_ray_finds_no_place_for_is_not_waited_for_as_long_as_one_that_works(killed, clock, method):
    handle = Handle(**{method: ["hangs"] * 100})
    worker = RemoteWorker(handle)
    calls = {
        "begin": lambda: worker.begin(INPUTS, FIRST, 1.0),
        "reset": lambda: worker.reset(SECOND),
        "load": lambda: worker.load(3),
        "step": worker.step,
    }
    if method != "begin":
        worker.begin(INPUTS, FIRST, 1.0)
    clock.alive = False
    with pytest.raises(module.WorkerAwayError, match="Ray found no place for it in 60 s"):
        calls[method]()
    assert clock.now == 165.0
    assert killed == []


def test_a_worker_that_is_back_in_time_is_waited_for_further(clock, monkeypatch):
    handle = Handle(begin=["hangs"])
    looks = iter([False] * 10 + [True] + [False] * 100)
    monkeypatch.setattr(module, "is_alive", lambda handle: next(looks))
    with pytest.raises(module.WorkerAwayError):
        RemoteWorker(handle).begin(INPUTS, FIRST, 1.0)
    assert clock.now == 100.0 + 11 * module.LOOK_SECONDS + 65.0


@pytest.mark.parametrize(
    ("asked", "expected_seconds", "allowed"),
    [
        ("auto", 0.0, None),  # not measured: nobody knows what is long
        ("auto", 1.0, 600.0),
        ("auto", 100.0, 2000.0),
        (45, 100.0, 45.0),
        (None, 100.0, None),
    ],
)
def test_how_long_a_step_may_take(asked, expected_seconds, allowed):
    assert patience(asked, expected_seconds) == allowed


@pytest.mark.parametrize(("asked", "allowed"), [("auto", 3600.0), (45, 600.0), (1e4, 1e4), (None, None)])
def test_how_long_a_worker_may_take_to_be_ready(asked, allowed):
    assert preparation_patience(asked) == allowed


@pytest.mark.parametrize(
    ("error", "reason"),
    [(OutOfMemoryError("2 worker(s) were killed"), MEMORY_SHORT), (RayActorError(), SHARED_STATE_LOST), (ValueError("x"), "")],
)
def test_which_deaths_interrupt_a_search(error, reason):
    assert common_cause(error) == reason


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("Traceback\nray.exceptions.ActorDiedError: The actor died.", GONE),
        ("The actor died unexpectedly before", GONE),
        ("OutOfMemoryError: the node running low on memory.\nRefer to", "Ray ended it, as the machine's memory ran short"),
        ("Traceback\nRuntimeError: the worker died and was started anew", "RuntimeError: the worker died and was started anew"),
        ("", "no message"),
    ],
)
def test_why_a_process_died_in_a_few_words(text, cause):
    assert cause_of_death(text) == cause
