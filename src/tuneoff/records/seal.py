"""The seal of a cell: hashes of its files inside its header, by which a later change of any character is found.

`write_header` puts a seal on what there is, each time: the header itself, and the logs as far as they go. A log only grows, so
a seal stays right when a search goes on, and only covers less of it. It is no signature: who seals anew hides a change.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KEY = "seal"
"""Of the header's file; not a field of `Header`."""
WITHIN = ("*.jsonl", "errors/*.txt")
"""The sealed files of a cell's folder, beside the header."""
_MARK, _END = f',\n "{KEY}": ', "\n}\n"
SHOWN = 12
"""Hexadecimal digits of a hash in a message."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A file that is not as it was sealed. place: in the file. found, expected: in words or as hashes."""

    file: str
    place: str
    found: str
    expected: str


@dataclass(frozen=True, kw_only=True)
class Examined:
    """A cell compared with its seal.

    sealed: whether it has one. open_bytes: by file, the length of what was written after the seal.
    """

    sealed: bool
    faults: tuple[Fault, ...]
    open_bytes: Mapping[str, int]


def sealed_header(text: str, cell: Path) -> str:
    """The header's file: `text`, a JSON object indented by 1, with a seal over it and over the cell's other files."""
    body = text.removesuffix("\n}")
    assert body != text
    return body + _MARK + _seal_text(body, {name: _entry(path) for name, path in _files(cell)}) + _END


def examine(header: Path) -> Examined:
    """Compares a cell's files with the seal in its header. OSError where the header can't be read."""
    text, cell = header.read_text(encoding="utf-8", errors="replace"), header.parent
    body, mark, rest = text.rpartition(_MARK)
    there = dict(_files(cell))
    if not mark:
        return Examined(sealed=False, faults=(), open_bytes={n: p.stat().st_size for n, p in there.items()})
    try:
        seal = json.loads(rest.removesuffix(_END))
        files = {str(name): (int(entry["bytes"]), str(entry["sha256"])) for name, entry in seal["files"].items()}
        sealed = str(seal["header"])
    except (json.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        broken = Fault(file=header.name, place=KEY, found=f"a seal that can't be read ({error})", expected="a seal")
        return Examined(sealed=True, faults=(broken,), open_bytes={})
    faults = []
    expected = _seal_text(body, {name: {"bytes": size, "sha256": known} for name, (size, known) in files.items()})
    if rest != expected + _END:
        faults.append(_mismatch(header.name, "the file", json.loads(expected)["header"], sealed))
    for name, (size, known) in files.items():
        data = there[name].read_bytes() if name in there else b""
        if len(data) < size:
            faults.append(Fault(file=name, place="its length", found=f"{len(data)} bytes", expected=f"{size} bytes or more"))
        elif _hash(data[:size]) != known:
            faults.append(_mismatch(name, f"the first {size} bytes", _hash(data[:size]), known))
    left = {name: path.stat().st_size - files.get(name, (0, ""))[0] for name, path in there.items()}
    return Examined(sealed=True, faults=tuple(faults), open_bytes={name: size for name, size in left.items() if size > 0})


def digest(header: Path) -> str:
    """A hash of the seal in a header's file, which stands for all that it covers; "" without a seal."""
    _, mark, rest = header.read_text(encoding="utf-8", errors="replace").rpartition(_MARK)
    return _hash(rest.encode()) if mark else ""


def without_seal(values: dict[str, Any]) -> dict[str, Any]:
    """The header's own fields, of what its file holds."""
    return {name: value for name, value in values.items() if name != KEY}


def _files(cell: Path) -> Iterator[tuple[str, Path]]:
    for pattern in WITHIN:
        for path in sorted(cell.glob(pattern)):
            yield path.relative_to(cell).as_posix(), path


def _entry(path: Path) -> dict[str, Any]:
    """Of a log its whole lines: what a full disk left of another one is cut off when the search goes on."""
    data = path.read_bytes()
    if path.suffix == ".jsonl":
        data = data[: data.rfind(b"\n") + 1]
    return {"bytes": len(data), "sha256": _hash(data)}


def _seal_text(body: str, files: Mapping[str, Mapping[str, Any]]) -> str:
    return json.dumps({"files": files, "header": _hash((body + json.dumps(files)).encode())})


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _mismatch(file: str, place: str, found: str, expected: str) -> Fault:
    return Fault(file=file, place=place, found=f"SHA-256 {found[:SHOWN]}", expected=f"{expected[:SHOWN]}, as sealed")
