"""A results folder elsewhere and its copy on this machine, kept in step.

An object store can't append, lock or rename, and records need all three: so a search works on the copy, and what it writes is
sent in an order in which any cut leaves a cell that can be gone on with. What others wrote is brought before it is read.
"""

from __future__ import annotations

import fcntl
import os
import time
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from tuneoff.records.remote import known as known_files
from tuneoff.records.remote.address import ABOUT_FOLDER, ADDRESS_FILE, working_copy
from tuneoff.records.remote.frozen import Frozen, frozen
from tuneoff.records.remote.known import Pair, files_here, folder_of, is_cell, is_heavy, stays_here, unit_of, units_here
from tuneoff.records.remote.place import Place, RemoteError, Stamp
from tuneoff.records.store import HEADER_FILE, MODEL_FOLDER, exclusive

AT_ONCE = 8
LOCK_TRIES = 20
SET_ASIDE = "set-aside"
SIGNATURE = ".written-from"
"""Of a cell there: the copy that it was last written from."""
NAME_FILE = "copy"
IN_USE_FILE = "in-use"
"""Locked by the process whose search writes the cell."""


class Mirror:
    """note: told what a user should know. Raises RemoteError wherever the place can't be reached."""

    def __init__(self, address: str, note: Callable[[str], None] = lambda _: None) -> None:
        self.place, self._note = Place(address), note
        self.folder = working_copy(self.place.address)
        about = self.folder / ABOUT_FOLDER
        with exclusive(about):
            (about / ADDRESS_FILE).write_text(self.place.name + "\n", encoding="utf-8")
            if not (about / NAME_FILE).exists():
                (about / NAME_FILE).write_text(uuid.uuid4().hex, encoding="ascii")
        self.name = (about / NAME_FILE).read_text(encoding="ascii")
        """Of the copy, which no other machine has."""

    def bring(self, below: str = "", *, heavy: bool = False) -> None:
        """Makes the copy of a study, of a cell or of all like the place. heavy: with weights and snapshots.

        What only this machine changed stays, to be sent. Where another machine has gone on with a cell, or deleted it, what
        this one had of it is set aside. Of other files the place's version counts. A cell that a search on this machine is
        writing is left alone.
        """
        there = _by_unit(self.place.files(below), heavy=heavy)
        inside = {unit for unit in units_here(self.folder) if not below or unit == below or unit.startswith(f"{below}/")}
        for unit in sorted({*there, *inside}):
            with exclusive(folder_of(self.folder, unit)):
                if self._plan(unit, there.get(unit, {}), heavy=heavy).empty or self._in_use(unit):
                    continue
                # Again, since the list above may be older than what another process of this machine has written down since.
                self._follow(unit, _by_unit(self.place.files(unit), heavy=heavy).get(unit, {}), heavy=heavy)

    def _plan(self, unit: str, there: Mapping[str, Stamp], *, heavy: bool) -> known_files.Plan:
        known, here = known_files.read(self.folder, unit), files_here(self.folder, unit)
        return known_files.plan(unit, known, here, there, heavy=heavy)

    def _follow(self, unit: str, there: Mapping[str, Stamp], *, heavy: bool) -> None:
        known, here = known_files.read(self.folder, unit), files_here(self.folder, unit)
        header = f"{unit}/{HEADER_FILE}"
        if is_cell(unit) and header in known and header not in there and here:
            self._set_aside(unit, "deleted")
            known, here = {}, {}
        todo = known_files.plan(unit, known, here, there, heavy=heavy)
        if todo.conflict:
            if self._signed(unit):  # sent by this machine, which was cut off before it could write that down
                ours = known_files.changed(known, here)
                known = {path: pair for path, pair in known.items() if path not in ours}
                there = {path: stamp for path, stamp in there.items() if path not in ours}
            else:
                self._set_aside(unit, "gone on with on another machine")
                known, here = {}, {}
            todo = known_files.plan(unit, known, here, there, heavy=heavy)
        for path in todo.delete:
            (self.folder / path).unlink(missing_ok=True)
        for path in todo.forget:
            known.pop(path, None)
        try:
            headers = [path for path in todo.fetch if path.endswith(f"/{HEADER_FILE}")]
            for part in (headers, todo.fetch[len(headers) :]):
                for path, stamp in self._all(lambda path: self._fetch(path, there[path]), part):
                    if stamp is not None:
                        known[path] = Pair(there[path], stamp)
        finally:
            known_files.write(self.folder, unit, known)

    def sign(self, unit: str) -> None:
        """Writes down there that this copy is the one that a cell is now written from."""
        self.place.send(f"{unit}/{SIGNATURE}", self.name.encode())

    def _signed(self, unit: str) -> bool:
        return self.place.read(f"{unit}/{SIGNATURE}") == self.name.encode()

    @contextmanager
    def in_use(self, unit: str) -> Iterator[None]:
        """While a search of this process writes the cell: no other process of this machine changes it. Raises RemoteError where
        another one's search does."""
        folder = folder_of(self.folder, unit)
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / IN_USE_FILE).open("w", encoding="ascii") as file:
            for left in reversed(range(LOCK_TRIES)):  # who only looks has it for a moment
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except OSError as error:
                    if not left:
                        raise RemoteError(
                            f"another process of this machine is at work on {self.place.name}/{unit}: wait for it, or give "
                            "study=NAME"
                        ) from error
                    time.sleep(0.1)
            yield

    def _in_use(self, unit: str) -> bool:
        mark = folder_of(self.folder, unit) / IN_USE_FILE
        if not mark.exists():
            return False
        with mark.open("a", encoding="ascii") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return True
        return False

    def unsent(self, unit: str) -> bool:
        """Whether this machine has files of a cell that are not there, as far as it knows."""
        return bool(known_files.changed(known_files.read(self.folder, unit), files_here(self.folder, unit)))

    def send(self, unit: str) -> int:
        """Sends what this machine changed in a unit, and deletes there what it deleted here. Returns how many files that
        were. Models stay there, as does all of a cell whose folder here is gone."""
        with exclusive(folder_of(self.folder, unit)), frozen(self.folder, unit) as now:
            known, here = known_files.read(self.folder, unit), now.files
            header = f"{unit}/{HEADER_FILE}"
            groups: dict[int, list[str]] = {}
            for path in sorted(known_files.changed(known, here)):
                groups.setdefault(_sending_order(path, header), []).append(path)
            gone = [path for path in known if path not in here and not (self.folder / path).exists()]
            if is_cell(unit):
                gone = [path for path in gone if header in here and not path.startswith(f"{unit}/{MODEL_FOLDER}/")]
            count = 0
            try:
                for _, group in sorted(groups.items()):
                    for path, stamp in self._all(lambda path: self._sent(path, now), group):
                        if stamp is not None:
                            known[path] = Pair(stamp, here[path])
                            count += 1
                for path in gone:
                    self.place.delete(path)
                    del known[path]
                    count += 1
            finally:
                known_files.write(self.folder, unit, known)
        return count

    def send_reports(self) -> int:
        """Sends what is no cell: reports, predictions, pages. Returns how many files that were."""
        studies = {path.name for path in self.folder.iterdir() if path.is_dir() and not path.name.startswith(".")}
        return sum(self.send(unit) for unit in ("", *sorted(studies)))

    def _sent(self, path: str, now: Frozen) -> Stamp | None:
        """None where the file is gone meanwhile."""
        try:
            return self.place.send(path, now.content(path, self.folder))
        except FileNotFoundError:
            return None

    def _fetch(self, path: str, stamp: Stamp) -> Stamp | None:
        to = self.folder / path
        if not self.place.fetch(path, to):
            return None
        os.utime(to, ns=(stamp.time, stamp.time))  # the newest study is the one written to last, wherever that was
        return Stamp.of(to)

    def _set_aside(self, unit: str, why: str) -> None:
        to = self.folder / ABOUT_FOLDER / SET_ASIDE / f"{time.time_ns()}" / unit
        to.parent.mkdir(parents=True, exist_ok=True)
        (self.folder / unit).rename(to)
        self._note(f"note: {self.place.name}/{unit} was {why}; what this machine had of it is set aside in {to}")

    def _all(self, action: Callable[[str], Stamp | None], paths: Collection[str]) -> Iterable[tuple[str, Stamp | None]]:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            yield from zip(paths, pool.map(action, paths), strict=True)


def _by_unit(files: Mapping[str, Stamp], *, heavy: bool) -> dict[str, dict[str, Stamp]]:
    """The files that are brought, by unit."""
    found: dict[str, dict[str, Stamp]] = {}
    for path, stamp in files.items():
        if not stays_here(path) and (heavy or not is_heavy(path)):
            found.setdefault(unit_of(path), {})[path] = stamp
    return found


def _sending_order(path: str, header: str) -> int:
    """Snapshots before the records that name them, the header last."""
    return 2 if path == header else 1 if path.endswith(".jsonl") else 0
