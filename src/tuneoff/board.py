"""What the trials of one search share while it runs: the best score so far, and checkpoints in memory.

One Ray actor per search. A checkpoint that Ray Tune carries around is a reference of a few bytes; the state itself lies
here, in shared memory, and an exploit touches no disk.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection
from typing import Any

import ray


class Board:
    """Single-threaded, as Ray actors are: no call sees another one half done."""

    def __init__(self, best: float = -math.inf) -> None:
        self._best = best
        self._states: dict[int, tuple[str, Any]] = {}
        self._serials = itertools.count(1)

    def offer(self, score: float) -> bool:
        """Whether `score` is at least the best so far, which it then becomes."""
        if score < self._best:
            return False
        self._best = score
        return True

    def put(self, trial_id: str, state: Any) -> int:
        """Keeps the state and returns its serial number, by which it is asked for."""
        serial = next(self._serials)
        self._states[serial] = (trial_id, state)
        return serial

    def get(self, serial: int) -> tuple[str, Any]:
        """The writer and its state. KeyError if it was dropped: a bug, since `keep` spares all that can be asked for."""
        return self._states[serial]

    def keep(self, wanted: Collection[int], live: Collection[str]) -> int:
        """Drops each state that is neither wanted nor the newest of a live trial; returns how many are left."""
        newest = {trial_id: serial for serial, (trial_id, _) in sorted(self._states.items()) if trial_id in live}
        spared = {*wanted, *newest.values()}
        self._states = {serial: state for serial, state in self._states.items() if serial in spared}
        return len(self._states)


def create(best: float = -math.inf) -> Any:
    """The actor's handle. It takes no slot from the trials."""
    return ray.remote(num_cpus=0)(Board).remote(best)
