"""What is settled in the workers before a search's clock starts. The workers are stand-ins; the real ones are in end_to_end."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ray.exceptions import RayTaskError

from tuneoff import readiness
from tuneoff.prepare import Prepared
from tuneoff.readiness import WorkerError, settle_precision


def prepared() -> Prepared:
    return Prepared(task=None, splits=None, train=None, validation=None, test=None, base=None, device="cpu",  # type: ignore[arg-type]
                    facts={"n_train": 3, "precision": None})


@pytest.fixture
def settle(monkeypatch):
    monkeypatch.setattr(readiness, "trial_inputs", lambda *_: "inputs")
    monkeypatch.setattr(readiness.ray, "get", lambda asked: [answer() for answer in asked])

    def run(*answers):
        orders = []

        def handle(answer):
            def remote(method, inputs, order):
                assert (method, inputs) == ("time_precisions", "inputs")
                orders.append(order)
                return answer
            return SimpleNamespace(call=SimpleNamespace(remote=remote))

        return settle_precision(None, prepared(), None, [handle(answer) for answer in answers]), orders  # type: ignore[arg-type]
    return run


def test_the_faster_precision_on_average_over_the_workers_is_chosen_and_said(settle):
    found, orders = settle(lambda: {"fp32": 3.0, "bf16": 1.0}, lambda: {"fp32": 3.0, "bf16": 4.0})
    assert found.bf16
    assert found.facts == {"n_train": 3, "precision": {"chosen": "bf16", "by": "measurement",
                                                       "token_seconds": {"fp32": 3.0, "bf16": 2.5}}}
    assert orders == [("fp32", "bf16"), ("bf16", "fp32")], "so that neither is always the first in a cold process"
    assert not settle(lambda: {"fp32": 1.0, "bf16": 1.1})[0].bf16


def test_a_worker_that_cant_take_a_step_is_a_message(settle):
    def fail():
        raise RayTaskError("call", "", MemoryError("no room for 8 GiB"))
    with pytest.raises(WorkerError, match=r"MemoryError: no room for 8 GiB.*training.precision=fp32.*hparams.batch_size"):
        settle(fail)
