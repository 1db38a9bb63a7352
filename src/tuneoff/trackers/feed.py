"""The driver's side of trackers: starts a process for each, tells it the cells, and waits for it at the end, but not for long.

Nothing here is called while a trial trains. A cell's folder is put into a pipe that never blocks; a tracker that hangs, dies or
raises is told of in one note at the end of the command.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from tuneoff.records.remote.address import shown
from tuneoff.trackers.follow import END_SECONDS, Orders
from tuneoff.trackers.settings import Chosen, as_settings

CHILD = (sys.executable, "-m", "tuneoff.commands.feed")
NICENESS = ("nice", "-n", "19")
PATIENCE_SECONDS = 2.0
"""Of waiting at the end before it is said what is waited for."""


class Feed:
    """The process that feeds one tracker with one study."""

    def __init__(self, chosen: Chosen, study: Path, plugins: Sequence[str]) -> None:
        self.name, self.given, self.study = chosen.name, chosen.given, study
        self._answer: IO[str] = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - closed with the feed
        self._process = subprocess.Popen(
            (*(NICENESS if shutil.which(NICENESS[0]) else ()), *CHILD),
            stdin=subprocess.PIPE,
            stdout=self._answer,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is the driver's
        )
        assert self._process.stdin is not None
        self._pipe = self._process.stdin.fileno()
        os.set_blocking(self._pipe, False)
        self._tell(Orders(tracker=chosen.name, settings=dict(chosen.given), study=str(study), plugins=tuple(plugins)).line())
        self._told: set[Path] = set()

    def follow(self, cell: Path) -> None:
        if cell not in self._told:
            self._told.add(cell)
            self._tell(json.dumps(str(cell)) + "\n")

    def end(self) -> None:
        """Says that the command is over."""
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.close()

    def wait(self, seconds: float) -> bool:
        """Whether the process has ended within `seconds`."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(max(seconds, 0.0))
        return self._process.poll() is not None

    def fault(self) -> str:
        """Why not all was sent; "" where it was. Ends the process."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
            return f"it was not done {END_SECONDS:g} s after the last search"
        self._answer.seek(0)
        last = (self._answer.read().splitlines() or [""])[-1]
        self._answer.close()
        try:
            return str(json.loads(last))
        except json.JSONDecodeError:
            return f"its process ended with exit code {self._process.returncode}"

    def _tell(self, line: str) -> None:
        """A line that finds the pipe full or its reader gone is lost; `track` sends what is missing."""
        with suppress(OSError):
            os.write(self._pipe, line.encode())


class Feeds:
    """All feeds of a command. Close them when its searches are over."""

    def __init__(self) -> None:
        self._feeds: dict[tuple[str, Path, str], Feed] = {}

    def follow(self, trackers: Sequence[Chosen], study: Path, cell: Path, plugins: Sequence[str]) -> None:
        """From now on the cell is sent to the trackers."""
        for chosen in trackers:
            key = (chosen.name, study, json.dumps(chosen.given, sort_keys=True, default=str))
            if key not in self._feeds:
                self._feeds[key] = Feed(chosen, study, plugins)
            self._feeds[key].follow(cell)

    def close(self) -> list[str]:
        """Waits up to END_SECONDS for all together; returns a note for each that has not sent all."""
        feeds = list(self._feeds.values())
        self._feeds.clear()
        deadline = time.monotonic() + END_SECONDS
        for feed in feeds:
            feed.end()
        if not all(feed.wait(PATIENCE_SECONDS) for feed in feeds):
            print(f"sending the rest to {_listed(feeds)} (at most {END_SECONDS:g} s)", flush=True)
        for feed in feeds:
            feed.wait(deadline - time.monotonic())
        notes = []
        for feed in feeds:
            fault = feed.fault()
            if fault:
                settings = as_settings(feed.name, feed.given)
                results = feed.study.parent
                where = "" if results == Path("results").resolve() else f" --results {shlex.quote(shown(results))}"
                notes.append(
                    f"note: {feed.name} does not have all of {feed.study.name} ({fault}); the records do, and "
                    f"tuneoff track {feed.study.name}{where}{f' --set {settings}' if settings else ''} sends what is missing"
                )
        return notes


def _listed(feeds: Sequence[Feed]) -> str:
    return ", ".join(sorted({feed.name for feed in feeds}))
