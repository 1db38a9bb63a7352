"""What is settled in the workers before a search's clock starts. The workers are stand-ins; the real ones are in end_to_end."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ray.exceptions import RayTaskError

from tests.test_config import config
from tuneoff.execution.runtime import Slots
from tuneoff.study import readiness
from tuneoff.study.prepare import Prepared
from tuneoff.study.readiness import WorkerError, settle_precision, workers


def prepared() -> Prepared:
    return Prepared(
        task=None,
        splits=None,
        train=None,
        validation=None,
        test=None,
        base=None,
        device="cpu",  # type: ignore[arg-type]
        facts={"n_train": 3, "precision": None},
    )


@pytest.fixture
def settle(monkeypatch):
    monkeypatch.setattr(readiness, "trial_inputs", lambda *_: "inputs")
    monkeypatch.setattr(readiness.ray, "get", lambda asked: [answer() for answer in asked])

    def run(*seconds):
        asked = []

        def handle(number, answers):
            def remote(method, inputs, precision):
                assert (method, inputs) == ("time_precision", "inputs")
                asked.append((precision, number))
                return lambda: answers(precision)

            return SimpleNamespace(call=SimpleNamespace(remote=remote))

        handles = [handle(number, answers) for number, answers in enumerate(seconds)]
        return settle_precision(None, prepared(), None, handles), asked  # type: ignore[arg-type]

    return run


def test_the_faster_precision_on_average_over_the_workers_is_chosen_and_said(settle):
    found, asked = settle({"fp32": 3.0, "bf16": 1.0}.get, {"fp32": 3.0, "bf16": 4.0}.get)
    assert found.bf16
    assert found.facts == {
        "n_train": 3,
        "precision": {"chosen": "bf16", "by": "measurement", "token_seconds": {"fp32": 3.0, "bf16": 2.5}},
    }
    assert asked == [("fp32", 0), ("fp32", 1), ("bf16", 0), ("bf16", 1)], "all in one precision at a time, as trials run"
    assert not settle({"fp32": 1.0, "bf16": 1.1}.get)[0].bf16


@pytest.mark.parametrize(
    ("error", "said"),
    [(MemoryError("no room for 8 GiB"), "MemoryError: no room for 8 GiB"), (AssertionError(), "AssertionError: no message")],
)
def test_a_worker_that_cant_take_a_step_is_a_message(settle, error, said):
    def fail(_):
        raise RayTaskError("call", "", error)

    with pytest.raises(WorkerError, match=rf"{said}.*batch_size.*resources.slots"):
        settle(fail)


@pytest.mark.parametrize("placed", [0, 2])
def test_on_a_busy_cluster_those_workers_are_used_that_find_a_place_and_all_are_gone_afterwards(monkeypatch, placed):
    made, gone = [], []

    def create():
        made.append(SimpleNamespace(__ray_ready__=SimpleNamespace(remote=object)))
        return made[-1]

    monkeypatch.setattr(readiness, "executors", lambda *_: ())
    monkeypatch.setattr(readiness.ray, "remote", lambda **_: lambda _: SimpleNamespace(remote=create))
    monkeypatch.setattr(readiness.ray, "wait", lambda asked, num_returns, timeout: (asked[:placed], asked[placed:]))
    monkeypatch.setattr(readiness.ray, "kill", gone.append)
    slots = Slots(count=3, devices=3, device_kind="cpu")
    given = config("resources.address=auto")
    if placed:
        with workers(given, slots, "cpu") as handles:
            assert handles == tuple(made[:placed])
    else:
        with pytest.raises(WorkerError, match="no place for a worker"), workers(given, slots, "cpu"):
            pass
    assert gone == made
    assert len(gone) == 3
