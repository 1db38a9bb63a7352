"""Freed memory goes back to the machine."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tuneoff.execution import memory
from tuneoff.execution.memory import FreedMemory

HOLDS_PIECES = """
import numpy as np, psutil
from tuneoff.execution.memory import FreedMemory
resident = lambda: psutil.Process().memory_info().rss / 1e6
freed = FreedMemory()
pieces = [np.ones(8000) for _ in range(6000)]
full = resident()
del pieces[:-1]
before = resident()
freed.give_back()
print(full, before, resident())
"""


@pytest.mark.skipif(memory._malloc_trim() is None, reason="needs glibc")
def test_memory_that_glibc_keeps_goes_back():
    done = subprocess.run([sys.executable, "-c", HOLDS_PIECES], capture_output=True, text=True, check=True)
    full, before, after = map(float, done.stdout.split())
    assert full - before < 100, "one piece in use keeps the 384 MB below it"
    assert full - after > 300


def test_it_is_not_called_again_and_again(monkeypatch):
    calls = []
    monkeypatch.setattr(memory, "_malloc_trim", lambda: calls.append)
    now = [1000.0]
    monkeypatch.setattr(memory.time, "monotonic", lambda: now[0])
    freed = FreedMemory()
    for _ in range(3):
        freed.give_back()
    assert calls == [0]
    now[0] += memory.PAUSE_SECONDS
    freed.give_back()
    assert calls == [0, 0]


def test_without_glibc_nothing_happens(monkeypatch):
    monkeypatch.setattr(memory, "_malloc_trim", lambda: None)
    FreedMemory().give_back()
