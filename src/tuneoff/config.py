"""From a composed configuration to frozen dataclasses: every rule that joins settings, and its error, in one place.

Rules about one part live with that part (task/settings.py, algorithms/, hparams.py, space.py, price.py).
"""

from __future__ import annotations

import difflib
import hashlib
import json
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from tuneoff import plugins
from tuneoff.algorithms.configuration import AlgorithmConfig
from tuneoff.algorithms.presentation import PRESENTATION_KEYS
from tuneoff.budget import Budget
from tuneoff.errors import (
    ConfigError,
    check_flag,
    check_mapping,
    check_name,
    check_number,
    check_one_of,
    check_text,
    check_whole,
    shown,
)
from tuneoff.hparams import NUM_EPOCHS, HParamError, HParamValue, Hyperparameter, Hyperparameters
from tuneoff.model.settings import ModelSettings
from tuneoff.price import Price, load_price, price_names
from tuneoff.seeds import derive
from tuneoff.space import Choice, Domain, Float, Int, SearchSpace, SpaceError
from tuneoff.task.settings import TaskSettings
from tuneoff.task.split import ProtocolSettings
from tuneoff.training.protocol import Engine, Request
from tuneoff.training.settings import TrainingSettings

NOT_IN_HASH = (
    *("results", "view", "retrain", "dry_run", "energy", "plugins"),
    *(f"algorithm.{key}" for key in PRESENTATION_KEYS),
)
"""Settings that don't define the search: they say where and how a run is shown, what is done besides, or where parts are
looked up (the parts' names are in the hash)."""
_MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
ENGINES = "tuneoff.training.engines"


@dataclass(frozen=True, kw_only=True)
class ResourceSettings:
    """Where trials run. `slots` is how many at once; null means as many as fit."""

    device: str
    cpus_per_trial: int
    gpus_per_trial: float
    slots: int | None
    address: str | None

    def __post_init__(self) -> None:
        check_one_of("resources.device", self.device, ("auto", "cpu", "cuda"))
        check_whole("resources.cpus_per_trial", self.cpus_per_trial, 1, 1024)
        if self.slots is not None:
            check_whole("resources.slots", self.slots, 1, 4096)
        rule = "from 0 to 1: a trial trains on one GPU, or on a fraction of one (0.25)"
        check_number("resources.gpus_per_trial", self.gpus_per_trial, rule, low=0, high=1)
        if self.address is not None:
            check_text("resources.address", self.address, "the address of a Ray cluster (host:port), or null for this machine")
        if self.device == "cuda" and self.gpus_per_trial == 0:
            raise ConfigError(
                "resources.gpus_per_trial is 0, but resources.device=cuda needs a share of a GPU for each "
                "trial: resources.gpus_per_trial=1, or a fraction to pack several trials on one"
            )


