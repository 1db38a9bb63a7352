"""What this machine knows of the place elsewhere: of each file, the version there and the version here that are the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tuneoff.records.remote.address import ABOUT_FOLDER
from tuneoff.records.remote.place import Stamp
from tuneoff.records.store import HEADER_FILE, KEPT_FOLDER, MODEL_FOLDER, RUNTIME_FOLDER, STATE_FOLDER, TRACKED_FOLDER

FILE, UNIT_FILE = "known.json", "unit"
CELL_DEPTH = 4
"""Parts of a cell's path: study, task and model, algorithm, repeat."""
_REPEAT = "repeat-"
HEAVY = (STATE_FOLDER, KEPT_FOLDER, MODEL_FOLDER)
"""Folders of a cell that only the search itself reads."""


@dataclass(frozen=True)
class Pair:
    """The versions of a file that have the same content."""

    there: Stamp
    here: Stamp


Known = dict[str, Pair]
"""By path from the results folder."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What makes a unit here like the one there. conflict: both sides changed a file of a cell, and nothing else holds."""

    fetch: tuple[str, ...] = ()
    delete: tuple[str, ...] = ()
    forget: tuple[str, ...] = ()
    conflict: bool = False

    @property
    def empty(self) -> bool:
        return not (self.fetch or self.delete or self.forget or self.conflict)


def plan(unit: str, known: Mapping[str, Pair], here: Mapping[str, Stamp], there: Mapping[str, Stamp], *, heavy: bool) -> Plan:
    """What another machine changed or deleted is followed, and what was lost here comes again; what only this machine changed
    stays. Where both changed a file that is no cell's, the one there counts. heavy: whether weights are brought too."""
    looked = {path for path in {*known, *there} if heavy or not is_heavy(path)}
    theirs = {path for path in looked if there.get(path) != (known[path].there if path in known else None)}
    ours = changed(known, here)
    lost = {path for path in looked & there.keys() if path not in here}
    if is_cell(unit) and theirs & ours:
        return Plan(conflict=True)
    return Plan(
        fetch=tuple(sorted((theirs | lost) & there.keys(), key=reading_order)),
        delete=tuple(sorted((theirs - there.keys()) & here.keys())),
        forget=tuple(sorted(theirs - there.keys())),
    )


def changed(known: Mapping[str, Pair], here: Mapping[str, Stamp]) -> set[str]:
    """The files that only this machine has as they are."""
    return {path for path, stamp in here.items() if path not in known or known[path].here != stamp}


def reading_order(path: str) -> tuple[int, str]:
    """Headers before logs, which may only be longer than their header says."""
    return (0 if path.endswith(f"/{HEADER_FILE}") else 1 if path.endswith(".jsonl") else 2), path


def unit_of(path: str) -> str:
    """What a file is kept in step with, and what is locked: its cell; else its study; "" for a file of the results folder."""
    parts = path.split("/")
    if len(parts) > CELL_DEPTH and parts[CELL_DEPTH - 1].removeprefix(_REPEAT).isdigit():
        return "/".join(parts[:CELL_DEPTH])
    return parts[0] if len(parts) > 1 else ""


def is_cell(unit: str) -> bool:
    return unit.count("/") == CELL_DEPTH - 1


def is_heavy(path: str) -> bool:
    """Whether it is a file of weights."""
    unit = unit_of(path)
    return is_cell(unit) and path[len(unit) + 1 :].split("/", maxsplit=1)[0] in HEAVY


def stays_here(path: str) -> bool:
    """Whether a file is this machine's alone: hidden, passing, or what its trackers were sent."""
    parts = path.split("/")
    return parts[0] == TRACKED_FOLDER or any(part.startswith(".") or part.endswith(".tmp") for part in parts)


def files_here(results: Path, unit: str) -> dict[str, Stamp]:
    """A unit's files on this machine that are sent, by path from the results folder."""
    found = {}
    for path in _walk(results / unit):
        name = path.relative_to(results).as_posix()
        if unit_of(name) != unit or stays_here(name):
            continue
        stamp = Stamp.of(path)
        if stamp is not None:  # else a snapshot that was replaced meanwhile
            found[name] = stamp
    return found


def _walk(folder: Path) -> Iterator[Path]:
    try:
        entries = sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return
    for path in entries:
        if path.name.startswith(".") or path.name.endswith(".tmp") or path.is_symlink():
            continue
        if path.is_dir():
            if path.name != RUNTIME_FOLDER:
                yield from _walk(path)
        else:
            yield path


def folder_of(results: Path, unit: str) -> Path:
    """Where a unit's knowledge is written down; locked while it is brought or sent."""
    return results / ABOUT_FOLDER / "units" / hashlib.sha256(unit.encode()).hexdigest()[:24]


def read(results: Path, unit: str) -> Known:
    """{} where nothing is known, or where it can't be read."""
    try:
        values = json.loads((folder_of(results, unit) / FILE).read_text(encoding="utf-8"))
        return {str(path): Pair(Stamp(*pair[:2]), Stamp(*pair[2:])) for path, pair in values.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def write(results: Path, unit: str, known: Mapping[str, Pair]) -> None:
    folder = folder_of(results, unit)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / UNIT_FILE).write_text(unit, encoding="utf-8")
    values = {path: [pair.there.size, pair.there.time, pair.here.size, pair.here.time] for path, pair in known.items()}
    temporary = folder / f"{FILE}.tmp"
    temporary.write_text(json.dumps(values), encoding="utf-8")
    temporary.replace(folder / FILE)


def units_here(results: Path) -> set[str]:
    """Units that this machine knows something of."""
    return {path.read_text(encoding="utf-8") for path in (results / ABOUT_FOLDER / "units").glob(f"*/{UNIT_FILE}")}
