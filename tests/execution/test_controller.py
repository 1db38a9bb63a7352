"""Ray's private parts that the controller is made of. Searches through it: algorithms/test_algorithms_in_ray.py."""

from __future__ import annotations

import pytest

from tuneoff.errors import ConfigError
from tuneoff.execution import controller as module
from tuneoff.execution.controller import TuneController, controlling
from tuneoff.execution.worker_slots import WorkerSlots


def slots() -> WorkerSlots:
    return WorkerSlots((), None, None, lost=pytest.fail, starts=pytest.fail)


def test_a_ray_with_another_controller_inside_is_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(TuneController, "_unstage_trial_with_resources")
    with (
        pytest.raises(ConfigError, match=r"needs one with TuneController\._unstage_trial_with_resources: install"),
        controlling(slots()),
    ):
        pass


def test_ray_tune_gets_its_own_controller_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.module, "TuneController", "its own")
    with controlling(slots()):
        assert module.module.TuneController != "its own"
    assert module.module.TuneController == "its own"
