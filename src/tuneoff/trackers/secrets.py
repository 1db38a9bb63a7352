"""Keys stay in the environment: no address with a password is taken as a setting, no message repeats a key."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from tuneoff.trackers.contracts import TrackerError

_SECRET = re.compile(r"KEY|TOKEN|PASSWORD|SECRET|CREDENTIAL", re.IGNORECASE)
_SHORTEST = 6
"""Characters of a key; shorter values would blank out ordinary words."""
HIDDEN = "***"


def redacted(text: str, environment: Mapping[str, str] | None = None) -> str:
    """The text without the values of environment variables that look like keys, and without passwords in addresses."""
    for name, value in (os.environ if environment is None else environment).items():
        if _SECRET.search(name) and len(value) >= _SHORTEST:
            text = text.replace(value, HIDDEN)
    return re.sub(r"(://)[^/@\s]+@", rf"\1{HIDDEN}@", text)


def without_password(uri: str) -> str:
    """The address without user and password."""
    return re.sub(r"(://)[^/@\s]+@", r"\1", uri)


def must_hold_no_password(setting: str, uri: str, remedy: str) -> None:
    """Raises TrackerError where an address holds a password; the message does not repeat it."""
    parts = urlsplit(uri)
    if parts.username is not None or parts.password is not None:
        raise TrackerError(
            f"{setting} holds a user's name or password, but settings are recorded: leave them out of the address, and {remedy}"
        )
