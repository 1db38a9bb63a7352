"""A cell's files as they are at one moment, while a search goes on writing them.

A snapshot is written, then the record that names it, then the older snapshot is deleted. What is sent bit by bit must be of one
moment all the same: so logs are read at once, and snapshots linked, and both again where a log grew meanwhile.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tuneoff.records.remote.known import files_here, folder_of, is_cell, is_heavy
from tuneoff.records.remote.place import Stamp
from tuneoff.records.store import HEADER_FILE

FOLDER = "frozen"
TRIES = 20
"""Then it is sent as it is: a search goes on from an earlier snapshot where one is missing."""


@dataclass(frozen=True, kw_only=True)
class Frozen:
    """files: by path from the results folder. read: contents of records. linked: where the others can be read."""

    files: Mapping[str, Stamp]
    read: Mapping[str, bytes] = field(default_factory=dict)
    linked: Mapping[str, Path] = field(default_factory=dict)

    def content(self, path: str, results: Path) -> Path | bytes:
        return self.read[path] if path in self.read else self.linked.get(path, results / path)


@contextmanager
def frozen(results: Path, unit: str) -> Iterator[Frozen]:
    """A unit's files, those of a cell as they are at one moment. Lock the unit."""
    if not is_cell(unit):
        yield Frozen(files=files_here(results, unit))
        return
    folder = folder_of(results, unit) / FOLDER
    try:
        for _ in range(TRIES):
            found = _freeze(results, unit, folder)
            if all(Stamp.of(results / path) == found.files[path] for path in found.read if path.endswith(".jsonl")):
                break
        yield found
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _freeze(results: Path, unit: str, folder: Path) -> Frozen:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    read: dict[str, bytes] = {}
    stamps: dict[str, Stamp] = {}
    # The header seals the logs as far as they went when it was written, so it is read before them.
    for record in (results / unit / HEADER_FILE, *sorted((results / unit).glob("*.jsonl"))):
        name, stamp = record.relative_to(results).as_posix(), Stamp.of(record)
        if stamp is not None:
            with suppress(FileNotFoundError):
                read[name], stamps[name] = record.read_bytes(), stamp
    linked: dict[str, Path] = {}
    files = {path: stamp for path, stamp in files_here(results, unit).items() if not _is_record(path, unit)}
    for number, path in enumerate([path for path in files if is_heavy(path)]):
        try:
            os.link(results / path, folder / str(number))
        except FileNotFoundError:  # replaced meanwhile
            del files[path]
        except OSError:  # no links on this disk
            continue
        else:
            linked[path] = folder / str(number)
    return Frozen(files={**files, **stamps}, read=read, linked=linked)


def _is_record(path: str, unit: str) -> bool:
    folder, _, name = path.rpartition("/")
    return folder == unit and (name == HEADER_FILE or name.endswith(".jsonl"))
