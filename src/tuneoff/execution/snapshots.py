"""Durable copies of running trials' state, so that a killed search loses at most the evaluation in flight.

A file a trial and evaluation under `<cell>/state/`; the two newest of a session are kept, because the newest may belong to an
evaluation whose record never reached the log. They survive the death of any process, not a power failure.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tuneoff.training.protocol import State
from tuneoff.training.state_file import is_whole, write

KEPT = 2


class SnapshotWriter:
    """One trial's snapshots. save: writes one, as the function of this name does in its folder.

    interval_seconds: 0 writes after every evaluation; more writes less often, and a crash loses more.
    """

    def __init__(self, save: Callable[[str, State, Sequence[str]], str], trial_id: str, interval_seconds: float) -> None:
        self._save, self._trial_id, self._interval = save, trial_id, interval_seconds
        self._written_at: float | None = None
        self._session: list[str] = []
        """The file from which the trial went on, and those written since."""

    def went_on_from(self, name: str) -> None:
        """The trial's newest recorded state is in this file. It is kept for as long as it may be the newest recorded one,
        whatever earlier sessions left: the last file of each may never have reached the log."""
        if name.startswith(f"{self._trial_id}-") and not name.startswith(copy_name(self._trial_id, "")):
            self._session = [name]

    def due(self) -> bool:
        return self._written_at is None or time.monotonic() - self._written_at >= self._interval

    def write(self, state: State) -> str:
        """The name of the file, to be recorded with the evaluation."""
        name = self._save(self._trial_id, state, tuple(self._session))
        self._session = [*self._session[-KEPT:], name]
        self._written_at = time.monotonic()
        return name


def save(folder: Path, trial_id: str, state: State, session: Sequence[str]) -> str:
    """Writes `<trial>-<nanoseconds>.safetensors`, so that names sort by age, and deletes the trial's older files; returns the
    name. session: the file from which the trial went on, and those written since."""
    name = f"{trial_id}-{time.time_ns()}.safetensors"
    write(state, folder / name)
    session = [*session[-KEPT:], name]
    found = sorted(path.name for path in folder.glob(f"{trial_id}-[0-9]*.safetensors"))
    oldest = session[-KEPT] if len(session) >= KEPT else found[-KEPT:][0]
    for old in found:
        if old < oldest:
            (folder / old).unlink(missing_ok=True)
    return name


def discard_damaged(folder: Path) -> list[str]:
    """Puts files aside that are not as they were written, and returns their names: a trial goes on from what is left."""
    damaged = [path for path in sorted(folder.glob("*.safetensors")) if not is_whole(path)]
    for path in damaged:
        path.rename(path.with_suffix(".damaged"))
    return [path.name for path in damaged]


def copy_name(trial_id: str, name: str) -> str:
    """The file under which a trial keeps another one's snapshot."""
    return f"{trial_id}-copy-of-{name}"


def find(folder: Path, trial_id: str, name: str) -> Path:
    """The file from which this trial reads a snapshot that was recorded as `name`: its own copy, else the writer's."""
    copy = folder / copy_name(trial_id, name)
    return copy if copy.exists() else folder / name


def share(folder: Path, file: str, name: str) -> str | None:
    """Keeps a snapshot under one more name, for a trial that copies: its writer may end first, which deletes it.

    Returns the name; None where the snapshot is gone.
    """
    source, target = folder / file, folder / name
    if source == target:
        return name
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except FileNotFoundError:
        return None
    except OSError:  # a file system without hard links
        shutil.copyfile(source, target)
    return name


def drop(folder: Path, trial_id: str) -> None:
    """Deletes the files of a trial that is over."""
    for path in folder.glob(f"{trial_id}-*"):
        path.unlink(missing_ok=True)
