"""The process that feeds one tracker while a command's searches run. It reads their logs; no search waits for it.

It is told by its standard input: a line of JSON (`Orders`), then the folder of each cell when its search begins. The end of
the input is the end of the command, however it ended. Its last line of output is JSON: the fault that kept it from sending
all, or "".
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from tuneoff import plugins
from tuneoff.errors import first_line
from tuneoff.records.store import LOG_FILE, RETRAIN_FILE
from tuneoff.redaction import redacted
from tuneoff.trackers.contracts import Report
from tuneoff.trackers.sending import Sender
from tuneoff.trackers.settings import choose

POLL_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
"""Between two tries at a tracker that fails."""
SHARE = 20
"""A pause is at least this many times as long as the reading before it."""
END_SECONDS = 30.0
"""From the end of the command to that of this process."""


@dataclass(frozen=True, kw_only=True)
class Orders:
    """tracker: its name. settings: as given. study: its folder. plugins: modules of the user's own."""

    tracker: str
    settings: dict[str, Any]
    study: str
    plugins: tuple[str, ...]

    def line(self) -> str:
        return json.dumps(asdict(self)) + "\n"


def follow(orders: IO[str], answer: IO[str], make_report: Callable[[Path], Report | None]) -> int:
    """Sends until the orders end, and then what is left. Returns the exit code, always 0."""
    told = Orders(**json.loads(orders.readline()))
    fault = ""
    try:
        plugins.load(told.plugins)
        study = Path(told.study)
        sender = Sender(choose(told.tracker, told.settings), study)
        fault = _Feed(sender, study, make_report).run(orders)
    except Exception as error:
        fault = first_line(error)
    answer.write(json.dumps(redacted(fault)) + "\n")
    answer.flush()
    return 0


class _Feed:
    def __init__(self, sender: Sender, study: Path, make_report: Callable[[Path], Report | None]) -> None:
        self._sender, self._study, self._make_report = sender, study, make_report
        self._cells: list[Path] = []
        self._read: dict[Path, tuple[Any, ...]] = {}
        """Sizes of a cell's files when all of them had been sent."""
        self._over = threading.Event()

    def run(self, orders: IO[str]) -> str:
        """Returns the last try's fault, or ""."""
        threading.Thread(target=self._listen, args=(orders,), daemon=True).start()
        fault, failures = "", 0
        while not self._over.is_set():
            began = time.monotonic()
            fault = self._try()
            failures = failures + 1 if fault else 0
            pause = max(min(POLL_SECONDS * 2**failures, LONGEST_PAUSE_SECONDS), SHARE * (time.monotonic() - began))
            self._over.wait(pause)
        fault = self._try() or self._report()
        try:
            self._sender.close()
        except Exception as error:
            fault = fault or first_line(error)
        return fault

    def _listen(self, orders: IO[str]) -> None:
        for line in orders:
            self._cells.append(Path(json.loads(line)))
        end = threading.Timer(END_SECONDS, os._exit, (0,))  # a tool that hangs does not outlive its command by more
        end.daemon = True
        end.start()
        self._over.set()

    def _try(self) -> str:
        """One round over all cells; returns the fault, or "" where all is sent."""
        try:
            for cell in tuple(self._cells):
                seen = _seen(cell)
                if self._read.get(cell) != seen:
                    self._sender.send(cell)
                    self._read[cell] = seen
        except Exception as error:  # whatever the tool raises
            with contextlib.suppress(Exception):
                self._sender.close()
            return first_line(error)
        return ""

    def _report(self) -> str:
        try:
            report = self._make_report(self._study)
            if report is not None:
                self._sender.send_report(report)
        except Exception as error:
            return first_line(error)
        return ""


def _seen(cell: Path) -> tuple[Any, ...]:
    """Changes when there may be something new to send."""
    files = (cell / "run.json", cell / LOG_FILE, cell / RETRAIN_FILE)
    return tuple((f.stat().st_size, f.stat().st_mtime_ns) if f.exists() else None for f in files)
