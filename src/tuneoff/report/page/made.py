"""How a report was made, and the hashes of its files: `made.json` beside the page, by which a change since then is found."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from tuneoff.price import Price
from tuneoff.records.seal import digest
from tuneoff.records.store import HEADER_FILE, find_cells

FILE = "made.json"
LIBRARIES = ("matplotlib", "numpy", "pandas", "scipy", "scikit-learn")
"""Those on which the last digits of numbers and the files of figures depend."""
_PACKAGE = Path(__file__).resolve().parents[2]
_CODE = (".py", ".css", ".js")


@dataclass(frozen=True, kw_only=True)
class Made:
    """code: hash over tuneoff's own files. libraries: their versions. usd_per_device_hour: an own price, None for the recorded.
    margin: an own one, None for the study's.

    cells: the hash of each cell's seal, "" without one, by the cell's folder in the study. files: SHA-256, by path in the
    report.
    """

    code: str
    libraries: Mapping[str, str]
    figures: bool
    usd_per_device_hour: float | None
    margin: float | None
    cells: Mapping[str, str]
    files: Mapping[str, str]

    @property
    def same_code(self) -> bool:
        return self.code == code_hash()

    @property
    def same_libraries(self) -> bool:
        return dict(self.libraries) == library_versions()


def write_made(study: Path, root: Path, price: Price | None, *, draw: bool, margin: float | None = None) -> Path:
    """root: the report's folder, with all other files in place. price, margin: own ones, or None."""
    made = Made(
        code=code_hash(),
        libraries=library_versions(),
        figures=draw,
        usd_per_device_hour=price.per_device_hour_usd if price else None,
        margin=margin,
        cells=cell_seals(study),
        files=file_hashes(root),
    )
    body = json.dumps(asdict(made), indent=1)
    path = root / FILE
    path.write_text(json.dumps({"made": asdict(made), "sha256": _hash(body.encode())}, indent=1) + "\n", encoding="utf-8")
    return path


def read_made(root: Path) -> Made | None:
    """None where there is none. ValueError for a file that was changed since it was written."""
    path = root / FILE
    if not path.is_file():
        return None
    try:
        raw: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        made = Made(**raw["made"])
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"a file that can't be read ({error})") from error
    if json.dumps(raw, indent=1) + "\n" != path.read_text(encoding="utf-8"):
        raise ValueError("other text than was written")
    if raw.get("sha256") != _hash(json.dumps(raw["made"], indent=1).encode()):
        raise ValueError("other contents than were written")
    return made


def cell_seals(study: Path) -> dict[str, str]:
    return {cell.relative_to(study).as_posix(): digest(cell / HEADER_FILE) for cell in find_cells(study)}


def file_hashes(root: Path) -> dict[str, str]:
    """Of every file of a report but FILE."""
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {p.relative_to(root).as_posix(): _hash(p.read_bytes()) for p in files if p != root / FILE}


def code_hash() -> str:
    """Twelve hexadecimal digits over tuneoff's own files: a report made by other code may rightly differ."""
    found = hashlib.sha256()
    for path in sorted(p for p in _PACKAGE.rglob("*") if p.suffix in _CODE):
        found.update(path.relative_to(_PACKAGE).as_posix().encode() + b"\0" + _hash(path.read_bytes()).encode())
    return found.hexdigest()[:12]


def library_versions() -> dict[str, str]:
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
