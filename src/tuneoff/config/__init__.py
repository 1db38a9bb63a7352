"""The configuration of one search, frozen and checked: every rule that joins settings, and its error.

Rules about one part live with that part (task/settings.py, algorithms/, hparams.py, space.py, price.py); `config.reading` makes
one from what Hydra composed.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuneoff.algorithms.configuration import AlgorithmConfig
from tuneoff.budget import Budget
from tuneoff.config.engine import EngineConfig
from tuneoff.config.hashed import hashed_settings
from tuneoff.config.parts import UNTIL_DECIDED, DecideSettings, RecordSettings, ResourceSettings
from tuneoff.errors import ConfigError, check_flag, check_name, check_number, check_one_of, check_whole
from tuneoff.hparams import NUM_EPOCHS, HParamValue
from tuneoff.model.settings import ModelSettings
from tuneoff.price import Price
from tuneoff.records.remote.address import without_password
from tuneoff.seeds import derive
from tuneoff.space import Choice, SearchSpace
from tuneoff.task.settings import TaskSettings
from tuneoff.task.split import ProtocolSettings
from tuneoff.training.protocol import Request
from tuneoff.training.settings import TrainingSettings

WINNER = "winner"


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """One search: algorithm x task x model x repeat."""

    study: str
    results: Path
    """The folder of this machine that is worked on."""
    elsewhere: str | None
    """The address of which `results` is the working copy, with a password where it has one."""
    repeat: int
    seed: int
    task: TaskSettings
    protocol: ProtocolSettings
    model: ModelSettings
    algorithm: AlgorithmConfig
    space: SearchSpace
    hparams: Mapping[str, HParamValue]
    """A value for each hyperparameter that the engine declares; in force where the space does not set it."""
    price: Price
    engine: EngineConfig
    training: TrainingSettings
    resources: ResourceSettings
    record: RecordSettings
    until: str | None
    decide: DecideSettings
    budget: Budget | None
    retrain: int
    audit: float
    """The share of stopped trials that go on to their end after the search."""
    keep: str | None
    """"winner": its model is left in the cell's folder."""
    dry_run: bool
    at_once: int
    energy: str | None
    view: str
    plugins: tuple[str, ...]
    """Modules that register parts of the user's own."""
    tracker: Mapping[str, Mapping[str, Any]]
    """Settings by the tracker's name; trackers/settings.py checks them."""
    raw: Mapping[str, Any]
    """The composed configuration as plain data, for the run header: without secrets, which the other fields have."""

    def __post_init__(self) -> None:
        check_name("study", self.study)
        check_whole("repeat", self.repeat, 0, 100_000)
        check_whole("seed", self.seed, 0, 2**31)
        check_whole("retrain", self.retrain, 0, 1000)
        check_number("audit", self.audit, "a share of the stopped trials, from 0 to 1, as in audit=0.2", low=0, high=1)
        if self.keep not in (None, WINNER):
            raise ConfigError(f"keep is {self.keep!r}, but it must be {WINNER}, or null for no model")
        if self.price.machines is not None and self.resources.address is None:
            raise ConfigError(
                f"price.machines is {dict(self.price.machines)}, but resources.address is null, and this machine has one "
                "price: give price=NAME or price.per_device_hour_usd"
            )
        check_flag("dry_run", self.dry_run)
        check_whole("at_once", self.at_once, 1, 1024)
        if self.energy is not None and not re.fullmatch("[A-Z]{3}", str(self.energy)):
            raise ConfigError(
                f"energy is {self.energy!r}, but it must be a country's ISO code of three letters, such as "
                "USA, or null for no energy meter"
            )
        if self.until is not None:
            check_one_of("until", self.until, (UNTIL_DECIDED,))
        check_one_of("view", self.view, ("auto", "live", "lines", "quiet"))
        if self.record.test_rows is not None and not self.algorithm.searcher.kind.recording:
            raise ConfigError(
                f"record.test_rows is {self.record.test_rows}, but algorithm={self.algorithm.name} makes no recording, and a "
                "search is judged on all test rows: leave it out, or give algorithm=record"
            )

    @property
    def cell(self) -> Path:
        """The cell's folder; absolute, since Ray's workers have their own working directory."""
        folder = f"{self.task.name}-{self.model.name}"
        return (self.results / self.study / folder / self.algorithm.name / f"repeat-{self.repeat}").resolve()

    @property
    def cell_shown(self) -> str:
        """The cell's folder for a message: where the user has it."""
        parts = self.cell.parts[-4:]
        return (
            str(self.cell) if self.elsewhere is None else "/".join([without_password(self.elsewhere).partition("?")[0], *parts])
        )

    @property
    def hash(self) -> str:
        """The first 12 hexadecimal digits of SHA-256 over the configuration without the settings of NOT_IN_HASH."""
        return hashlib.sha256(json.dumps(hashed_settings(self.raw), sort_keys=True).encode()).hexdigest()[:12]

    def request(self, device: str = "") -> Request:
        """The request of this search to its engine. device: cpu or cuda, "" where it is not known yet."""
        return Request(
            task=self.task,
            protocol=self.protocol,
            model=self.model,
            training=self.training,
            hparams=self.hparams,
            space=self.space,
            seeds=derive(self.seed, self.repeat),
            device=device,
            test_rows=self.record.test_rows,
        )

    @property
    def tests_every_evaluation(self) -> bool:
        """Whether test is scored come what may, rather than for incumbents."""
        return self.protocol.rules.tests_every_evaluation or self.algorithm.searcher.kind.recording

    @property
    def max_epochs(self) -> int:
        """The most epochs that a trial can have."""
        domain = self.space.domains.get(NUM_EPOCHS)
        if isinstance(domain, Choice):
            return max(int(v) for v in domain.values if v is not None)
        return math.floor(domain.high) if domain else self.epochs_of({})

    def epochs_of(self, point: Mapping[str, Any]) -> int:
        """The length of a trial with these hyperparameters, in epochs."""
        return int(point.get(NUM_EPOCHS, self.hparams[NUM_EPOCHS]))
