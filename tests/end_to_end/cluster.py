"""Several machines of a Ray cluster on this one: nodes that don't see each other's results folder."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

RAY = str(Path(sys.executable).with_name("ray"))
START_SECONDS = 90
ENVIRONMENT = {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0", "RAY_health_check_period_ms": "500"}


class Node:
    """One machine. hidden: a folder that it has an empty one of its own in place of, where this system allows that."""

    def __init__(self, log: Path, *arguments: str, hidden: Path | None = None) -> None:
        start = [RAY, "start", "--block", *arguments]
        if hidden is not None and can_hide():
            start = ["unshare", "-m", "sh", "-c", f'mount -t tmpfs none "{hidden}" && exec "$@"', "sh", *start]
        self.log = log
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                start, stdout=out, stderr=out, env={**os.environ, **ENVIRONMENT}, start_new_session=True
            )

    def processes(self) -> list[psutil.Process]:
        try:
            root = psutil.Process(self._process.pid)
            return [root, *root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def kill(self) -> None:
        """As when its power fails."""
        found = self.processes()
        for process in found:
            try:
                process.suspend()  # so that nobody says goodbye
            except psutil.NoSuchProcess:
                continue
        for process in found:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        self._process.wait()


def can_hide() -> bool:
    unshare = shutil.which("unshare")
    return unshare is not None and subprocess.run([unshare, "-m", "true"], capture_output=True, check=False).returncode == 0


@contextmanager
def cluster(folder: Path, hidden: Path, nodes: int) -> Iterator[tuple[str, list[Node]]]:
    """Yields the address of a cluster whose head has no cores, and its other machines, of one core each."""
    head = Node(folder / "head.log", "--head", "--num-cpus=0", "--port=0", "--include-dashboard=false")
    others: list[Node] = []
    try:
        address = _wait_for(head.log, r"ray start --address='([^']+)'")
        joining = (f"--address={address}", "--num-cpus=1")
        for number in range(nodes):
            label = f"--labels=kind=kind-{number}"
            others.append(Node(folder / f"node-{number}.log", *joining, label, hidden=hidden))
            _wait_for(others[-1].log, r"(Ray runtime started)")
        yield address, others
    finally:
        for node in (*others, head):
            node.kill()


def _wait_for(log: Path, pattern: str) -> str:
    until = time.monotonic() + START_SECONDS
    while True:
        text = log.read_text(encoding="utf-8")
        found = re.search(pattern, text)
        if found:
            return found.group(1)
        assert time.monotonic() < until, text[-2000:]
        time.sleep(0.2)
