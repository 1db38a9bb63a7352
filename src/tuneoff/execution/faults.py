"""Which errors are a trial's own and how they are called, and how long a trial may take. Imports neither torch nor Ray Tune."""

from __future__ import annotations

import errno
import os
import re

from ray.exceptions import ObjectStoreFullError, OutOfMemoryError, RayActorError

from tuneoff.errors import first_line

AUTO = "auto"
HANG_FACTOR, LEAST_PATIENCE_SECONDS = 20.0, 600.0
"""With hang_seconds=auto a trial hangs that takes so many times as long as it should, and this long at least."""
PREPARATION_SECONDS = 3600.0
"""With hang_seconds=auto, what a worker may take to get ready for a trial; nothing says how long it should take."""
PROCESS_DIED = (RayActorError, OutOfMemoryError)
"""What Ray raises where another process of ours is gone; the second where Ray ended it itself, as memory ran short."""
_GONE = re.compile(r"(ray\.exceptions\.)?Actor(Unavailable|Died|)Error: |The actor died|The actor is dead")
MEMORY_SHORT = (
    "the machine's memory ran short, and Ray ended the search's processes: have fewer trials at once (resources.slots), "
    "smaller ones, or less else on the machine"
)
SHARED_STATE_LOST = "the process that held the search's shared state died (killed from outside, or out of memory)"


def patience(hang_seconds: float | str | None, interval_seconds: float) -> float | None:
    """How many seconds a trial may take to its next evaluation. interval_seconds: that it is expected to take at most, 0 where
    that is unknown."""
    if hang_seconds == AUTO:
        return max(LEAST_PATIENCE_SECONDS, HANG_FACTOR * interval_seconds) if interval_seconds else None
    return None if hang_seconds is None else float(hang_seconds)


def preparation_patience(hang_seconds: float | str | None) -> float | None:
    """How many seconds a worker may take to get ready for a trial: to read its data and model, and to make its first steps."""
    if hang_seconds == AUTO:
        return PREPARATION_SECONDS
    return None if hang_seconds is None else max(LEAST_PATIENCE_SECONDS, float(hang_seconds))


def common_cause(error: Exception) -> str:
    """The reason of an error that is no trial's fault and would meet all of them; "" for any other. Ray wraps errors of other
    processes."""
    if isinstance(error, OutOfMemoryError):
        return MEMORY_SHORT
    if isinstance(error, RayActorError):
        return SHARED_STATE_LOST
    cause = getattr(error, "cause", None) or error
    if isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{os.strerror(cause.errno)}{f': {cause.filename}' if cause.filename else ''}; free some space"
    if isinstance(cause, ObjectStoreFullError):
        return "Ray's object store is full: fewer or smaller trials at once (resources.slots), or more shared memory"
    return ""


def cause_of_death(text: str) -> str:
    """Why a process died, of the text that Ray has of it, whose traceback is about who waited for it."""
    if "running low on memory" in text:
        return "Ray ended it, as the machine's memory ran short"
    last = (text.strip().splitlines() or ["no message"])[-1]
    return "its process is gone: killed from outside, or out of memory" if _GONE.match(last) else last


def reason_of(error: Exception) -> str:
    """The reason of a failed trial. Out of memory is recognised by the exception's name, since torch has one of its own and
    this module doesn't import torch."""
    text = first_line(error)
    out_of_memory = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    return f"out of memory: {text.split(': ', 1)[1]}" if out_of_memory else text
