"""The steps before a search's clock starts. The workers are stand-ins; the real ones are in end_to_end."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ray.exceptions import GetTimeoutError, RayTaskError

from tests.test_config import config
from tuneoff.errors import UserError
from tuneoff.execution.runtime import Slots
from tuneoff.study import session as module
from tuneoff.study.session import Ready, Session, WorkerError, WorkerHung
from tuneoff.training.protocol import Prepared

VARIANTS = ("fp32", "bf16")


def prepared() -> Prepared:
    return Prepared(
        facts={"n_train": 3, "precision": None},
        metrics=("accuracy",),
        device="cpu",
        make_recipe=lambda facts, share: facts["precision"]["chosen"],
        choice="precision",
        variants=VARIANTS,
    )


@pytest.fixture
def settle(monkeypatch, tmp_path):
    monkeypatch.setattr(module.ray, "get", lambda asked, timeout: [answer() for answer in asked])

    def run(*seconds):
        asked = []

        def worker(number, answers):
            def remote(inputs):
                asked.append((inputs.recipe, number))
                return lambda: answers(inputs.recipe)

            return SimpleNamespace(step_seconds=SimpleNamespace(remote=remote))

        workers = tuple(worker(number, answers) for number, answers in enumerate(seconds))
        slots = Slots(count=len(workers), devices=len(workers), device_kind="cpu")
        given = config(f"results={tmp_path}")
        return Session().settled(Ready(config=given, slots=slots, prepared=prepared(), workers=workers)).prepared, asked

    return run


def test_the_faster_variant_on_average_over_the_workers_is_chosen_and_said(settle):
    found, asked = settle({"fp32": 3.0, "bf16": 1.0}.get, {"fp32": 3.0, "bf16": 4.0}.get)
    assert found.variants == ()
    assert found.facts == {
        "n_train": 3,
        "precision": {"chosen": "bf16", "by": "measurement", "token_seconds": {"fp32": 3.0, "bf16": 2.5}},
    }
    assert asked == [("fp32", 0), ("fp32", 1), ("bf16", 0), ("bf16", 1)], "all in one precision at a time, as trials run"
    assert settle({"fp32": 1.0, "bf16": 1.1}.get)[0].facts["precision"]["chosen"] == "fp32"


def test_the_choice_of_the_studys_other_searches_stands(settle, monkeypatch):
    monkeypatch.setattr(module, "chosen_in_study", lambda *_: {"chosen": "bf16", "by": "measurement"})
    found, asked = settle({"fp32": 1.0, "bf16": 9.0}.get)
    assert found.facts["precision"] == {"chosen": "bf16", "by": "measurement"}
    assert asked == []


def test_workers_that_are_not_ready_in_time_are_a_message(settle, monkeypatch):
    def late(asked, timeout):
        raise GetTimeoutError(str(timeout))

    monkeypatch.setattr(module.ray, "get", late)
    with pytest.raises(WorkerHung, match=r"resources.hang_seconds is auto, but .* took longer than 3600 s: give more seconds"):
        settle({"fp32": 3.0, "bf16": 1.0}.get)


@pytest.mark.parametrize(
    ("error", "said"),
    [(MemoryError("no room for 8 GiB"), "MemoryError: no room for 8 GiB"), (AssertionError(), "AssertionError: no message")],
)
def test_a_worker_that_cant_take_a_step_is_a_message(settle, error, said):
    def fail(_):
        raise RayTaskError("step_seconds", "", error)

    with pytest.raises(WorkerError, match=rf"{said}.*batch_size.*resources.slots"):
        settle(fail)


def test_a_busy_cluster_with_no_place_for_a_worker_is_a_message(monkeypatch, tmp_path):
    session = Session()
    monkeypatch.setattr(module.runtime, "find_slots", lambda *_: Slots(count=2, devices=2, device_kind="cpu"))
    monkeypatch.setattr(module.runtime, "start_ray", lambda *_: False)
    monkeypatch.setattr(module.runtime, "resolve_device", lambda _: "cpu")
    monkeypatch.setattr(session, "engine", lambda _: SimpleNamespace(prepare=lambda *_: prepared()))
    pool = SimpleNamespace(workers=lambda *_: ("a", "b"), placed=lambda *_: ("a",), machines=())
    monkeypatch.setattr(session, "_pool", pool)
    given = config("resources.address=auto", f"results={tmp_path}")
    ready = session.ready(given)
    assert (ready.workers, ready.slots.count, ready.slots.devices) == (("a",), 1, 1), "as many at once as found a place"
    with pytest.raises(WorkerError, match=r"that cluster had a place for 1 worker\(s\) in 60 s"):
        session.ready(config("resources.address=auto", "resources.slots=2", f"results={tmp_path}"))
    pool.placed = lambda *_: ()
    with pytest.raises(WorkerError, match=r"resources.address is 'auto'.*had a place for no worker"):
        session.ready(given)


def test_a_winner_that_its_engine_cannot_write_is_refused_before_anything_is_started(monkeypatch, tmp_path):
    given = config(f"results={tmp_path}", "keep=winner", "task.train_rows=100")
    Session().check(given)
    monkeypatch.setattr(given.engine.kind, "exports", False)
    with pytest.raises(UserError, match=r"keep is 'winner', but engine=finetune can't write its model.*leave keep=null"):
        Session().check(given)
    Session().check(config(f"results={tmp_path}", "task.train_rows=100"))
