"""Imports of torch, transformers and Ray, without Python's garbage collector going through what they leave behind."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """They make hundreds of thousands of objects that stay to the end. Collections among them were a fifth of the time of the
    imports, and most of what the interpreter takes to end."""
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if on:
            gc.enable()
