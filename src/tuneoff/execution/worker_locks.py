"""Which of several processes has which executor: a lock a seat, which the system frees when its holder dies."""

from __future__ import annotations

import fcntl
import time
from pathlib import Path
from typing import IO

PATIENCE_SECONDS = 60.0
"""There are never more workers than seats, so one is free as soon as a predecessor is gone."""


def take(folder: Path, count: int, patience_seconds: float = PATIENCE_SECONDS) -> tuple[int, IO[bytes]]:
    """(number of the seat, open file that holds it). TimeoutError where none becomes free."""
    folder.mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + patience_seconds
    while True:
        for number in range(count):
            file = (folder / f"seat-{number}").open("wb")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return number, file
            except BlockingIOError:
                file.close()
        if time.monotonic() > until:
            raise TimeoutError(f"none of {count} executors became free in {patience_seconds:g} s")
        time.sleep(0.01)
