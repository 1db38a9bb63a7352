"""A cell's files: written by one process, line by line, locked, repaired after a crash, and read back. Schema: schema.py."""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from tuneoff.errors import UserError, is_name
from tuneoff.evaluation import Cost, Score
from tuneoff.records import seal
from tuneoff.records.schema import KINDS, SCHEMA_VERSION, Cell, Header, Record

HEADER_FILE = "run.json"
LOG_FILE = "trials.jsonl"
LOCK_FILE = ".lock"
STATE_FOLDER = "state"
"""Snapshots of running trials, see snapshots."""
RUNTIME_FOLDER = "ray"
"""Ray Tune's own files, inside the cell while the search runs."""
RETRAIN_FILE = "retrain.jsonl"
AUDIT_FILE = "audit.jsonl"
WINNER_FILE = "winner.yaml"
KEPT_FOLDER = "kept"
"""Weights of the best evaluation so far, where keep=winner was given."""
TRACKED_FOLDER = "tracked"
"""Under the results: what trackers keep on this machine, and how far they are."""
MODEL_FOLDER = "model"
"""The winner's model and tokenizer."""
_NAMES_IN_LOG = ("trial_id", "parent_trial_id", "snapshot", "kept")
"""Fields of records by which files are found."""


class RecordError(UserError):
    """Records that can't be read; the message names the file, the line and the remedy."""


class LogWriter:
    """Appends lines to a cell's log, each flushed to the disk before the call returns.

    Cuts off a half-written last line first: `repaired` says so. Raises RecordError where another process writes the log.
    """

    def __init__(self, cell: Path, log: str = LOG_FILE) -> None:
        cell.mkdir(parents=True, exist_ok=True)
        self._file: IO[str] = _lock((cell / log).open("a", encoding="utf-8"), cell)
        self.repaired = _cut_half_written(cell / log)

    def append(self, record: Record) -> None:
        self._file.write(to_line(record))
        self._file.flush()
        os.fsync(self._file.fileno())

    def __enter__(self) -> LogWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._file.close()


def to_line(record: Record) -> str:
    return json.dumps({"kind": record.kind, **asdict(record)}, allow_nan=False, separators=(",", ":")) + "\n"


def from_dict(values: dict[str, Any]) -> Record:
    kind = KINDS[values.pop("kind")]
    if "cost" in values:
        values["cost"] = Cost(**values["cost"])
    for name in ("validation", "test"):
        if values.get(name) is not None:
            score = dict(values[name])
            score["predicted_counts"] = tuple(score["predicted_counts"])
            if score.get("predictions") is not None:
                score["predictions"] = tuple(score["predictions"])
            values[name] = Score(**score)
    record: Record = kind(**values)
    return record


def write_header(cell: Path, header: Header) -> None:
    """Atomic: the file is either the old one or the new one. Seals the cell as it is."""
    cell.mkdir(parents=True, exist_ok=True)
    temporary = cell / (HEADER_FILE + ".tmp")
    text = json.dumps(asdict(header), indent=1, allow_nan=False)
    temporary.write_text(seal.sealed_header(text, cell), encoding="utf-8")
    temporary.replace(cell / HEADER_FILE)


def read_header(cell: Path) -> Header:
    path = cell / HEADER_FILE
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        version = values.get("schema_version")
        if version != SCHEMA_VERSION:
            raise RecordError(
                f"{path} has schema_version {version}, but this tuneoff reads {SCHEMA_VERSION}: "
                "read it with the version that wrote it, or run the study again"
            )
        header = Header(**seal.without_seal(values))
    except (json.JSONDecodeError, TypeError, AttributeError) as error:
        raise RecordError(f"{path} is not a run header ({error}): delete the cell's folder and run it again") from error
    for name in ("study", "task", "model", "algorithm", "protocol"):
        _must_be_name(getattr(header, name), name, str(path))
    _must_be_name(str(header.repeat), "repeat", str(path))
    return header


