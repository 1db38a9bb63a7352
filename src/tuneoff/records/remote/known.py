"""What this machine knows of the place elsewhere: of each file, the version there and the version here that are the same."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tuneoff.records.remote.address import ABOUT_FOLDER
from tuneoff.records.remote.place import Stamp
from tuneoff.records.store import KEPT_FOLDER, MODEL_FOLDER, RUNTIME_FOLDER, STATE_FOLDER

FILE = "known.json"
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


def files_here(results: Path, unit: str) -> dict[str, Stamp]:
    """A unit's files on this machine, without hidden and passing ones, by path from the results folder."""
    top = results / unit
    found = {}
    for path in _walk(top):
        name = path.relative_to(results).as_posix()
        if unit_of(name) != unit:
            continue
        try:
            status = path.stat()
        except FileNotFoundError:  # a snapshot that was replaced meanwhile
            continue
        found[name] = Stamp(status.st_size, status.st_mtime_ns)
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
    """Where it is written down; locked while a unit is brought or sent."""
    return results / ABOUT_FOLDER / "units" / (unit or "root").replace("/", "%")


def read(results: Path, unit: str) -> Known:
    """{} where nothing is known, or where it can't be read: then files are compared by their content."""
    try:
        values = json.loads((folder_of(results, unit) / FILE).read_text(encoding="utf-8"))
        return {str(path): Pair(Stamp(*pair[:2]), Stamp(*pair[2:])) for path, pair in values.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def write(results: Path, unit: str, known: Mapping[str, Pair]) -> None:
    folder = folder_of(results, unit)
    folder.mkdir(parents=True, exist_ok=True)
    values = {path: [pair.there.size, pair.there.time, pair.here.size, pair.here.time] for path, pair in known.items()}
    temporary = folder / f"{FILE}.tmp"
    temporary.write_text(json.dumps(values), encoding="utf-8")
    temporary.replace(folder / FILE)


def units_here(results: Path) -> set[str]:
    """Units that this machine knows something of."""
    folder = results / ABOUT_FOLDER / "units"
    names = [path.name.replace("%", "/") for path in folder.iterdir()] if folder.is_dir() else []
    return {"" if name == "root" else name for name in names}
