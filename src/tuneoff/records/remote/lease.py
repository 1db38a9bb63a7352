"""Who writes a cell elsewhere: a machine says so in a file beside it, again and again, and others look before they begin.

An object store has no locks. Each machine writes a file of its own and then lists them all, so of two that begin at the same
time one at least sees the other. Ages are differences of the place's own times; clocks of machines are not compared.
"""

from __future__ import annotations

import json
import os
import random
import socket
import time
from collections.abc import Callable
from pathlib import Path

from tuneoff.records.remote.place import Place, RemoteError, Stamp

PREFIX = ".writer-"
EXPIRY_SECONDS = 120.0
"""A machine that has said nothing for so long is gone."""
LOOK_SECONDS = 5.0


class Lease:
    """One cell's. unit: its path in the place. copy: the name of this machine's copy of it, which no other machine has."""

    def __init__(self, place: Place, unit: str, copy: str, note: Callable[[str], None] = lambda _: None) -> None:
        self._place, self._unit, self._note = place, unit, note
        self._machine = f"{copy}:{_process_space()}"
        self._host, self._own = socket.gethostname(), f"{os.getpid()}-{random.SystemRandom().randrange(1 << 32):08x}"
        self._path = f"{unit}/{PREFIX}{self._own}"

    def take(self) -> None:
        """Raises RemoteError where another machine goes on writing the cell; waits to see whether one still does."""
        seen: dict[str, Stamp] = {}
        began = time.monotonic()
        while True:
            now = self._say()
            others = self._others(now)
            if not others:
                return
            self._place.delete(self._path)
            for path, stamp in others.items():
                if path in seen and seen[path] != stamp:
                    raise RemoteError(
                        f"{self._place.name}/{self._unit} is written by {self._who(path)} now, and a search has one writer: "
                        "wait for it, or give study=NAME"
                    )
            if not seen:
                path = next(iter(others))
                self._note(
                    f"note: {self._who(path)} was at work on {self._unit} a moment ago; waiting up to {EXPIRY_SECONDS:g} s to "
                    "see whether it still is"
                )
            seen = dict(others)
            if time.monotonic() - began > EXPIRY_SECONDS:
                for path in others:
                    self._place.delete(path)
            time.sleep(min(LOOK_SECONDS, EXPIRY_SECONDS) * random.uniform(0.5, 1.5))  # two that wait don't meet again

    def renew(self) -> bool:
        """Says again that this machine is at work; False where another one has taken it for gone, and works now."""
        if self._place.stamp(self._path) is None and any(self._files()):
            return False
        self._say()
        return True

    def give_up(self) -> None:
        self._place.delete(self._path)

    def _say(self) -> Stamp:
        said = {"host": self._host, "pid": os.getpid(), "machine": self._machine}
        return self._place.send(self._path, json.dumps(said).encode())

    def _others(self, now: Stamp) -> dict[str, Stamp]:
        """The files of machines at work; those of others are deleted."""
        found = {}
        for path, stamp in self._files().items():
            if now.time - stamp.time > EXPIRY_SECONDS * 1e9 or self._died_here(path):
                self._place.delete(path)
            else:
                found[path] = stamp
        return found

    def _files(self) -> dict[str, Stamp]:
        """Those of others."""
        start = f"{self._unit}/{PREFIX}"
        files = self._place.files(self._unit)
        return {path: stamp for path, stamp in files.items() if path.startswith(start) and path != self._path}

    def _died_here(self, path: str) -> bool:
        """Whether it is of a process of this machine that is no more."""
        _, pid, machine = self._said(path)
        if machine != self._machine or pid <= 0:
            return False
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
        return False

    def _who(self, path: str) -> str:
        host, pid, _ = self._said(path)
        return f"{host} (process {pid})" if pid else "another machine"

    def _said(self, path: str) -> tuple[str, int, str]:
        try:
            values = json.loads(self._place.read(path) or b"{}")
            return str(values["host"]), int(values["pid"]), str(values["machine"])
        except (ValueError, KeyError, TypeError, AttributeError):
            return "", 0, ""


def _process_space() -> str:
    """Where a process's number means something: since this start of the machine, in this container. "" where it isn't known."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}:{os.stat('/proc/self/ns/pid').st_ino}"
    except OSError:
        return ""
