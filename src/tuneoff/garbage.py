"""Pauses Python's garbage collector around work that makes hundreds of thousands of lasting objects."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused(*, stays: bool = True) -> Iterator[None]:
    """For imports of torch, transformers and Ray, and for reading many records. Collections among the objects that they create
    took a fifth of the imports' time, and most of the time in which the interpreter exits.

    stays: later collections skip these objects too.
    """
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if stays:
            gc.freeze()
        if on:
            gc.enable()
