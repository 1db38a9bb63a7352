"""Giving freed memory back to the machine."""

from __future__ import annotations

import ctypes
import time
from functools import cache
from typing import Any

PAUSE_SECONDS = 5.0
"""At least so long between two calls that do something: one takes up to 50 ms, and the pages have to be had again."""


class FreedMemory:
    """glibc keeps freed memory that lies below some that is in use. Training frees buffers of as many sizes as batches have
    lengths, so that on a CPU a worker of MiniLM took 3.9 GB where 1.3 GB were in use between two evaluations."""

    def __init__(self) -> None:
        self._last = 0.0

    def give_back(self) -> None:
        """Does nothing soon after it did something, and without glibc."""
        now = time.monotonic()
        if now - self._last >= PAUSE_SECONDS and (trim := _malloc_trim()) is not None:
            trim(0)
            self._last = now


@cache
def _malloc_trim() -> Any:
    """None where the C library has none."""
    try:
        return ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError, TypeError):  # TypeError: Windows
        return None
