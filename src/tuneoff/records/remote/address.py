"""Addresses of results that lie elsewhere, and the folder of this machine in which each is worked on."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from tuneoff.errors import ConfigError
from tuneoff.redaction import redacted
from tuneoff.redaction import without_password as without_user

SCHEMES = ("s3", "gs", "gcs", "abfs", "abfss", "file")
"""Those that pyarrow opens, and that write a file as a whole."""
ABOUT_FOLDER = ".in-step"
"""Of a working copy: what this machine knows about the place elsewhere. Never sent."""
ADDRESS_FILE = "address"
SERVERS = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3")
"""Variables that name another server, where the same address is another place."""
_AZURE_PASSWORD = re.compile(r"(abfss?://[^/?#:@]*):[^/?#@]*@")
CACHE = "TUNEOFF_CACHE"
_ADDRESS = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<place>[^?#]*)(?P<query>\?[^#]*)?")


def is_address(results: str) -> bool:
    return _ADDRESS.match(results) is not None


def checked_address(results: str, setting: str = "results") -> str:
    """The address without a slash at its end. Raises ConfigError where it can't be one of results."""
    found = _ADDRESS.fullmatch(results)
    place = found["place"].rstrip("/") if found else ""
    if found is None or found["scheme"].lower() not in SCHEMES or not place.strip("/") or "\0" in results:
        raise ConfigError(
            f"{setting} is {redacted(results)!r}, but it must be a folder, or an address such as s3://BUCKET/FOLDER, "
            f"gs://BUCKET/FOLDER or abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/FOLDER ({', '.join(SCHEMES)})"
        )
    if any(part in (".", "..") for part in place.split("/")):
        raise ConfigError(f"{setting} is {redacted(results)!r}, but an address has no '.' or '..': write it out")
    return f"{found['scheme'].lower()}://{place}{found['query'] or ''}"


def working_copy(address: str) -> Path:
    """The folder in which the results at a checked address are worked on: the same one for every command on this machine."""
    known = without_password(address)
    server = [os.environ.get(name, "") for name in SERVERS] if known.startswith("s3:") else []
    name = re.sub(r"[^A-Za-z0-9]+", "-", known.partition("?")[0].rpartition("/")[2]).strip("-") or "results"
    digest = hashlib.sha256(" ".join([known, *filter(None, server)]).encode()).hexdigest()
    return _cache() / "results" / f"{name}-{digest[:12]}"


def without_password(address: str) -> str:
    """The address without user and password; of Azure, where a container stands in a user's place, without a password."""
    return _AZURE_PASSWORD.sub(r"\1@", address) if address.startswith("abfs") else without_user(address)


def shown(results: Path) -> str:
    """The address of a working copy, without a password; any other folder as it is."""
    note = results / ABOUT_FOLDER / ADDRESS_FILE
    return note.read_text(encoding="utf-8").strip() if note.is_file() else str(results)


def _cache() -> Path:
    """Where working copies are: TUNEOFF_CACHE, else tuneoff in the user's folder for caches."""
    given = os.environ.get(CACHE)
    if given:
        return Path(given).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tuneoff"
