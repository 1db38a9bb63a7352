"""Colour and marker of an algorithm, the same everywhere; without matplotlib, which the tables do not need."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

_KNOWN: Mapping[str, str] = {
    "default": "#777777",
    "random": "#000000",
    "grid": "#0072B2",
    "bayesopt": "#E69F00",
    "hyperopt": "#009E73",
    "pbt": "#D55E00",
    "random_asha": "#56B4E9",
    "pbt_replay": "#CC79A7",
    "pbt_2020": "#882255",
}
"""Okabe and Ito's palette (2008), which colour-blind readers tell apart, without its yellow; the last is Paul Tol's."""
_OTHERS = ("#332288", "#117733", "#AA4499", "#88CCEE", "#999933", "#661100", "#6699CC", "#44AA99")
_MARKERS = "osD^vP"


def _digest(algorithm: str) -> int:
    return int.from_bytes(hashlib.sha256(algorithm.encode()).digest()[:4], "big")


def colour(algorithm: str) -> str:
    """The same in every figure and study, whatever else is in it: a function of the name alone."""
    return _KNOWN.get(algorithm) or _OTHERS[_digest(algorithm) % len(_OTHERS)]


def marker(algorithm: str) -> str:
    """A second channel beside colour, also a function of the name alone."""
    position = list(_KNOWN).index(algorithm) if algorithm in _KNOWN else _digest(algorithm) // len(_OTHERS)
    return _MARKERS[position % len(_MARKERS)]
