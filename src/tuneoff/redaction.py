"""Secrets are hidden where something is written down: in records, in what is printed, in what trackers are told."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "***"
_WORDS = r"secret|password|passwd|passphrase|credentials?|token|(?:api|access|secret|private|account|auth|session)[_-]?key"
_SECRET_NAME = re.compile(rf"(?:.*[._-])?\w*(?:{_WORDS})", re.IGNORECASE | re.DOTALL)
_WORD_OF_TEXT = re.compile(
    r"(?:.*[._-])?(?:pad|eos|bos|sep|cls|unk|mask|start|end|special|max|min|per|num|next|new)_token", re.I | re.S
)
"""Names of tokens that are words of a text."""
_IN_ENVIRONMENT = re.compile(r"(?:KEY|TOKEN|PASSWORD|PASSWD|PASSPHRASE|PASS|SECRET|CREDENTIAL)S?(?:_|$)", re.IGNORECASE)
_SHORTEST = 6
"""Characters of a secret in the environment; shorter values would blank out ordinary words."""
_IN_ADDRESS = re.compile(r"((?<!abfs)(?<!abfss)://)[^/?#\s]+@")
_IN_AZURE_ADDRESS = re.compile(r"(abfss?://[^/?#\s:@]*:)[^/?#\s@]*@")
"""There a container stands in a user's place."""
_ASSIGNED = re.compile(
    rf"""(?P<name>[\w.-]*(?:{_WORDS}))                                     # task.token
        (?P<sign>=|:(?=\S)|['"]\s*:\s*|\ is\ (?=['"]))                     # =, :, ': or what a message says
        (?!['"]?\$\{{)                                                     # a reference hides its value itself
        (?:'[^']*'|"[^"]*"|[^\s,;&'"\}}\])]+)""",
    re.IGNORECASE | re.VERBOSE,
)


def names_a_secret(name: str) -> bool:
    """Whether a setting of this name holds a secret: it ends in token, password, api_key or the like."""
    return _SECRET_NAME.fullmatch(name) is not None and _WORD_OF_TEXT.fullmatch(name) is None


def variable_holds_a_secret(name: str) -> bool:
    """Whether an environment variable of this name looks like a key."""
    return _IN_ENVIRONMENT.search(name) is not None


def redacted(text: str, environment: Mapping[str, str] | None = None) -> str:
    """The text without the values of environment variables that look like keys, without user and password in addresses, and
    without the values of settings that name a secret."""
    for name, value in (os.environ if environment is None else environment).items():
        if variable_holds_a_secret(name) and len(value) >= _SHORTEST:
            text = text.replace(value, HIDDEN)
    return _ASSIGNED.sub(_hidden, _IN_AZURE_ADDRESS.sub(rf"\1{HIDDEN}@", _IN_ADDRESS.sub(rf"\1{HIDDEN}@", text)))


def redacted_settings(values: Any, *, secret: bool = False) -> Any:
    """Plain data with every text redacted, and with HIDDEN for the values of names that say secret. secret: of such a name."""
    if isinstance(values, Mapping):
        return {name: redacted_settings(value, secret=secret or names_a_secret(str(name))) for name, value in values.items()}
    if isinstance(values, list | tuple):
        return [redacted_settings(value, secret=secret) for value in values]
    if secret and values not in (None, "", True, False):
        return HIDDEN
    return redacted(values) if isinstance(values, str) else values


def without_password(uri: str) -> str:
    """The address without user and password."""
    return _IN_ADDRESS.sub(r"\1", uri)


def _hidden(found: re.Match[str]) -> str:
    return f"{found['name']}{found['sign']}{HIDDEN}" if names_a_secret(found["name"]) else found[0]
