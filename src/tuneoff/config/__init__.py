"""From a composed configuration to frozen dataclasses: every rule that joins settings, and its error, in one place.

Rules about one part live with that part (task/settings.py, algorithms/, hparams.py, space.py, price.py).
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from tuneoff import plugins
from tuneoff.algorithms.configuration import AlgorithmConfig
from tuneoff.algorithms.presentation import PRESENTATION_KEYS
from tuneoff.budget import Budget
from tuneoff.config.parts import (
    UNTIL_DECIDED,
    DecideSettings,
    RecordSettings,
    ResourceSettings,
    exact_keys,
    nearest_setting,
    parse_space,
)
from tuneoff.errors import (
    ConfigError,
    check_flag,
    check_mapping,
    check_name,
    check_number,
    check_one_of,
    check_text,
    check_whole,
)
from tuneoff.hparams import NUM_EPOCHS, HParamValue, Hyperparameters
from tuneoff.model.settings import ModelSettings
from tuneoff.price import Price, load_price, price_names
from tuneoff.records.remote.address import checked_address, is_address, without_password, working_copy
from tuneoff.redaction import redacted_settings
from tuneoff.seeds import derive
from tuneoff.space import Choice, SearchSpace
from tuneoff.task.settings import TaskSettings
from tuneoff.task.split import ProtocolSettings
from tuneoff.training.protocol import Engine, Request
from tuneoff.training.settings import TrainingSettings

NOT_IN_HASH = (
    *("results", "view", "retrain", "audit", "dry_run", "energy", "plugins", "tracker", "keep", "until", "decide", "at_once"),
    "resources.hang_seconds",
    *(f"algorithm.{key}" for key in PRESENTATION_KEYS),
)
"""Settings that don't define the search: they say where and how a run is shown, what is done besides, who is shown it, or where
parts are looked up (the parts' names are in the hash)."""
ADDED = ("model.adapter", "price.machines", "task.regression")
"""Settings that came later, which are in the hash where they are not null: a search from before them has the same hash."""
_MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
ENGINES = "tuneoff.training.engines"
WINNER = "winner"


@dataclass(frozen=True, kw_only=True)
class EngineConfig:
    """The engine that trains the trials. settings: an instance of that engine's `Settings`. adapter: see ModelSettings."""

    name: str
    kind: type[Engine]
    settings: Any
    adapter: str | None = None

    @classmethod
    def from_dict(cls, values: Any, adapter: str | None = None) -> EngineConfig:
        if not isinstance(values, Mapping) or not isinstance(values.get("name"), str):
            raise ConfigError(f"engine is {values!r}, but it must be a mapping with a name, as in engine={{name:finetune}}")
        kind: type[Engine] = plugins.find("engine", values["name"], ENGINES, setting="engine.name")
        knobs = {str(key): value for key, value in values.items() if key != "name"}
        names = [f.name for f in fields(kind.Settings)]
        for key in knobs:
            if key not in names:
                raise ConfigError(f"engine.{key} is not a setting of engine={values['name']}{nearest_setting(key, names)}")
        return cls(name=values["name"], kind=kind, settings=kind.Settings(**knobs), adapter=adapter)

    @cached_property
    def declared(self) -> Hyperparameters:
        return self.kind.declared_for(self.settings, self.adapter)

    def make(self) -> Engine:
        return self.kind(self.settings)


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


def hashed_settings(raw: Mapping[str, Any], at: str = "") -> dict[str, Any]:
    """The composed configuration without the settings of NOT_IN_HASH."""
    return {
        key: hashed_settings(value, f"{at}{key}.") if isinstance(value, Mapping) else value
        for key, value in raw.items()
        if f"{at}{key}" not in NOT_IN_HASH and (value is not None or f"{at}{key}" not in ADDED)
    }


def from_plain(raw: Mapping[str, Any]) -> RunConfig:
    """Checks and freezes a composed configuration. Raises the UserError of the part that is wrong; unknown and missing keys
    are errors."""
    exact_keys("", raw, [f.name for f in fields(RunConfig) if f.name not in ("raw", "elsewhere")])
    modules = _module_names(raw["plugins"])
    plugins.load(modules)
    model = _settings(ModelSettings, "model", raw)
    engine = EngineConfig.from_dict(raw["engine"], model.adapter)
    space = parse_space(raw["space"], engine.declared)
    hparams = check_mapping("hparams", raw["hparams"], "hparams.num_epochs=3")
    return RunConfig(
        study=raw["study"],
        results=_results_folder(raw["results"]),
        elsewhere=checked_address(raw["results"]) if is_address(raw["results"]) else None,
        repeat=raw["repeat"],
        seed=raw["seed"],
        task=TaskSettings.from_dict(raw["task"]),
        protocol=ProtocolSettings.from_dict(raw["protocol"]),
        model=model,
        algorithm=AlgorithmConfig.from_dict(raw["algorithm"]),
        space=space,
        hparams=engine.declared.complete(hparams, space.domains),
        engine=engine,
        price=_listed(Price.from_dict(raw["price"])),
        training=_settings(TrainingSettings, "training", raw),
        resources=_settings(ResourceSettings, "resources", raw),
        record=_settings(RecordSettings, "record", raw),
        until=raw["until"],
        decide=_settings(DecideSettings, "decide", raw),
        budget=None if raw["budget"] is None else Budget.parse(raw["budget"]),
        retrain=raw["retrain"],
        audit=raw["audit"],
        keep=raw["keep"],
        dry_run=raw["dry_run"],
        at_once=raw["at_once"],
        energy=raw["energy"],
        view=raw["view"],
        plugins=modules,
        tracker=check_mapping("tracker", raw["tracker"], "tracker=tensorboard"),
        raw=redacted_settings(raw),
    )


def _results_folder(value: Any) -> Path:
    """The results folder with ~ expanded; of an address its working copy."""
    check_text("results", value, "a folder, such as results=results, or an address, such as results=s3://BUCKET/FOLDER")
    if is_address(value):
        return working_copy(checked_address(value))
    try:
        folder = Path(value).expanduser()
    except RuntimeError as error:
        raise ConfigError(f"results is {value!r}, but there is no such user's home: give the folder's full path") from error
    if "\0" in value:
        raise ConfigError(f"results is {value!r}, but a path has no zero character: leave it out")
    return folder


def _module_names(value: Any) -> tuple[str, ...]:
    """The names of modules; one alone may be given without brackets."""
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) and _MODULE.fullmatch(name) for name in names):
        raise ConfigError(
            f"plugins is {value!r}, but it must be a list of modules, such as plugins=[my_search] for my_search.py"
        )
    return tuple(names)


S = TypeVar("S", TrainingSettings, ResourceSettings, RecordSettings, DecideSettings, ModelSettings)


def _settings(cls: type[S], name: str, raw: Mapping[str, Any]) -> S:
    names = [f.name for f in fields(cls)]
    return cls(**exact_keys(name, check_mapping(name, raw[name], f"{name}.{names[0]}=..."), names))


def _listed(price: Price) -> Price:
    """Returns the price. Raises ConfigError where a listed price has another figure than its source gives."""
    if price.name == "custom" or price.name not in price_names():
        return price
    listed = load_price(price.name).per_device_hour_usd
    if price.per_device_hour_usd != listed:
        raise ConfigError(
            f"price.per_device_hour_usd is {price.per_device_hour_usd!r}, but price={price.name} is {listed:g}, "
            "with its source and date: for your own give price=custom price.per_device_hour_usd=..."
        )
    return price
