"""Keys stay in the environment: no address with a password is taken as a setting."""

from __future__ import annotations

from urllib.parse import urlsplit

from tuneoff.trackers.contracts import TrackerError


def must_hold_no_password(setting: str, uri: str, remedy: str) -> None:
    """Raises TrackerError where an address holds a password; the message does not repeat it."""
    parts = urlsplit(uri)
    if parts.username is not None or parts.password is not None:
        raise TrackerError(
            f"{setting} holds a user's name or password, but settings are recorded: leave them out of the address, and {remedy}"
        )
