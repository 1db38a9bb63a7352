"""The text of a file: where it is, and its characters, which are never guessed."""

from __future__ import annotations

import codecs
from pathlib import Path

from tuneoff.task.base import TaskError
from tuneoff.task.sources.columns import shown

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte-order marks other than UTF-8's. Those of UTF-32 come first: its little-endian one begins with UTF-16's."""
_LOOKED_AT_BYTES = 2000


def user_path(given: str, setting: str) -> Path:
    """A path as a person types it, with ~ expanded. Raises TaskError for the home of a user who has none."""
    try:
        return Path(given).expanduser()
    except RuntimeError as error:
        raise TaskError(f"{setting} is {given!r}, but that home folder is not known: give an absolute path") from error


def find_file(path: Path, setting: str) -> Path:
    """Raises TaskError, naming what is there instead, where there is no such file."""
    try:
        if path.is_file():
            return path
        problem = _neighbours(path)
    except (OSError, ValueError) as error:  # a name that is too long, or has a NUL
        reason = error.strerror if isinstance(error, OSError) else error
        raise TaskError(f"{setting} is {shown(str(path))}, but that can't be a path ({reason}): give another") from error
    raise TaskError(f"{setting} is {str(path)!r}, but there is no such file: {problem}")


def read_text(path: Path, setting: str) -> str:
    """UTF-8, with or without a byte-order mark, or UTF-16 or UTF-32 with one. Line ends are kept as they are."""
    try:
        data = find_file(path, setting).read_bytes()
    except OSError as error:
        raise TaskError(
            f"{setting} is {str(path)!r}, but it can't be read ({error.strerror}): check its permissions"
        ) from error
    return _decode(path, data)


def _decode(path: Path, data: bytes) -> str:
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), None)
    if encoding is not None:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError as error:
            raise TaskError(
                f"{path} begins with {encoding.upper()}'s mark but is not {encoding.upper()}: save it as UTF-8"
            ) from error
    if data[:_LOOKED_AT_BYTES].count(0) > len(data[:_LOOKED_AT_BYTES]) // 5:
        raise TaskError(f"{path} is not text in UTF-8 (every other byte is 0, as in UTF-16): save the file as UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise TaskError(
            f"{path}, line {line}, is not UTF-8 (byte 0x{data[error.start]:02x}): save the file as UTF-8, "
            "for example with iconv -f WINDOWS-1252 -t UTF-8"
        ) from error


def split_lines(text: str) -> list[str]:
    """Splits at line feeds, with or without a carriage return; at carriage returns alone in a file without line feeds.

    Not str.splitlines(): that also breaks at U+2028, U+0085 and the like, which may stand inside a sentence.
    """
    if "\n" not in text:
        return text.split("\r")
    return [line.removesuffix("\r") for line in text.split("\n")]


def _neighbours(path: Path) -> str:
    folder = path.parent
    if path.is_dir():
        return "it is a folder, give the path of one file in it"
    if not folder.is_dir():
        return f"its folder {folder.absolute()} does not exist either, give an absolute path"
    names = sorted(p.name for p in folder.iterdir() if p.is_file())
    listed = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    return f"give one that exists ({folder.absolute()} has {listed or 'no files'})"
