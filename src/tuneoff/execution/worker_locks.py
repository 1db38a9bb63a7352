"""A file lock for each worker, by which the processes of trials divide the workers. The system frees it when its holder
dies."""

from __future__ import annotations

import fcntl
import time
from pathlib import Path
from typing import IO

PATIENCE_SECONDS = 60.0
"""There are never more trials than workers, so a lock is free as soon as a predecessor is gone."""


def take(folder: Path, count: int, patience_seconds: float = PATIENCE_SECONDS) -> tuple[int, IO[bytes]]:
    """Returns (number of the worker, open file that holds its lock). Raises TimeoutError where none becomes free."""
    folder.mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + patience_seconds
    while True:
        for number in range(count):
            file = (folder / f"worker-{number}").open("wb")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return number, file
            except BlockingIOError:
                file.close()
        if time.monotonic() > until:
            raise TimeoutError(f"none of {count} workers became free in {patience_seconds:g} s")
        time.sleep(0.01)
