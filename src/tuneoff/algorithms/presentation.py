"""An algorithm's label, colour and role in reports, declared in its YAML.

They go into the run's header with the rest of the configuration, but not into its hash: they change no decision.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tuneoff.algorithms.settings import require

PRESENTATION_KEYS = ("label", "color", "role")
UNTUNED, RANDOM, SEARCH, RECORDING, REPLICA = "untuned", "random", "search", "recording", "replica of "
"""Roles. untuned: the baseline of tuning at all. random: independent draws, trained to the end; the baseline of searching
cleverly. search: any other. recording: a table for replays, in no table or verdict of the report. replica of NAME: algorithm
NAME with the defects of its published code."""
_FOLDER = Path(__file__).resolve().parents[1] / "conf" / "algorithm"
_DERIVED_COLORS = ("#332288", "#117733", "#AA4499", "#88CCEE", "#999933", "#661100", "#6699CC", "#44AA99")
"""Paul Tol's muted colours, for algorithms that declare none."""
_COLOR = re.compile(r"#[0-9A-Fa-f]{6}")


@dataclass(frozen=True, kw_only=True)
class Presentation:
    """label: as it is called in tables and figures, None for its name. color: "#rrggbb", None for one derived from the name."""

    label: str | None = None
    color: str | None = None
    role: str = SEARCH

    @property
    def replicated(self) -> str | None:
        """Name of the algorithm that this one is a replica of, or None."""
        return self.role.removeprefix(REPLICA).strip() if self.role.startswith(REPLICA) else None

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Presentation:
        """Reads PRESENTATION_KEYS of an algorithm's settings. Raises AlgorithmError for a value outside its rule."""
        label, color, role = (values.get(key) for key in PRESENTATION_KEYS)
        role = SEARCH if role is None else role
        require(label is None or (isinstance(label, str) and label.strip() != ""), "label", label, "a name to print")
        require(
            color is None or (isinstance(color, str) and _COLOR.fullmatch(color) is not None), "color", color, "like '#0072B2'"
        )
        known = isinstance(role, str) and (
            role in (UNTUNED, RANDOM, SEARCH, RECORDING) or role.removeprefix(REPLICA) not in ("", role)
        )
        require(known, "role", role, f"{UNTUNED}, {RANDOM}, {SEARCH}, {RECORDING} or '{REPLICA}NAME'")
        return cls(label=label, color=color, role=role)


@cache
def packaged_presentation(name: str) -> Presentation:
    """The presentation that our own YAML of this name declares, else the defaults: for headers written before they carried
    one."""
    path = _FOLDER / f"{name}.yaml"
    if re.fullmatch(r"\w+", name) is None or not path.is_file():
        return Presentation()
    return Presentation.from_dict(yaml.safe_load(path.read_text(encoding="utf-8")))


def derived_color(name: str) -> str:
    """The colour of an algorithm without one: a function of its name alone, so the same in every figure and study."""
    return _DERIVED_COLORS[name_digest(name) % len(_DERIVED_COLORS)]


def name_digest(name: str, first_byte: int = 0) -> int:
    """Four bytes of the name's SHA-256, as a number."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[first_byte : first_byte + 4], "big")
