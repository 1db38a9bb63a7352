"""The place elsewhere: its files, read and written as wholes through pyarrow's file systems."""

from __future__ import annotations

import io
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tuneoff.errors import UserError, first_line
from tuneoff.records.remote.address import checked_address, without_password
from tuneoff.redaction import redacted

_CHUNK = 8 << 20
_WHOLE = 64 << 20
"""Files up to so many bytes are written by one call: whoever is interrupted leaves all of it or nothing. What is larger are
weights, which carry a checksum."""
_CREDENTIALS = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile or role; AWS_REGION",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS",
    "gcs": "GOOGLE_APPLICATION_CREDENTIALS",
    "abfs": "AZURE_STORAGE_ACCOUNT and its key, or a login",
    "abfss": "AZURE_STORAGE_ACCOUNT and its key, or a login",
    "file": "",
}


class RemoteError(UserError):
    """Results elsewhere that can't be reached, or that another machine is at work on."""


@dataclass(frozen=True)
class Stamp:
    """A file's version: its size in bytes and the time of its last change in ns."""

    size: int
    time: int

    @classmethod
    def of(cls, path: Path) -> Stamp | None:
        """A file of this machine; None where there is none."""
        try:
            status = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return cls(status.st_size, status.st_mtime_ns)


class Place:
    """A folder elsewhere. Raises RemoteError wherever it can't be reached. Paths are relative to it, with "/"."""

    def __init__(self, address: str) -> None:
        from pyarrow import fs

        self.address = checked_address(address)
        self.name = without_password(self.address)
        self._scheme = self.address.partition(":")[0]
        with self._reached():
            self._fs, root = fs.FileSystem.from_uri(self.address)
            self._root = root.rstrip("/")
            if self._scheme != "file" and self._kind(self._root.split("/")[0]) == fs.FileType.NotFound:
                raise RemoteError(
                    f"results is {self.name!r}, but there is no bucket {self._root.split('/')[0]!r}, or these credentials "
                    f"({_CREDENTIALS[self._scheme]}) don't see it: make it first, or give another address"
                )

    def files(self, below: str = "") -> dict[str, Stamp]:
        """The files in a folder and below it, by path from the root. {} where there is none. Raises RemoteError where a path
        leads elsewhere: the place can be written to by others."""
        from pyarrow import fs

        with self._reached():
            selector = fs.FileSelector(self._path(below), recursive=True, allow_not_found=True)
            found = [info for info in self._fs.get_file_info(selector) if info.type == fs.FileType.File]
        start = len(self._root) + 1
        made = {info.path[start:]: Stamp(int(info.size), int(info.mtime_ns or 0)) for info in found}
        for path in made:
            if any(part in ("", ".", "..") for part in path.split("/")) or "\0" in path or "\\" in path:
                raise RemoteError(f"{self.name} holds {path!r}, which leads out of the results: tuneoff writes no such file")
        return made

    def stamp(self, path: str) -> Stamp | None:
        """None where there is no such file."""
        from pyarrow import fs

        with self._reached():
            (info,) = self._fs.get_file_info([self._path(path)])
        return Stamp(int(info.size), int(info.mtime_ns or 0)) if info.type == fs.FileType.File else None

    def read(self, path: str) -> bytes | None:
        """None where there is no such file."""
        try:
            with self._reached(), self._fs.open_input_stream(self._path(path)) as stream:
                return bytes(stream.read())
        except FileNotFoundError:
            return None

    def fetch(self, path: str, to: Path) -> bool:
        """Copies a file here, as a whole or not at all; False where there is none any more."""
        to.parent.mkdir(parents=True, exist_ok=True)
        part = to.with_name(f".{to.name}.part")
        try:
            with self._reached():
                stream = self._fs.open_input_stream(self._path(path))
        except FileNotFoundError:
            return False
        try:
            with stream, part.open("wb") as file:
                while chunk := self._chunk(stream):
                    file.write(chunk)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        part.replace(to)
        return True

    def _chunk(self, stream: Any) -> bytes:
        with self._reached():
            return bytes(stream.read(_CHUNK))

    def send(self, path: str, content: Path | bytes) -> Stamp:
        """Writes a file there; returns its version. FileNotFoundError where there is none here."""
        if isinstance(content, Path) and content.stat().st_size <= _WHOLE:
            content = content.read_bytes()
        with nullcontext(io.BytesIO(content)) if isinstance(content, bytes) else content.open("rb") as file:
            return self._send(path, file)

    def _send(self, path: str, file: IO[bytes]) -> Stamp:
        where = self._path(path)
        local = self._fs.type_name == "local"  # makes no folders by itself, and shows a file while it is written
        written = f"{where.rpartition('/')[0]}/.{uuid.uuid4().hex}.part" if local else where
        with self._reached(missing=True):
            if local:
                self._fs.create_dir(where.rpartition("/")[0], recursive=True)
            with self._fs.open_output_stream(written) as stream:
                while chunk := file.read(_WHOLE):
                    stream.write(chunk)
            if local:
                self._fs.move(written, where)
        made = self.stamp(path)
        if made is None:
            raise RemoteError(f"{self.name}: {path} was written and is not there")
        return made

    def delete(self, path: str) -> None:
        try:
            with self._reached():
                self._fs.delete_file(self._path(path))
        except FileNotFoundError:
            pass

    def _kind(self, path: str) -> Any:
        return self._fs.get_file_info([path])[0].type

    def _path(self, path: str) -> str:
        return f"{self._root}/{path}" if path else self._root

    @contextmanager
    def _reached(self, *, missing: bool = False) -> Iterator[None]:
        """Turns an error of the place into a RemoteError; one of this machine's files stays what it is. missing: that
        nothing is there is an error too."""
        import pyarrow as pa

        try:
            yield
        except FileNotFoundError as error:
            if not missing:
                raise
            raise RemoteError(
                f"results is {self.name!r}, but it can't be made ({first_line(error)[:300]}): make the folder, or give another"
            ) from error
        except (OSError, ValueError, NotImplementedError, pa.ArrowException) as error:
            if isinstance(error, UserError) or getattr(error, "filename", None) is not None:
                raise
            credentials = _CREDENTIALS[self._scheme]
            hint = f", the credentials ({credentials})" if credentials else ""
            raise RemoteError(
                f"results is {self.name!r}, but it can't be read or written ({redacted(first_line(error))[:300]}): check the "
                f"address{hint} and the network, or give a folder of this machine"
            ) from error
