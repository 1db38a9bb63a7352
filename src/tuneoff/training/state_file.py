"""A trial's state as a file: safetensors, the numbers and a checksum in its metadata. Nothing in it is executed on loading."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

from tuneoff.errors import UserError
from tuneoff.training.protocol import State


class SnapshotError(UserError):
    """A snapshot that can't be read."""


def to_bytes(state: State) -> bytes:
    metadata = {"numbers": json.dumps(dict(state.numbers)), "progress": json.dumps([state.examples_seen, state.epoch])}
    metadata["crc32"] = _checksum(state.arrays, metadata)
    data: bytes = safetensors.numpy.save(dict(state.arrays), metadata=metadata)
    return data


def write(state: State, path: Path) -> int:
    """Writes the state, atomically: the file is whole or not there. Returns the bytes written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = to_bytes(state)
    temporary = path.with_suffix(".tmp")
    try:
        temporary.write_bytes(data)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    temporary.replace(path)
    return len(data)


def read(path: Path) -> State:
    """Returns the state in the file. Raises SnapshotError where the file is no snapshot, or not as it was written."""
    try:
        with safetensors.safe_open(path, framework="np") as file:
            metadata = file.metadata()
            examples_seen, epoch = json.loads(metadata["progress"])
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
            if metadata.get("crc32", known := _checksum(arrays, metadata)) != known:  # files from before it was added lack it
                raise ValueError("its checksum is wrong")
            return State(arrays=arrays, numbers=json.loads(metadata["numbers"]), examples_seen=examples_seen, epoch=epoch)
    except (OSError, KeyError, TypeError, ValueError, safetensors.SafetensorError) as error:
        raise SnapshotError(f"{path} is not a snapshot ({error}): delete it, and the trial starts over") from error


def is_whole(path: Path) -> bool:
    """Whether the file is a snapshot as it was written; False where it is cut off or changed. Raises OSError where it can't be
    read for now, which says nothing about it."""
    try:
        read(path)
    except SnapshotError as error:
        if isinstance(error.__cause__, OSError):
            raise error.__cause__ from error
        return False
    return True


def _checksum(arrays: Mapping[str, Any], metadata: Mapping[str, str]) -> str:
    """Of the arrays in the order of their names, the numbers and the progress."""
    found = zlib.crc32(f"{metadata['numbers']}{metadata['progress']}".encode())
    for name in sorted(arrays):
        found = zlib.crc32(np.ascontiguousarray(arrays[name]).reshape(-1).view(np.uint8).data, zlib.crc32(name.encode(), found))
    return f"{found:08x}"
