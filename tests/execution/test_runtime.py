"""How many trials run at once."""

from __future__ import annotations

import pytest

from tests.test_config import config
from tuneoff.execution import runtime
from tuneoff.execution.runtime import find_slots


@pytest.mark.parametrize(
    ("gpus", "share", "count", "devices"), [(1, 1, 1, 1), (2, 0.25, 8, 2), (2, 0.6, 2, 2), (3, 0.4, 6, 3), (1, 0.5, 2, 1)]
)
def test_a_share_of_a_gpu_is_never_of_two(monkeypatch, gpus, share, count, devices):
    monkeypatch.setattr(runtime, "available_cores", lambda: 64)
    monkeypatch.setattr(runtime, "_count_gpus", lambda: gpus)
    slots = find_slots(config(f"resources.gpus_per_trial={share}", "price=t4"), "cuda")
    assert (slots.count, slots.devices, slots.device_kind) == (count, devices, "gpu")


def test_a_trials_cores_are_on_one_machine_of_a_cluster(monkeypatch):
    nodes = [
        {"Alive": True, "Resources": {"CPU": 3.0}},
        {"Alive": True, "Resources": {"CPU": 3.0}},
        {"Alive": False, "Resources": {"CPU": 64.0}},
    ]
    monkeypatch.setattr(runtime, "start_ray", lambda _: None)
    monkeypatch.setattr(runtime.ray, "nodes", lambda: nodes)
    assert find_slots(config("resources.address=auto", "resources.cpus_per_trial=2"), "cpu").count == 2
