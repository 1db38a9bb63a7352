"""Workers for which a cluster has a place, and whether they would train as this machine does."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ray.exceptions import ActorUnavailableError, RayActorError

from tuneoff.errors import ConfigError
from tuneoff.execution import worker_pool as module
from tuneoff.execution.actor import CODE, MACHINE, NODE
from tuneoff.execution.worker_pool import WorkerPool
from tuneoff.records.provenance import code_hash, versions


def worker(answer: object) -> SimpleNamespace:
    return SimpleNamespace(origin=SimpleNamespace(remote=lambda: answer))


class Answer:
    """A reference to a worker's answer. late: it does not come in time."""

    def __init__(self, *, late: bool = False, error: Exception | None = None, **changes: str) -> None:
        self.late, self.error = late, error
        self.value = {MACHINE: "node-7", NODE: "n7", **versions(), CODE: code_hash(), **changes}


@pytest.fixture
def killed(monkeypatch):
    found = []

    def get(answer):
        if answer.error:
            raise answer.error
        return answer.value

    clock = SimpleNamespace(seconds=0.0)

    def wait(asked, num_returns, timeout):
        assert num_returns == 1
        here = [one for one in asked if not one.late][:1]
        clock.seconds += 0.0 if here else timeout
        return here, [one for one in asked if one not in here]

    monkeypatch.setattr(module.time, "monotonic", lambda: clock.seconds)
    monkeypatch.setattr(module.time, "sleep", lambda seconds: setattr(clock, "seconds", clock.seconds + seconds))
    monkeypatch.setattr(module.ray, "get", get)
    monkeypatch.setattr(module.ray, "wait", wait)
    monkeypatch.setattr(module.ray, "kill", found.append)
    monkeypatch.setattr(module.ray, "nodes", lambda: NODES)
    return found


NODES = [
    {
        "NodeID": "n7",
        "Resources": {"CPU": 4.0, "memory": 1e9, "node:10.0.0.7": 1.0, "accelerator_type:L4": 1.0, "GPU": 1.0, "spot": 1.0},
        "Labels": {"ray.io/node-id": "n7", "kind": "cheap"},
    },
    {"NodeID": "n8", "Resources": {"CPU": 4.0}},
]


def test_the_words_for_each_workers_machine_are_known(killed):
    pool = WorkerPool()
    pool._workers = [worker(Answer()), worker(Answer(**{NODE: "n8"})), worker(Answer(**{NODE: "just gone"}))]
    pool.placed(3, 60.0)
    assert pool.machines == (frozenset({"L4", "spot", "cheap"}), frozenset(), frozenset())


def placed(*workers: SimpleNamespace, count: int = 3) -> tuple[object, ...]:
    pool = WorkerPool()
    pool._workers = list(workers)
    found = pool.placed(count, 60.0)
    assert tuple(pool._workers) == found
    return found


def test_workers_that_find_no_place_in_time_are_given_up(killed):
    first, waiting, third = worker(Answer()), worker(Answer(late=True)), worker(Answer())
    assert placed(first, waiting, third) == (first, third)
    assert killed == [waiting], "it would hold a device later that nobody pays for"


def test_no_more_are_held_than_are_used(killed):
    workers = [worker(Answer()) for _ in range(4)]
    assert placed(*workers, count=2) == tuple(workers[:2])
    assert killed == workers[2:]


def test_a_worker_whose_machine_died_is_asked_again_and_given_up_where_the_others_suffice(killed):
    dead, alive = worker(Answer(error=ActorUnavailableError("", b"0" * 16))), worker(Answer())
    assert placed(dead, alive, count=1) == (alive,)
    assert killed == [dead]
    assert placed(dead, count=1) == ()
    answers = iter([Answer(error=ActorUnavailableError("", b"0" * 16)), Answer()])
    back = SimpleNamespace(origin=SimpleNamespace(remote=lambda: next(answers)))
    assert placed(back, count=1) == (back,)


def test_other_versions_or_code_on_a_machine_are_refused_by_name(killed):
    with pytest.raises(ConfigError, match=r"machine node-7 has torch 1\.0, but here it is .*install the same on all machines"):
        placed(worker(Answer()), worker(Answer(torch="1.0")))
    with pytest.raises(ConfigError, match=r"node-7 has the code of tuneoff 0123, but here it is [0-9a-f]{12}"):
        placed(worker(Answer(**{CODE: "0123"})))


def test_a_machine_without_tuneoff_is_a_message(killed):
    with pytest.raises(ConfigError, match=r"a worker could not start on the cluster.*must be installed on each"):
        placed(worker(Answer(error=RayActorError("No module named 'tuneoff'"))))