@dataclass(frozen=True, kw_only=True)
class EngineConfig:
    """The engine that trains the trials. settings: an instance of that engine's `Settings`."""

    name: str
    kind: type[Engine]
    settings: Any

    @classmethod
    def from_dict(cls, values: Any) -> EngineConfig:
        if not isinstance(values, Mapping) or not isinstance(values.get("name"), str):
            raise ConfigError(f"engine is {values!r}, but it must be a mapping with a name, as in engine={{name:finetune}}")
        kind: type[Engine] = plugins.find("engine", values["name"], ENGINES, setting="engine.name")
        knobs = {str(key): value for key, value in values.items() if key != "name"}
        names = [f.name for f in fields(kind.Settings)]
        for key in knobs:
            if key not in names:
                raise ConfigError(f"engine.{key} is not a setting of engine={values['name']}{_nearest(key, names)}")
        return cls(name=values["name"], kind=kind, settings=kind.Settings(**knobs))

    def make(self) -> Engine:
        return self.kind(self.settings)


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """One search: algorithm x task x model x repeat."""

    study: str
    results: Path
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
    budget: Budget | None
    retrain: int
    dry_run: bool
    energy: str | None
    view: str
    plugins: tuple[str, ...]
    """Modules that register parts of the user's own."""
    raw: Mapping[str, Any]
    """The composed configuration as plain data, for the run header."""

    def __post_init__(self) -> None:
        check_name("study", self.study)
        check_whole("repeat", self.repeat, 0, 100_000)
        check_whole("seed", self.seed, 0, 2**31)
        check_whole("retrain", self.retrain, 0, 1000)
        check_flag("dry_run", self.dry_run)
        if self.energy is not None and not re.fullmatch("[A-Z]{3}", str(self.energy)):
            raise ConfigError(
                f"energy is {self.energy!r}, but it must be a country's ISO code of three letters, such as "
                "USA, or null for no energy meter"
            )
        check_one_of("view", self.view, ("auto", "live", "lines", "quiet"))

    @property
    def cell(self) -> Path:
        """The cell's folder; absolute, since Ray's workers have their own working directory."""
        folder = f"{self.task.name}-{self.model.name}"
        return (self.results / self.study / folder / self.algorithm.name / f"repeat-{self.repeat}").resolve()

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
        )

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
        if f"{at}{key}" not in NOT_IN_HASH
    }


def from_plain(raw: Mapping[str, Any]) -> RunConfig:
    """Checks and freezes a composed configuration. Raises the UserError of the part that is wrong; unknown and missing keys
    are errors."""
    _exact_keys("", raw, [f.name for f in fields(RunConfig) if f.name != "raw"])
    modules = _module_names(raw["plugins"])
    plugins.load(modules)
    engine = EngineConfig.from_dict(raw["engine"])
    declared = engine.kind.hyperparameters
    return RunConfig(
        study=raw["study"],
        results=_results_folder(raw["results"]),
        repeat=raw["repeat"],
        seed=raw["seed"],
        task=TaskSettings.from_dict(raw["task"]),
        protocol=ProtocolSettings.from_dict(raw["protocol"]),
        model=_settings(ModelSettings, "model", raw),
        algorithm=AlgorithmConfig.from_dict(raw["algorithm"]),
        space=parse_space(raw["space"], declared),
        hparams=declared.complete(check_mapping("hparams", raw["hparams"], "hparams.num_epochs=3")),
        engine=engine,
        price=_listed(Price.from_dict(raw["price"])),
        training=_settings(TrainingSettings, "training", raw),
        resources=_settings(ResourceSettings, "resources", raw),
        budget=None if raw["budget"] is None else Budget.parse(raw["budget"]),
        retrain=raw["retrain"],
        dry_run=raw["dry_run"],
        energy=raw["energy"],
        view=raw["view"],
        plugins=modules,
        raw=raw,
    )


def _results_folder(value: Any) -> Path:
    """The results folder with ~ expanded. Raises ConfigError for an address on a network."""
    check_text("results", value, "a folder, such as results=results")
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", value):
        raise ConfigError(
            f"results is {value!r}, but it must be a folder of this machine's file system, where records can be locked and "
            "appended to: give a folder, and copy it afterwards"
        )
    try:
        return Path(value).expanduser()
    except RuntimeError as error:
        raise ConfigError(f"results is {value!r}, but there is no such user's home: give the folder's full path") from error


def _module_names(value: Any) -> tuple[str, ...]:
    """The names of modules; one alone may be given without brackets."""
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) and _MODULE.fullmatch(name) for name in names):
        raise ConfigError(
            f"plugins is {value!r}, but it must be a list of modules, such as plugins=[my_search] for my_search.py"
        )
    return tuple(names)


S = TypeVar("S", TrainingSettings, ResourceSettings, ModelSettings)


def _settings(cls: type[S], name: str, raw: Mapping[str, Any]) -> S:
    names = [f.name for f in fields(cls)]
    return cls(**_exact_keys(name, check_mapping(name, raw[name], f"{name}.{names[0]}=..."), names))


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


