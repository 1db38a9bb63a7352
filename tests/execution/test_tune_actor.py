"""What Ray Tune takes for a trial's process: which of a worker's methods it calls, and when it hangs."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ray.exceptions import ActorUnavailableError, OutOfMemoryError, RayActorError, RayTaskError

from tuneoff.evaluation import Cost
from tuneoff.execution import tune_actor as module
from tuneoff.execution.messages import TIME, TRIAL, Ended, TrialRequest
from tuneoff.execution.references import write_reference
from tuneoff.execution.tune_actor import TuneActor

AWAY = ActorUnavailableError("", b"0" * 16)
RAISED = RayTaskError("train", "", ValueError("x"))
ANOTHER_DIED = RayTaskError("train", "", RayActorError()).as_instanceof_cause()
HANGS = "hangs"


class Worker:
    """An actor whose calls are noted; answers: by method."""

    def __init__(self, **answers):
        self.calls, self._answers = [], answers

    def __getattr__(self, name):
        def remote(*arguments):
            self.calls.append((name, *arguments))
            return self._answers.get(name)

        return SimpleNamespace(remote=remote)


@pytest.fixture
def clock(monkeypatch):
    """seconds: that have passed. killed: workers."""
    made = SimpleNamespace(seconds=100.0, killed=[])

    def get(answer):
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(module.ray, "get", get)
    monkeypatch.setattr(module.ray, "wait", lambda calls, timeout: ([] if calls == [HANGS] else calls, []))
    monkeypatch.setattr(module.ray, "kill", lambda worker, no_restart: made.killed.append((worker, no_restart)))
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: made.seconds, time=lambda: 5.0))
    return made


def actor(worker: Worker, hang_seconds: float | None = 30.0) -> TuneActor:
    return TuneActor(worker, "inputs", hang_seconds, {TRIAL: "t000", "learning_rate": 1e-3, "__trial_info__": object()})


def saved(folder):
    """A checkpoint as Ray Tune hands it to an actor."""
    return SimpleNamespace(checkpoint=SimpleNamespace(path=str(write_reference(folder, 7))), metrics={TIME: 3})


def test_a_trial_is_begun_when_ray_tune_starts_its_process(clock):
    worker = Worker(begin=30.0)
    made = actor(worker)
    assert worker.calls == [("begin", "inputs", TrialRequest(trial_id="t000", hparams={"learning_rate": 1e-3}), 5.0)]
    assert made.__ray_ready__.remote() == 30.0
    assert made.get_auto_filled_metrics.remote(debug_metrics_only=True) == {}
    with pytest.raises(AttributeError):
        made.save.remote()


def test_the_next_trial_is_reset_to_and_a_copied_state_is_named_by_its_number(clock, tmp_path):
    worker = Worker(begin=30.0)
    made = actor(worker)
    made.reset.remote({TRIAL: "t001", "__stdout_file__": None}, storage=None)
    made.restore.remote(saved(tmp_path))
    made.train.remote()
    made.stop.remote()
    made.__ray_terminate__.remote()
    assert worker.calls[1:] == [
        ("reset", TrialRequest(trial_id="t001", hparams={})),
        ("load", 7, 3),
        ("train",),
        ("stop",),
        ("stop",),
    ]
    assert made.trial == "t001"
    assert clock.killed == []


def test_a_step_that_takes_longer_than_it_may_is_a_failed_trial_and_is_paid_for(clock):
    worker = Worker(begin=30.0, train=HANGS)
    made = actor(worker)
    made.train.remote()
    clock.seconds += 29.0
    assert made.end_if_hung() is None
    clock.seconds += 1.0
    assert made.end_if_hung() == Ended(
        trial_id="t000",
        status="failed",
        reason="it hung: no evaluation in 30 s (resources.hang_seconds)",
        cost=Cost(train_seconds=30.0),
        worker="",
    )
    assert clock.killed == [(worker, False)], "Ray starts another process"
    assert made.end_if_hung() is None, "once"
    assert len(clock.killed) == 1


@pytest.mark.parametrize("hangs_in", ["begin", "reset", "load"])
def test_what_hangs_before_a_step_is_a_failed_trial_too(clock, tmp_path, hangs_in):
    made = actor(Worker(**{"begin": 30.0, hangs_in: HANGS}))
    if hangs_in == "reset":
        made.reset.remote({TRIAL: "t001"})
    elif hangs_in == "load":
        made.restore.remote(
            SimpleNamespace(checkpoint=SimpleNamespace(path=str(write_reference(tmp_path, 7))), metrics={TIME: 3})
        )
    clock.seconds += 599.0
    assert made.end_if_hung() is None
    clock.seconds += 1.0
    ended = made.end_if_hung()
    assert (ended.status, ended.trial_id) == ("failed", "t001" if hangs_in == "reset" else "t000")
    assert ended.reason == "it hung: its worker was not ready in 600 s (resources.hang_seconds)"
    assert ended.cost == Cost(train_seconds=600.0)


def test_what_has_answered_or_has_no_limit_does_not_hang(clock):
    answered, unlimited = actor(Worker(begin=30.0, train="an evaluation")), actor(Worker(begin=None, train=HANGS))
    for made in (answered, unlimited):
        made.train.remote()
    never_ready = actor(Worker(begin=HANGS), hang_seconds=None)
    clock.seconds += 1e6
    assert [made.end_if_hung() for made in (answered, unlimited, never_ready)] == [None] * 3
    assert clock.killed == []


@pytest.mark.parametrize(
    ("answer", "died"),
    [(AWAY, True), (RAISED, False), (ANOTHER_DIED, False), (OutOfMemoryError(""), True), (1, False), (HANGS, False)],
)
def test_whether_its_worker_died(clock, answer, died):
    made = actor(Worker(begin=30.0, train=answer))
    made.train.remote()
    assert made.died() is died


def test_what_ray_tune_gives_up_is_ended_only_where_a_call_is_under_way(clock):
    idle, busy = Worker(begin=30.0, train="an evaluation"), Worker(begin=30.0, train=HANGS)
    for worker in (idle, busy):
        made = actor(worker)
        made.train.remote()
        made.stop.remote()
        assert made.stopped
        made.give_up()
    assert clock.killed == [(busy, False)]
