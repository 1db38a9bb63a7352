"""A results folder elsewhere and its copy on this machine, kept in step.

An object store can't append, lock or rename, and records need all three: so a search works on the copy, and what it writes is
sent in an order in which any cut leaves a cell that can be gone on with. What others wrote is brought before it is read.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor

from tuneoff.records.remote import known as known_files
from tuneoff.records.remote.address import ABOUT_FOLDER, ADDRESS_FILE, working_copy
from tuneoff.records.remote.frozen import Frozen, frozen
from tuneoff.records.remote.known import Pair, files_here, folder_of, is_cell, is_heavy, unit_of, units_here
from tuneoff.records.remote.place import Place, Stamp
from tuneoff.records.store import HEADER_FILE, exclusive

AT_ONCE = 8
SET_ASIDE = "set-aside"
SIGNATURE = ".written-from"
"""Of a cell there: the copy that it was last written from."""
NAME_FILE = "copy"


class Mirror:
    """note: told what a user should know. Raises RemoteError wherever the place can't be reached."""

    def __init__(self, address: str, note: Callable[[str], None] = lambda _: None) -> None:
        self.place, self._note = Place(address), note
        self.folder = working_copy(self.place.address)
        about = self.folder / ABOUT_FOLDER
        about.mkdir(parents=True, exist_ok=True)
        (about / ADDRESS_FILE).write_text(self.place.name + "\n", encoding="utf-8")
        with exclusive(about):
            if not (about / NAME_FILE).exists():
                (about / NAME_FILE).write_text(uuid.uuid4().hex, encoding="ascii")
        self._name = (about / NAME_FILE).read_text(encoding="ascii")

    def bring(self, below: str = "", *, heavy: bool = False) -> None:
        """Makes the copy of a study, of a cell or of all like the place. heavy: with weights and snapshots.

        What only this machine changed stays, to be sent. Where another machine has gone on with a cell, what this one had not
        sent of it is set aside. Of other files the place's version counts.
        """
        there: dict[str, dict[str, Stamp]] = {}
        for path, stamp in self.place.files(below).items():
            if not path.rpartition("/")[2].startswith(".") and (heavy or not is_heavy(path)):
                there.setdefault(unit_of(path), {})[path] = stamp
        inside = {unit for unit in units_here(self.folder) if not below or unit == below or unit.startswith(f"{below}/")}
        for unit in sorted({*there, *inside}):
            with exclusive(folder_of(self.folder, unit)):
                self._bring(unit, there.get(unit, {}), heavy=heavy)

    def _bring(self, unit: str, there: dict[str, Stamp], *, heavy: bool) -> None:
        known, here = known_files.read(self.folder, unit), files_here(self.folder, unit)
        looked = {path for path in {*known, *there} if heavy or not is_heavy(path)}
        theirs = {path for path in looked if there.get(path) != (known[path].there if path in known else None)}
        theirs |= {path for path in looked & there.keys() if path not in here and not is_heavy(path)}  # lost here
        ours = {path for path in here if path not in known or known[path].here != here[path]}
        if is_cell(unit) and theirs & ours:
            if self._signed(unit):  # sent by this machine, which was cut off before it could write that down
                theirs -= ours
            else:
                self._set_aside(unit)
                known, ours, theirs = {}, set(), {path for path in there if heavy or not is_heavy(path)}
        for path in theirs - there.keys():  # deleted there
            known.pop(path, None)
            if path not in ours:
                (self.folder / path).unlink(missing_ok=True)
        wanted = sorted(theirs & there.keys(), key=_reading_order)
        headers = [path for path in wanted if _reading_order(path)[0] == 0]  # before the logs: they may only be longer
        try:
            for part in (headers, wanted[len(headers) :]):
                for path, stamp in self._all(lambda path: self._fetch(path, there[path]), part):
                    if stamp is not None:
                        known[path] = Pair(there[path], stamp)
        finally:
            known_files.write(self.folder, unit, known)

    def sign(self, unit: str) -> None:
        """Writes down there that this copy is the one that a cell is now written from."""
        self.place.send(f"{unit}/{SIGNATURE}", self._name.encode())

    def _signed(self, unit: str) -> bool:
        return self.place.read(f"{unit}/{SIGNATURE}") == self._name.encode()

    def send(self, unit: str) -> int:
        """Sends what this machine changed in a unit, and deletes there what it deleted here. Returns how many files that
        were."""
        with exclusive(folder_of(self.folder, unit)), frozen(self.folder, unit) as now:
            known, here = known_files.read(self.folder, unit), now.files
            header = f"{unit}/{HEADER_FILE}"
            changed = [path for path, stamp in here.items() if path not in known or known[path].here != stamp]
            groups: dict[int, list[str]] = {}
            for path in changed:
                groups.setdefault(_sending_order(path, header), []).append(path)
            count = 0
            try:
                for _, group in sorted(groups.items()):
                    for path, stamp in self._all(lambda path: self._sent(path, now), group):
                        if stamp is not None:
                            known[path] = Pair(stamp, here[path])
                            count += 1
                for path in [path for path in known if path not in here and not (self.folder / path).exists()]:
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
        status = to.stat()
        return Stamp(status.st_size, status.st_mtime_ns)

    def _set_aside(self, unit: str) -> None:
        to = self.folder / ABOUT_FOLDER / SET_ASIDE / f"{unit.replace('/', '%')}-{time.time_ns()}"
        to.parent.mkdir(parents=True, exist_ok=True)
        (self.folder / unit).rename(to)
        self._note(
            f"note: {self.place.name}/{unit} was gone on with on another machine; what this one had not sent is set aside in "
            f"{to}"
        )

    def _all(self, action: Callable[[str], Stamp | None], paths: Collection[str]) -> Iterable[tuple[str, Stamp | None]]:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            yield from zip(paths, pool.map(action, paths), strict=True)


def _reading_order(path: str) -> tuple[int, str]:
    return (0 if path.endswith(f"/{HEADER_FILE}") else 1 if path.endswith(".jsonl") else 2), path


def _sending_order(path: str, header: str) -> int:
    """Snapshots before the records that name them, the header last."""
    return 2 if path == header else 1 if path.endswith(".jsonl") else 0
