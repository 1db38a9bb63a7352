"""Runs an arm in a process of its own and watches what it takes: wall time, memory, bytes written."""

from __future__ import annotations

import importlib
import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.speed.setting import SpeedError

POLL_SECONDS = 1.0
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


@dataclass(frozen=True, kw_only=True)
class Watched:
    """began: time.time() before the process was started.

    peak_rss_bytes: of the largest process, shared pages included. peak_private_bytes: the sum over all of the arm's
    processes, Ray's own included, of what each does not share; both sampled. folder_bytes: the most that the arm's
    folder held at a sample or at the end. written_bytes: what the arm's processes caused to be written to storage, in
    that folder, in temporary ones and in Ray's logs; a process that ends between two samples loses its last second.
    """

    began: float
    wall_seconds: float
    peak_rss_bytes: int
    peak_private_bytes: int
    folder_bytes: int
    written_bytes: int


def environment() -> dict[str, str]:
    """Of an arm's process: one thread, no hub."""
    return {**os.environ, **ONE_THREAD, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}


def watch(command: Sequence[str], folder: Path, limit_seconds: float) -> Watched:
    """SpeedError with the end of the output where the command fails. Output goes to `folder`.log."""
    psutil: Any = importlib.import_module("psutil")  # comes with accelerate, which Trainer needs
    log, began = folder.with_suffix(".log"), time.time()
    written: dict[tuple[int, float], int] = {}
    rss = private = held = 0
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment())
        while not _ended(process):
            if time.time() - began > limit_seconds:
                _stop(psutil, process)
                raise SpeedError(f"an arm took more than {limit_seconds:.0f} s and was stopped; its output is in {log}")
            largest, total = _sample(psutil, process.pid, written)
            rss, private, held = max(rss, largest), max(private, total), max(held, folder_size(folder))
    ended = time.time()
    if process.returncode != 0:
        end = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
        raise SpeedError(f"an arm ended with {process.returncode}; its output is in {log} and ends with\n{end}")
    return Watched(
        began=began,
        wall_seconds=ended - began,
        peak_rss_bytes=rss,
        peak_private_bytes=private,
        folder_bytes=max(held, folder_size(folder)),
        written_bytes=sum(written.values()),
    )


def _ended(process: subprocess.Popen[bytes]) -> bool:
    """Waits for the end, at most until the next sample is due."""
    try:
        process.wait(POLL_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return True


def _sample(psutil: Any, pid: int, written: dict[tuple[int, float], int]) -> tuple[int, int]:
    """(largest resident, sum of private) bytes now; notes in `written` what each process has written so far."""
    try:
        root = psutil.Process(pid)
        processes = [root, *root.children(recursive=True)]
    except psutil.Error:
        return 0, 0
    largest = total = 0
    for process in processes:
        try:
            memory = process.memory_info()
            written[process.pid, process.create_time()] = process.io_counters().write_bytes
        except psutil.Error:  # it ended just now
            continue
        largest, total = max(largest, memory.rss), total + memory.rss - memory.shared
    return largest, total


def _stop(psutil: Any, process: subprocess.Popen[bytes]) -> None:
    for child in psutil.Process(process.pid).children(recursive=True):
        child.kill()
    process.kill()
    process.wait()


def folder_size(folder: Path) -> int:
    total = 0
    for where, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(where, name)).st_size
            except OSError:  # deleted just now
                continue
    return total
