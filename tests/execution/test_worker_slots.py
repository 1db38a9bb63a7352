"""Which trial of Ray Tune has which worker."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ray.air.execution.resources.request import ResourceRequest

from tuneoff.execution import worker_slots as module
from tuneoff.execution.messages import PLACE, TRIAL, Place
from tuneoff.execution.worker_slots import WorkerSlots

REQUEST = ResourceRequest([{"CPU": 1}])


@pytest.fixture
def now(monkeypatch):
    clock = SimpleNamespace(seconds=100.0, pauses=[])
    monkeypatch.setattr(module.time, "monotonic", lambda: clock.seconds)
    monkeypatch.setattr(module.time, "sleep", clock.pauses.append)
    return clock


@pytest.fixture
def alive(monkeypatch, now):
    living = {"a", "b"}
    monkeypatch.setattr(module, "is_alive", living.__contains__)
    return living


def take(slots: WorkerSlots) -> int | None:
    """The number of the worker that the next trial has."""
    slots.request_resources(REQUEST)
    held = slots.acquire_resources(REQUEST)
    if held is None:
        slots.cancel_resource_request(REQUEST)
    return None if held is None else held.number


def test_each_trial_has_a_worker_of_its_own_and_there_are_no_more_trials_than_workers(alive):
    slots = WorkerSlots(("a", "b"), lost=pytest.fail, starts=pytest.fail)
    assert not slots.has_resources_ready(REQUEST), "nobody asked"
    assert [take(slots) for _ in range(3)] == [0, 1, None]


def test_a_worker_that_is_given_back_is_given_to_the_next(alive):
    slots = WorkerSlots(("a", "b"), lost=pytest.fail, starts=pytest.fail)
    slots.request_resources(REQUEST)
    held = slots.acquire_resources(REQUEST)
    assert take(slots) == 1
    slots.free_resources(held)
    assert [take(slots), take(slots)] == [0, None]


def test_a_dead_worker_is_not_given_to_anybody_until_it_is_back(alive, now):
    slots = WorkerSlots(("a", "b"), lost=pytest.fail, starts=pytest.fail)
    alive.remove("a")
    assert [take(slots), take(slots)] == [1, None]
    alive.add("a")
    assert take(slots) is None, "looked at a moment ago"
    now.seconds += module.LOOK_SECONDS
    assert take(slots) == 0


def test_whoever_comes_after_a_death_is_not_given_what_was_alive_a_moment_ago(alive):
    slots = WorkerSlots(("a",), lost=pytest.fail, starts=pytest.fail)
    slots.request_resources(REQUEST)
    held = slots.acquire_resources(REQUEST)
    alive.remove("a")
    slots.free_resources(held)
    assert take(slots) is None


def test_a_search_whose_workers_all_stay_away_is_lost_and_not_before(alive, now):
    said = []
    slots = WorkerSlots(("a", "b"), lost=said.append, starts=pytest.fail)
    alive.clear()
    assert take(slots) is None
    assert now.pauses, "the driver is not kept busy by asking"
    now.seconds += module.PATIENCE_SECONDS
    assert take(slots) is None
    assert said == []
    alive.add("b")
    now.seconds += module.LOOK_SECONDS
    assert take(slots) == 1
    alive.clear()
    now.seconds += 10 * module.PATIENCE_SECONDS
    assert take(slots) is None
    assert said == [], "the first look that finds none, after a long step of all workers, is no minute without one"
    now.seconds += module.PATIENCE_SECONDS + module.LOOK_SECONDS
    assert take(slots) is None
    assert said == ["all 2 workers died, and none came back in 60 s"]


def test_tunes_process_is_told_its_worker_and_runs_on_the_drivers_machine_without_cores(alive, monkeypatch):
    monkeypatch.setattr(module, "on_this_machine", lambda: "here")
    made, started = [], []

    def options(**how):
        return SimpleNamespace(remote=lambda **arguments: made.append((how, arguments)))

    slots = WorkerSlots(("a", "b"), lost=pytest.fail, starts=started.append, assignment="stored")
    assert take(slots) == 0
    slots.request_resources(REQUEST)
    [entity] = slots.acquire_resources(REQUEST).annotate_remote_entities([SimpleNamespace(options=options)])
    assert started == [], "Tune has only made its request"
    entity.remote(config={"learning_rate": 1e-3, TRIAL: "t003"}, storage=None)
    assert started == ["t003"]
    how, arguments = made[0]
    assert how == {"num_cpus": 0, "num_gpus": 0, "scheduling_strategy": "here"}
    assert arguments == {
        "config": {"learning_rate": 1e-3, TRIAL: "t003", PLACE: Place(number=1, assignment="stored")},
        "storage": None,
    }
