"""Runs a command: output that can always be printed, signals, and errors as one message and an exit code."""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
import traceback
from collections.abc import Callable
from types import FrameType, TracebackType

from tuneoff.errors import UserError
from tuneoff.redaction import redacted

FAULT, INTERRUPTED, UNREAD, TERMINATED = 2, 130, 141, 143
_FULL = (errno.ENOSPC, errno.EDQUOT)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
_MISUSED = (errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.EMFILE)


def run_command(action: Callable[[], int]) -> None:
    """Exits with the action's code; 2 where a user can fix what is wrong, 130 or 143 where they stopped it, 141 where nobody
    reads its output any more."""
    print_always()
    sys.excepthook = _print_traceback
    terminated: list[int] = []

    def interrupt(number: int, _: FrameType | None) -> None:
        """Turns SIGTERM into SIGINT, so that all that ends a search well on Ctrl-C works, Ray Tune's own handler included."""
        terminated.append(number)
        signal.raise_signal(signal.SIGINT)

    signal.signal(signal.SIGTERM, interrupt)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:  # nohup has it ignored
        signal.signal(signal.SIGHUP, interrupt)
    try:
        code = action()
    except KeyboardInterrupt:
        print("\nstopped: what was done is recorded, and the same command goes on from there", file=sys.stderr)
        code = TERMINATED if terminated else INTERRUPTED
    except BrokenPipeError:  # who read our output, as `| head` does, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nor can what is still to be flushed be written
        code = UNREAD
    except (UserError, OSError) as error:
        if message(error) is None:
            raise
        print_error(error)
        code = FAULT
    sys.exit(code)


def print_always() -> None:
    """Makes output replace characters that the terminal's encoding lacks, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def message(error: BaseException) -> str | None:
    """The message of an error that the user can fix; None where the traceback is needed."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, OSError) and error.errno in (*_FULL, *_FORBIDDEN, *_MISUSED):
        where = f": {os.fspath(error.filename)}" if isinstance(error.filename, str | os.PathLike) else ""
        remedy = (
            "free some space, and give the same command again: it goes on from what is recorded"
            if error.errno in _FULL
            else "change that, or give another place (results=FOLDER; TMPDIR for temporary files)"
        )
        return f"{os.strerror(error.errno)}{where}; {remedy}"
    return None


def _print_traceback(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Of an error that nobody foresaw."""
    print(redacted("".join(traceback.format_exception(kind, error, trace))), end="", file=sys.stderr)


def print_error(error: BaseException | str) -> None:
    print(f"error: {redacted(error if isinstance(error, str) else str(message(error)))}", file=sys.stderr)
