"""The checkpoints that Ray carries around: a folder with a number in it, which names a state on the shared-state actor."""

from __future__ import annotations

from pathlib import Path

REFERENCE_FILE = "state.ref"


def write_reference(folder: Path, serial: int) -> Path:
    """Makes a checkpoint folder that refers to the state with this serial number."""
    checkpoint = folder / str(serial)
    checkpoint.mkdir(parents=True, exist_ok=True)
    (checkpoint / REFERENCE_FILE).write_text(str(serial), encoding="ascii")
    return checkpoint


def read_reference(checkpoint: Path) -> int:
    """Serial number of the state that a checkpoint folder refers to."""
    return int((checkpoint / REFERENCE_FILE).read_text(encoding="ascii"))
