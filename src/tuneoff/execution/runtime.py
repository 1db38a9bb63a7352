"""Ray: one runtime per process, and how many trials run at once. Imports neither torch nor Ray Tune, unless a
GPU is to be counted."""

from __future__ import annotations

import logging
import math
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from inspect import signature
from typing import Any

os.environ.update(
    {
        "RAY_CHDIR_TO_TRIAL_DIR": "0",
        "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
        "TUNE_RESULT_BUFFER_LENGTH": "1",
        "RAY_AIR_NEW_OUTPUT": "0",
        "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",  # a failed trial reports no score, and none is invented
        "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",  # the recorder says so
        "TUNE_GLOBAL_CHECKPOINT_S": "1e9",  # Ray's snapshots of the experiment: resuming goes by our records
        "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    }
)

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray reports its use over the network, unless told not to

import ray
from ray._private import parameter, services

from tuneoff.config import RunConfig
from tuneoff.config.parts import ResourceSettings, available_cores
from tuneoff.errors import ConfigError

LOOPBACK = "127.0.0.1"
CONNECT_SECONDS = 15
"""How long a cluster may take to answer."""
SOCKET_PATH_BYTES = 107
_LONGEST_SOCKET = "session_2026-01-01_00-00-00_000000_4194304/sockets/plasma_store"
_PROBE = """
import sys, ray
try:
    ray.init(sys.argv[1], log_to_driver=False, logging_level="ERROR")
except BaseException as error:
    sys.exit(f"{type(error).__name__}: " + str(error).split("\\n")[0])
"""


@dataclass(frozen=True, kw_only=True)
class Slots:
    """count: trials at once. devices: those held, and charged, for the whole search."""

    count: int
    devices: int
    device_kind: str


def find_slots(config: RunConfig, device: str) -> Slots:
    """As many trials at once as fit, or as were asked for. Raises ConfigError where these don't fit."""
    resources = config.resources
    if resources.address is not None:
        start_ray(config)
        found = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        nodes = [(int(node.get("CPU", 0)), int(node.get("GPU", 0))) for node in found]
    else:
        nodes = [(available_cores(), count_gpus() if device == "cuda" else 0)]
    on_gpu = device == "cuda"
    cores, gpus = sum(n for n, _ in nodes), sum(n for _, n in nodes)
    fit_at_once = sum(_fit(resources, *node, on_gpu=on_gpu) for node in nodes)
    asked = resources.slots or 1
    if fit_at_once < asked:
        raise ConfigError(
            f"resources.slots is {asked} with resources.cpus_per_trial={resources.cpus_per_trial}"
            + (f" and resources.gpus_per_trial={resources.gpus_per_trial:g}" if on_gpu else "")
            + f", but there are {cores} cores"
            + (f" and {gpus} GPUs" if on_gpu else "")
            + (f": at most {fit_at_once} fit at once" if fit_at_once else ": not one trial fits")
        )
    return slots_of(config, resources.slots or fit_at_once, device)


def slots_of(config: RunConfig, count: int, device: str) -> Slots:
    """So many trials at once, and the devices that they hold."""
    resources, on_gpu = config.resources, device == "cuda"
    held = count * (resources.gpus_per_trial if on_gpu else resources.cpus_per_trial)
    return Slots(count=count, devices=math.ceil(held - 1e-9), device_kind="gpu" if on_gpu else "cpu")


def resolve_device(config: RunConfig) -> str:
    """cpu or cuda. Raises ConfigError where more is asked for than there is. Connects to a cluster, whose machines decide."""
    asked = config.resources.device
    local = config.resources.address is None
    gpus = 0 if asked == "cpu" else count_gpus() if local else _gpus_of_cluster(config)
    device = asked if asked != "auto" else ("cuda" if gpus else "cpu")
    if device == "cuda" and gpus == 0 and not local:
        raise ConfigError(
            f"resources.device is cuda, but the cluster of resources.address={config.resources.address} has no machine with a "
            "GPU: resources.device=cpu, or start Ray there with --num-gpus"
        )
    if device == "cuda" and gpus == 0:
        raise ConfigError(
            "resources.device is cuda, but this machine has 0 GPUs that torch can use: "
            "resources.device=cpu, or resources.address=ADDRESS of a Ray cluster with GPUs"
        )
    if device == "cuda" and config.price.name == "cpu":
        raise ConfigError(
            "price is cpu, but trials train on a GPU: name what it costs, for example price=h100 or "
            "price=custom price.per_device_hour_usd=1.20"
        )
    return device


def _gpus_of_cluster(config: RunConfig) -> int:
    """The driver's machine may well have none."""
    start_ray(config)
    return int(sum(node["Resources"].get("GPU", 0) for node in ray.nodes() if node["Alive"]))


def _fit(resources: ResourceSettings, cores: int, gpus: int, *, on_gpu: bool) -> int:
    """Trials at once on one machine. A share of a GPU is never of two."""
    by_cores = cores // resources.cpus_per_trial
    return min(by_cores, gpus * math.floor(1 / resources.gpus_per_trial + 1e-9)) if on_gpu else by_cores


def count_gpus() -> int:
    import torch

    return int(torch.cuda.device_count())


def start_ray(config: RunConfig, slots: Slots | None = None) -> bool:
    """Returns whether a runtime was started or connected to; False where the present one is used.

    Connects to `resources.address`, or starts a runtime of `slots` on this machine; a sweep in one process reuses it.

    Trials at once are limited by the cores that Ray is told of.
    """
    cores = slots.count * config.resources.cpus_per_trial if slots else 0
    if ray.is_initialized():
        if config.resources.address is not None or ray.cluster_resources().get("CPU") == cores:
            return False
        stop_ray()
    logging.getLogger("ray").setLevel(logging.ERROR)
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    with _our_sigterm_handler():
        if config.resources.address is not None:
            _connect(config.resources.address, quiet)
            return True
        gpus = count_gpus() if slots and slots.device_kind == "gpu" else None
        # "local": a runtime of our own, whatever other Ray runs on this machine and whatever RAY_ADDRESS says
        with _without_watchers(), _loopback() as ip:
            ray.init(
                "local",
                num_cpus=cores,
                num_gpus=gpus,
                include_dashboard=False,
                _temp_dir=_ray_folder(),
                _node_ip_address=ip,
                **quiet,
            )
    return True


def _connect(address: str, options: dict[str, Any]) -> None:
    """Connects to a cluster. Raises ConfigError where none answers.

    Asked first in another process, because Ray waits long in code that neither a time limit nor a signal ends.
    """
    try:
        asked = subprocess.run(
            [sys.executable, "-c", _PROBE, address], capture_output=True, text=True, timeout=CONNECT_SECONDS, check=False
        )
        reason = asked.stderr.strip().splitlines()[-1:] if asked.returncode else []
    except subprocess.TimeoutExpired:
        reason = [f"no answer in {CONNECT_SECONDS} s"]
    if reason:
        raise ConfigError(
            f"resources.address is {address!r}, but no Ray cluster answers there ({reason[0]}): start one, or leave it null to "
            "run on this machine"
        )
    ray.init(address, **options)


@contextmanager
def _without_watchers() -> Iterator[None]:
    """On one machine Ray's autoscaler has nothing to do, nor has the process that sends logs to the driver; each costs a core a
    second. `ray.init` has no argument for it; where Ray's parameters have other names, they are started."""
    made = parameter.RayParams
    unwanted = {"no_monitor": True, "include_log_monitor": False}
    known = signature(made).parameters
    parameter.RayParams = partial(made, **{name: value for name, value in unwanted.items() if name in known})
    try:
        yield
    finally:
        parameter.RayParams = made


@contextmanager
def _loopback() -> Iterator[str]:
    """The address on which all processes of our own runtime listen: no other machine reaches them. `ray.init` takes an address
    and replaces a local one by one that the network reaches, for which there is no setting."""
    replace = services.resolve_ip_for_localhost
    services.resolve_ip_for_localhost = lambda host: host
    try:
        yield LOOPBACK
    finally:
        services.resolve_ip_for_localhost = replace


@contextmanager
def _our_sigterm_handler() -> Iterator[None]:
    """Ray's own, in Python and in C++, end the process on the spot, with a stack trace."""
    ours = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if ours is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, ours)


def _ray_folder() -> str | None:
    """The folder of Ray's sockets: None for its usual one, another where the usual one's path is too long for a socket's.

    Raises ConfigError where there is no other.
    """
    usual = os.environ.get("RAY_TMPDIR") or os.environ.get("TMPDIR") or "/tmp"
    if len(os.fsencode(f"{usual}/ray/{_LONGEST_SOCKET}")) <= SOCKET_PATH_BYTES:
        return None
    if os.access("/tmp", os.W_OK):
        return "/tmp/ray"
    raise ConfigError(
        f"TMPDIR is {usual!r}, but Ray makes sockets there, whose paths have at most {SOCKET_PATH_BYTES} bytes, and "
        "/tmp can't be written: set RAY_TMPDIR to a folder with a short path"
    )


def stop_ray() -> None:
    """Stops Ray. Its own hook at the interpreter's end would first wait half a second for the workers' output, which we
    never show."""
    ray.shutdown()


def gpu_share(config: RunConfig, device: str) -> float:
    return config.resources.gpus_per_trial if device == "cuda" else 0
