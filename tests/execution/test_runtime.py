"""How many trials run at once."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.test_config import config
from tuneoff.errors import ConfigError
from tuneoff.execution import runtime
from tuneoff.execution.runtime import find_slots


@pytest.mark.parametrize(
    ("gpus", "share", "count", "devices"), [(1, 1, 1, 1), (2, 0.25, 8, 2), (2, 0.6, 2, 2), (3, 0.4, 6, 3), (1, 0.5, 2, 1)]
)
def test_a_share_of_a_gpu_is_never_of_two(monkeypatch, gpus, share, count, devices):
    monkeypatch.setattr(runtime, "available_cores", lambda: 64)
    monkeypatch.setattr(runtime, "count_gpus", lambda: gpus)
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


def test_a_cluster_that_does_not_answer_is_said_in_time(monkeypatch):
    monkeypatch.setattr(runtime, "CONNECT_SECONDS", 4)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        address = f"127.0.0.1:{deaf.getsockname()[1]}"
        began = time.monotonic()
        with pytest.raises(ConfigError, match=r"resources.address is '127.*no Ray cluster answers there \(no answer in 4 s\)"):
            runtime.start_ray(config(f"resources.address={address}"))
    assert time.monotonic() - began < 10


def test_an_address_that_is_none_is_said_with_rays_reason():
    with pytest.raises(ConfigError, match=r"resources.address is 'nonsense'.*Invalid address format: nonsense"):
        runtime.start_ray(config("resources.address=nonsense"))


def test_sockets_go_where_their_paths_are_short_enough(monkeypatch, tmp_path):
    monkeypatch.delenv("RAY_TMPDIR", raising=False)
    monkeypatch.setenv("TMPDIR", "/var/tmp")
    assert runtime._ray_folder() is None
    monkeypatch.setenv("TMPDIR", "/var/" + "long/" * 20)
    assert runtime._ray_folder() == "/tmp/ray"
    monkeypatch.setattr(runtime.os, "access", lambda *_: False)
    with pytest.raises(ConfigError, match=r"TMPDIR is .*set RAY_TMPDIR to a folder with a short path"):
        runtime._ray_folder()


def test_a_runtime_of_our_own_is_started_whatever_other_ray_there_is(monkeypatch):
    started = []
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    monkeypatch.setattr(runtime.ray, "is_initialized", lambda: False)
    monkeypatch.setattr(runtime.ray, "init", lambda *place, **options: started.append((place, options["num_cpus"])))
    assert runtime.start_ray(config(), runtime.Slots(count=2, devices=2, device_kind="cpu"))
    assert started == [(("local",), 2)]


def test_ray_does_not_take_our_handler_of_sigterm_away(monkeypatch):
    def init(*_, **__):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

    monkeypatch.setattr(runtime.ray, "is_initialized", lambda: False)
    monkeypatch.setattr(runtime.ray, "init", init)
    before = signal.getsignal(signal.SIGTERM)
    runtime.start_ray(config(), runtime.Slots(count=1, devices=1, device_kind="cpu"))
    assert signal.getsignal(signal.SIGTERM) == before


def test_ray_reports_no_usage_and_imports_no_tracker_for_it() -> None:
    code = (
        "import os, sys; os.environ.pop('RAY_USAGE_STATS_ENABLED', None); from tuneoff.execution import tune\n"
        "from ray._common.usage.usage_lib import usage_stats_enabled\n"
        "with tune._without_usage_tags(): tune.usage.tag_callbacks([])\n"
        "print(usage_stats_enabled(), [name for name in ('mlflow', 'wandb', 'comet_ml') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[0] == "False []"


LISTENING = """
import psutil, ray
from tests.test_config import config
from tuneoff.execution import runtime
made = config("resources.slots=1")
runtime.start_ray(made, runtime.find_slots(made, "cpu"))
ray.get(ray.remote(lambda: None).remote())
ours = {psutil.Process().pid, *(child.pid for child in psutil.Process().children(recursive=True))}
for found in psutil.net_connections("inet"):
    if found.pid in ours and found.status in (psutil.CONN_LISTEN, psutil.CONN_NONE):
        print("listens", found.laddr.ip)
runtime.stop_ray()
"""


@pytest.mark.ray
def test_a_runtime_of_our_own_listens_to_this_machine_alone():
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", LISTENING], capture_output=True, text=True, timeout=120, check=True, cwd=root)
    listening = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("listens")]
    assert len(listening) >= 3, "the cluster's store, the node, the driver"
    assert {address.removeprefix("::ffff:") for address in listening} == {"127.0.0.1"}


@pytest.mark.parametrize(
    ("gpus", "asked", "device"), [((0, 0), "auto", "cpu"), ((0, 1), "auto", "cuda"), ((0, 1), "cpu", "cpu")]
)
def test_the_machines_of_a_cluster_decide_whether_there_is_a_gpu(monkeypatch, gpus, asked, device):
    nodes = [{"Alive": True, "Resources": {"CPU": 1, "GPU": count}} for count in gpus]
    monkeypatch.setattr(runtime, "start_ray", lambda _: False)
    monkeypatch.setattr(runtime.ray, "nodes", lambda: nodes)
    price = "price=t4" if device == "cuda" else "price=cpu"
    assert runtime.resolve_device(config("resources.address=auto", f"resources.device={asked}", price)) == device
    if gpus == (0, 0):
        with pytest.raises(
            ConfigError, match=r"resources.device is cuda, but the cluster of resources.address=auto has no machine"
        ):
            runtime.resolve_device(config("resources.address=auto", "resources.device=cuda", "price=t4"))
