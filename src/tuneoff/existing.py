"""What the results already hold of a search that is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tuneoff.config import RunConfig
from tuneoff.errors import StudyError
from tuneoff.storage import HEADER_FILE, RETRAIN_FILE, load_cell, read_header


def finished(config: RunConfig) -> bool:
    """Whether the cell is there and complete. StudyError where one of another configuration stands in its place."""
    cell = config.cell
    if not (cell / HEADER_FILE).exists():
        return False
    header = read_header(cell)
    if header.config_hash != config.hash:
        raise StudyError(
            f"study={config.study} already has {config.algorithm.name}, repeat {config.repeat}, under another "
            f"configuration ({_first_difference(header.config, config.raw)}), and results are never overwritten: give "
            f"study=NAME, or delete {cell}")
    return header.status == "finished" and _retrained(cell) >= config.retrain


def _retrained(cell: Path) -> int:
    return len(load_cell(cell, RETRAIN_FILE).trial_ends)


def _first_difference(old: Any, new: Any, where: str = "") -> str:
    """The first setting in which two configurations differ, for a message."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}, key=str):
            found = _first_difference(old.get(key), new.get(key), f"{where}.{key}" if where else str(key))
            if found and key not in ("results", "view"):
                return found
        return ""
    return "" if old == new else f"{where} was {old!r} and is {new!r}"
