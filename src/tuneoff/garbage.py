"""Work without Python's garbage collector, for what makes hundreds of thousands of objects that stay."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused(*, stays: bool = True) -> Iterator[None]:
    """Around imports of torch, transformers and Ray, and the reading of many records. Collections among what they leave were a
    fifth of the time of the imports, and most of what the interpreter takes to end.

    stays: what was made is not looked at again by later collections either.
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