def parse_space(raw: Mapping[str, Any] | None, declared: Hyperparameters) -> SearchSpace:
    """`{name: {type: float|int|choice, ...}}`; every corner must be a value that the engine accepts."""
    domains: dict[str, Domain] = {}
    example = "space.learning_rate={type:float,low:1e-5,high:1e-4,log:true}"
    for name, settings in check_mapping("space", {} if raw is None else raw, example, SpaceError).items():
        if name not in declared:
            raise SpaceError(f"space.{name} is not a hyperparameter of the engine{_nearest(name, declared.names)}")
        if settings is not None:
            domains[name] = _parse_domain(f"space.{name}", settings)
            _must_fit(domains[name], declared[name])
    return SearchSpace(domains)


def _must_fit(domain: Domain, declared: Hyperparameter) -> None:
    """Raises SpaceError where the domain holds values that the hyperparameter, as its trainer declares it, does not take."""
    where = f"space.{declared.name}"
    if declared.choices and not isinstance(domain, Choice):
        raise SpaceError(f"{where} has numbers, but {declared.name} is text: give {where}={{type:choice,values:[...]}}")
    if declared.whole and isinstance(domain, Float):
        raise SpaceError(
            f"{where}.type is float, but {declared.name} is a whole number: give type:int, or type:choice with the values"
        )
    for value in domain.values if isinstance(domain, Choice) else (domain.low, domain.high):
        try:
            declared.check(value)
        except HParamError as error:
            raise SpaceError(f"{where} reaches a value that can't be trained with: {error}") from error


def _parse_domain(where: str, settings: Any) -> Domain:
    kinds: dict[str, tuple[type[Any], tuple[str, ...], tuple[str, ...]]] = {
        "float": (Float, ("low", "high"), ("log",)),
        "int": (Int, ("low", "high"), ("log",)),
        "choice": (Choice, ("values",), ()),
    }
    kind = settings.get("type") if isinstance(settings, Mapping) else settings
    if not isinstance(settings, Mapping) or not isinstance(kind, str) or kind not in kinds:
        raise SpaceError(
            f"{where}.type is {shown(kind)}, but it must be one of {', '.join(kinds)}, as in "
            f"{where}={{type:float,low:1e-5,high:1e-4,log:true}}"
        )
    cls, needed, optional = kinds[settings["type"]]
    values = {k: v for k, v in settings.items() if k != "type"}
    for key in needed:
        if values.get(key) is None:
            raise SpaceError(f"{where}.{key} is missing, but a {settings['type']} domain needs {' and '.join(needed)}")
    for key in values:
        if key not in needed + optional:
            raise SpaceError(
                f"{where}.{key} is not a setting of a {settings['type']} domain; there are type, {', '.join(needed + optional)}"
            )
    for key in ("low", "high"):
        if key in values:
            check_number(f"{where}.{key}", values[key], "a finite number", SpaceError)
    if "log" in values:
        check_flag(f"{where}.log", values["log"], SpaceError)
    if "values" in values:
        if not isinstance(values["values"], list):
            raise SpaceError(f"{where}.values is {values['values']!r}, but it must be a list, as in {where}.values=[16,32]")
        values["values"] = tuple(values["values"])
    try:
        domain: Domain = cls(**values)
    except SpaceError as error:
        raise SpaceError(f"{where}: {error}") from error
    return domain


def _exact_keys(where: str, given: Mapping[str, Any], names: list[str]) -> Mapping[str, Any]:
    prefix = f"{where}." if where else ""
    for key in given:
        if key not in names:
            raise ConfigError(f"{prefix}{key} is not a setting{_nearest(key, names)}")
    for name in names:
        if name not in given:
            raise ConfigError(f"{prefix}{name} is missing, but every run needs it; see conf/config.yaml")
    return given


def _nearest(key: str, names: tuple[str, ...] | list[str]) -> str:
    close = difflib.get_close_matches(key, names, n=1)
    return f": did you mean {close[0]}? There are {', '.join(names)}" if close else f": there are {', '.join(names)}"


def available_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
