"""The state in which earlier sessions left a search, as far as its trials, its budget and its records go on from it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A trial's state on disk.

    trial_id, evaluation: whose state it is. clock: evaluations behind it. name: of its file when it was recorded. file: to
    read it from.
    """

    trial_id: str
    evaluation: int
    clock: int
    name: str
    file: str


@dataclass(frozen=True, kw_only=True)
class UnfinishedTrial:
    """hparams: under which it goes on. epochs_trained: that a reserved budget need not hold again. newest: the state from
    which it goes on, None from scratch. compared: the state that others copy from it. waits: for the rest of a population.
    last_turn: the number of its last evaluation among those of all trials, from 1; 0 where it has none."""

    name: str
    hparams: Mapping[str, Any]
    epochs_trained: float = 0.0
    newest: Snapshot | None = None
    compared: Snapshot | None = None
    waits: bool = False
    last_turn: int = 0


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """Left by earlier sessions. All empty for a search that begins.

    evaluations: how many each trial has. unfinished: in order of their numbers.
    """

    sessions: int = 0
    elapsed_seconds: float = 0.0
    best: float = -math.inf
    epochs_spent: float = 0.0
    evaluations: Mapping[str, int] = field(default_factory=dict)
    started: frozenset[str] = frozenset()
    ended: frozenset[str] = frozenset()
    unfinished: tuple[UnfinishedTrial, ...] = ()

    @property
    def snapshots(self) -> dict[str, str]:
        """The file from which each unfinished trial goes on, where it has one."""
        return {trial.name: trial.newest.file for trial in self.unfinished if trial.newest is not None}
