"""Which trial of Ray Tune has which worker."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ray.air.execution.resources.request import ResourceRequest

from tuneoff.execution import worker_slots as module
from tuneoff.execution.messages import TRIAL
from tuneoff.execution.worker_slots import WorkerSlots

REQUEST = ResourceRequest([{"CPU": 1}])
processes: dict[str, int] = {}
"""The number of each worker's process."""


def slots_of(*workers: str, lost=pytest.fail, starts=pytest.fail) -> WorkerSlots:
    return WorkerSlots(workers, "inputs", 30.0, lost=lost, starts=starts)


@pytest.fixture
def now(monkeypatch):
    clock = SimpleNamespace(seconds=100.0, pauses=[])
    monkeypatch.setattr(module.time, "monotonic", lambda: clock.seconds)
    monkeypatch.setattr(module.time, "sleep", clock.pauses.append)
    return clock


@pytest.fixture
def alive(monkeypatch, now):
    living = {"a", "b"}
    processes.update(a=0, b=0)
    monkeypatch.setattr(module, "process_of", lambda worker: processes[worker] if worker in living else None)
    return living


def take(slots: WorkerSlots) -> int | None:
    """The number of the worker that the next trial has."""
    slots.request_resources(REQUEST)
    held = slots.acquire_resources(REQUEST) if slots.has_resources_ready(REQUEST) else None
    if held is None:
        slots.cancel_resource_request(REQUEST)
    return None if held is None else held.number


def test_each_trial_has_a_worker_of_its_own_and_there_are_no_more_trials_than_workers(alive):
    slots = slots_of("a", "b")
    assert not slots.has_resources_ready(REQUEST), "nobody asked"
    assert [take(slots) for _ in range(3)] == [0, 1, None]


def test_a_worker_that_is_given_back_is_given_to_the_next(alive):
    slots = slots_of("a", "b")
    slots.request_resources(REQUEST)
    held = slots.acquire_resources(REQUEST)
    assert take(slots) == 1
    slots.free_resources(held)
    assert [take(slots), take(slots)] == [0, None]


def test_a_dead_worker_is_not_given_to_anybody_until_it_is_back(alive, now):
    slots = slots_of("a", "b")
    alive.remove("a")
    assert [take(slots), take(slots)] == [1, None]
    alive.add("a")
    assert take(slots) is None, "looked at a moment ago"
    now.seconds += module.LOOK_SECONDS
    assert take(slots) == 0


def test_what_was_said_to_be_ready_is_given_however_late_it_is_asked_for(alive, now):
    """Ray Tune takes it for a fault of its own otherwise."""
    slots = slots_of("a")
    slots.request_resources(REQUEST)
    assert slots.has_resources_ready(REQUEST)
    alive.remove("a")
    now.seconds += module.LOOK_SECONDS
    assert slots.acquire_resources(REQUEST).number == 0


def test_whoever_comes_after_a_death_is_not_given_what_was_alive_a_moment_ago(alive):
    slots = slots_of("a")
    slots.request_resources(REQUEST)
    held = slots.acquire_resources(REQUEST)
    alive.remove("a")
    slots.free_resources(held)
    assert take(slots) is None


def test_a_search_whose_workers_all_stay_away_is_lost_and_not_before(alive, now):
    said = []
    slots = slots_of("a", "b", lost=said.append)
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


class Actor:
    """Stands in for a TuneActor."""

    def __init__(self, worker, inputs, hang_seconds, config):
        self.made_of = worker, inputs, hang_seconds, config
        self.trial, self.gone, self.hangs, self.stopped = config[TRIAL], False, None, False

    def died(self):
        return self.gone

    def end_if_hung(self):
        return self.hangs


def begin(slots: WorkerSlots, trial: str):
    """(what is held, the actor) of the next trial."""
    slots.request_resources(REQUEST)
    held = slots.acquire_resources(REQUEST)
    [entity] = held.annotate_remote_entities(["Ray Tune's class"])
    return held, entity.remote(config={"learning_rate": 1e-3, TRIAL: trial}, storage=None)


def test_what_ray_tune_makes_is_the_workers(alive, monkeypatch):
    monkeypatch.setattr(module, "TuneActor", Actor)
    started = []
    slots = slots_of("a", "b", starts=started.append)
    assert take(slots) == 0
    _, actor = begin(slots, "t003")
    assert started == ["t003"]
    assert actor.made_of == ("b", "inputs", 30.0, {"learning_rate": 1e-3, TRIAL: "t003"})


def after_a_death(monkeypatch) -> WorkerSlots:
    """Of the only worker's process, under a trial."""
    monkeypatch.setattr(module, "TuneActor", Actor)
    slots = slots_of("a", starts=lambda _: None)
    held, actor = begin(slots, "t000")
    actor.gone = True
    slots.free_resources(held)
    return slots


def test_a_worker_that_died_under_a_trial_is_given_again_when_it_has_another_process(alive, now, monkeypatch):
    """Ray may take a while to notice that a machine is gone, and call its workers alive until then."""
    slots = after_a_death(monkeypatch)
    assert take(slots) is None
    now.seconds += module.LOOK_SECONDS
    assert take(slots) is None
    processes["a"] += 1
    now.seconds += module.LOOK_SECONDS
    assert take(slots) == 0


def test_a_worker_that_could_not_be_reached_for_a_moment_is_given_again_after_a_while(alive, now, monkeypatch):
    slots = after_a_death(monkeypatch)
    now.seconds += module.UNAVAILABLE_SECONDS - 1
    assert take(slots) is None
    now.seconds += 1
    assert take(slots) == 0


def test_a_trial_whose_worker_hangs_is_noted_unless_it_has_another_one_by_now(alive, monkeypatch):
    monkeypatch.setattr(module, "TuneActor", Actor)
    slots = slots_of("a", "b", starts=lambda _: None)
    actors = [begin(slots, name)[1] for name in ("t000", "t001")]
    for actor in actors:
        actor.hangs = "its end"
    actors[0].stopped = True  # Ray Tune has given the trial to another worker
    slots.end_hung()
    assert slots.hung == {"t001": "its end"}