def must_be_as_sealed(cell: Path) -> None:
    """Raises RecordError where a file of the cell was changed since it was sealed; going on would seal the change."""
    faults = seal.examine(cell / HEADER_FILE).faults
    if faults:
        fault = faults[0]
        raise RecordError(
            f"{cell / fault.file} was changed after it was written ({fault.place}: {fault.found}, expected {fault.expected}), "
            f"and a search goes on from unchanged records only: put the file back as it was, or delete {cell} and run it again"
        )


def read_log(path: Path) -> tuple[list[Record], str | None]:
    """The log's records, and the fault of its last line (a crash can leave it half-written), or None."""
    records: list[Record] = []
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n") if path.exists() else []
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        try:
            record = from_dict(json.loads(line))
        except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
            if number == len(lines):
                return records, f"line {number} of {path.name} was half-written ({len(line)} characters): left out"
            raise RecordError(
                f"{path}, line {number} can't be read ({error!r}): "
                "put the file back as it was, or delete the cell's folder and run it again"
            ) from error
        for name in _NAMES_IN_LOG:
            if getattr(record, name, None) is not None:
                _must_be_name(getattr(record, name), name, f"{path}, line {number}")
        records.append(record)
    return records, None


def _must_be_name(value: object, name: str, where: str) -> None:
    """Raises RecordError where what a record names is a path that leads elsewhere: records can come from anybody."""
    if not is_name(value):
        raise RecordError(
            f"{where}: {name} is {value!r}, but files are found by it, so it must be a name of letters, digits, '.', '_', '-'; "
            "tuneoff writes no such record: don't use this folder"
        )


def must_lead_nowhere_else(folder: Path) -> None:
    """Raises RecordError where a link below the folder leads out of it: what is written there would not stay."""
    inside = folder.resolve()
    for place, folders, files in os.walk(inside):
        for path in (Path(place, name) for name in (*folders, *files)):
            target = Path(os.path.realpath(path))
            if path.is_symlink() and not target.is_relative_to(inside):
                raise RecordError(
                    f"{path} is a link to {target}, but what is written into a study stays in its folder: put a copy in the "
                    "link's place, or delete it"
                )


def must_be_writable(results: Path) -> None:
    """Raises RecordError where cells can't be made below the folder: it, or the one that it would be made in, is a file,
    read-only or full. Leaves nothing behind."""
    place = next((folder for folder in (results, *results.parents) if folder.exists()), results)
    try:
        Path(tempfile.mkdtemp(prefix=".tuneoff-", dir=place)).rmdir()
    except OSError as error:
        where = "" if place == results else f" ({place})"
        raise RecordError(
            f"results is {str(results)!r}, but nothing can be written there{where}: {os.strerror(error.errno or 0)}. Give "
            "another folder, as in results=FOLDER"
        ) from error


def must_be_free(cell: Path) -> None:
    """Raises RecordError where another process writes one of the cell's logs."""
    for log in (LOG_FILE, RETRAIN_FILE, AUDIT_FILE):
        if (cell / log).exists():
            _lock((cell / log).open("a", encoding="utf-8"), cell).close()


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """One process at a time; another one waits. For decisions that all cells of a folder share."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK_FILE).open("w", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _lock(file: IO[str], cell: Path) -> IO[str]:
    """The file, locked until it is closed or its process dies."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise RecordError(f"another process is at work on {cell}: wait for it, or give study=NAME") from error
    return file


def _cut_half_written(path: Path) -> str | None:
    _, fault = read_log(path)
    if fault is not None:
        data = path.read_bytes()
        path.write_bytes(data[: data.rfind(b"\n") + 1])
    return fault


def load_cell(cell: Path, log: str = LOG_FILE) -> Cell:
    records, repaired = read_log(cell / log)
    return Cell(path=cell, header=read_header(cell), records=tuple(records), repaired=repaired)


def find_cells(root: Path) -> Iterator[Path]:
    """Folders of cells under `root` (a study, or all of results/), in a stable order."""
    for header in sorted(root.rglob(HEADER_FILE)):
        yield header.parent
