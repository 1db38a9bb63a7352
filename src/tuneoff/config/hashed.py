"""What identifies a search among its settings: those that its hash is made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tuneoff.algorithms.presentation import PRESENTATION_KEYS

NOT_IN_HASH = (
    *("results", "view", "retrain", "audit", "dry_run", "energy", "plugins", "tracker", "keep", "until", "decide", "at_once"),
    "resources.hang_seconds",
    *(f"algorithm.{key}" for key in PRESENTATION_KEYS),
)
"""Settings that don't define the search: they say where and how a run is shown, what is done besides, who is shown it, or where
parts are looked up (the parts' names are in the hash)."""
ADDED = ("model.adapter", "price.machines", "task.regression")
"""Settings that came later, which are in the hash where they are not null: a search from before them has the same hash."""


def hashed_settings(raw: Mapping[str, Any], at: str = "") -> dict[str, Any]:
    """The composed configuration without the settings of NOT_IN_HASH."""
    return {
        key: hashed_settings(value, f"{at}{key}.") if isinstance(value, Mapping) else value
        for key, value in raw.items()
        if f"{at}{key}" not in NOT_IN_HASH and (value is not None or f"{at}{key}" not in ADDED)
    }
