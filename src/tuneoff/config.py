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

from tuneoff.algorithms.configuration import AlgorithmConfig
from tuneoff.budget import Budget
from tuneoff.errors import UserError
from tuneoff.hparams import NAMES, HParamError, HParams
from tuneoff.model.settings import ModelSettings
from tuneoff.price import Price, load_price, price_names
from tuneoff.space import Choice, Domain, Float, Int, SearchSpace, SpaceError, Value
from tuneoff.task.settings import TaskSettings
from tuneoff.task.split import ProtocolSettings

NOT_IN_HASH = ("results", "view", "retrain", "dry_run", "energy")
"""Settings that say where and how a run is shown, or what is done besides, not what the search is."""
_FOLDER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class ConfigError(UserError):
    """A setting that is unknown, missing or outside its rule."""


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """What is the same for every trial of every search. See conf/config.yaml for a line on each."""

    evaluations_per_epoch: int
    precision: str
    bucket_lengths: bool
    evaluation_batch_size: int
    cuda_graphs: str
    snapshot_seconds: float | None

    def __post_init__(self) -> None:
        _whole("training.evaluations_per_epoch", self.evaluations_per_epoch, 1, 1000)
        _one_of("training.precision", self.precision, ("auto", "fp32", "bf16"))
        _flag("training.bucket_lengths", self.bucket_lengths)
        _whole("training.evaluation_batch_size", self.evaluation_batch_size, 1, 4096)
        _one_of("training.cuda_graphs", self.cuda_graphs, ("auto", "off"))
        seconds = self.snapshot_seconds
        if seconds is not None and (isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds < 0):
            raise ConfigError(
                f"training.snapshot_seconds is {seconds!r}, but it must be a number of seconds >= 0 (0: "
                "after every evaluation), or null for no snapshots"
            )


@dataclass(frozen=True, kw_only=True)
class ResourceSettings:
    """Where trials run. `slots` is how many at once; null means as many as fit."""

    device: str
    cpus_per_trial: int
    gpus_per_trial: float
    slots: int | None
    address: str | None

    def __post_init__(self) -> None:
        _one_of("resources.device", self.device, ("auto", "cpu", "cuda"))
        _whole("resources.cpus_per_trial", self.cpus_per_trial, 1, 1024)
        if self.slots is not None:
            _whole("resources.slots", self.slots, 1, 4096)
        gpus = self.gpus_per_trial
        if isinstance(gpus, bool) or not isinstance(gpus, int | float) or gpus < 0 or (gpus > 1 and gpus != int(gpus)):
            raise ConfigError(
                f"resources.gpus_per_trial is {gpus!r}, but it must be a fraction of one GPU (0.25) or a whole number of GPUs"
            )
        if gpus > 1:
            raise ConfigError(f"resources.gpus_per_trial is {gpus}, but a trial trains on one GPU: it must be at most 1")
        if self.device == "cuda" and gpus == 0:
            raise ConfigError(
                "resources.gpus_per_trial is 0, but resources.device=cuda needs a share of a GPU for each "
                "trial: resources.gpus_per_trial=1, or a fraction to pack several trials on one"
            )


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
    hparams: HParams
    price: Price
    training: TrainingSettings
    resources: ResourceSettings
    budget: Budget | None
    retrain: int
    dry_run: bool
    energy: str | None
    view: str
    raw: Mapping[str, Any]
    """The composed configuration as plain data, for the run header."""

    def __post_init__(self) -> None:
        if not isinstance(self.study, str) or not _FOLDER_NAME.fullmatch(self.study):
            raise ConfigError(
                f"study is {self.study!r}, but it becomes a folder's name: use letters, digits, '.', '_' "
                "and '-', and begin with a letter or digit"
            )
        _whole("repeat", self.repeat, 0, 100_000)
        _whole("seed", self.seed, 0, 2**31)
        _whole("retrain", self.retrain, 0, 1000)
        _flag("dry_run", self.dry_run)
        if self.energy is not None and not re.fullmatch("[A-Z]{3}", str(self.energy)):
            raise ConfigError(
                f"energy is {self.energy!r}, but it must be a country's ISO code of three letters, such as "
                "USA, or null for no energy meter"
            )
        _one_of("view", self.view, ("auto", "live", "lines", "quiet"))

    @property
    def cell(self) -> Path:
        """Absolute: Ray's workers have their own working directory."""
        folder = f"{self.task.name}-{self.model.name}"
        return (self.results / self.study / folder / self.algorithm.name / f"repeat-{self.repeat}").resolve()

    @property
    def hash(self) -> str:
        """Of everything that makes the run what it is; 12 hexadecimal digits."""
        kept = {k: v for k, v in self.raw.items() if k not in NOT_IN_HASH}
        return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:12]

    @property
    def batch_sizes(self) -> tuple[int, ...]:
        """Those at which speed is measured: the fixed one, or the ends of its domain."""
        domain = self.space.domains.get("batch_size")
        if domain is None:
            return (self.hparams.batch_size,)
        if isinstance(domain, Choice):
            return tuple(sorted({int(min(domain.values)), int(max(domain.values))}))
        return int(domain.low), int(domain.high)

    @property
    def max_epochs(self) -> int:
        """The most epochs that a trial can have."""
        domain = self.space.domains.get("num_epochs")
        if isinstance(domain, Choice):
            return max(int(v) for v in domain.values)
        return math.floor(domain.high) if domain else self.hparams.num_epochs


def from_plain(raw: Mapping[str, Any]) -> RunConfig:
    """Raises a UserError of the part that is wrong; unknown and missing keys are errors."""
    _exact_keys("", raw, [f.name for f in fields(RunConfig) if f.name != "raw"])
    hparams = HParams.from_dict(raw["hparams"])
    return RunConfig(
        study=raw["study"],
        results=Path(raw["results"]),
        repeat=raw["repeat"],
        seed=raw["seed"],
        task=TaskSettings.from_dict(raw["task"]),
        protocol=ProtocolSettings.from_dict(raw["protocol"]),
        model=_settings(ModelSettings, "model", raw),
        algorithm=AlgorithmConfig.from_dict(raw["algorithm"]),
        space=parse_space(raw["space"], hparams),
        hparams=hparams,
        price=_listed(Price.from_dict(raw["price"])),
        training=_settings(TrainingSettings, "training", raw),
        resources=_settings(ResourceSettings, "resources", raw),
        budget=None if raw["budget"] is None else Budget.parse(raw["budget"]),
        retrain=raw["retrain"],
        dry_run=raw["dry_run"],
        energy=raw["energy"],
        view=raw["view"],
        raw=raw,
    )


S = TypeVar("S", TrainingSettings, ResourceSettings, ModelSettings)


def _settings(cls: type[S], name: str, raw: Mapping[str, Any]) -> S:
    return cls(**_exact_keys(name, raw[name], [f.name for f in fields(cls)]))


def _listed(price: Price) -> Price:
    """A listed price with its own figure: a changed one would carry a source that never said so."""
    if price.name == "custom" or price.name not in price_names():
        return price
    listed = load_price(price.name).per_device_hour_usd
    if price.per_device_hour_usd != listed:
        raise ConfigError(
            f"price.per_device_hour_usd is {price.per_device_hour_usd!r}, but price={price.name} is {listed:g}, "
            "with its source and date: for your own give price=custom price.per_device_hour_usd=..."
        )
    return price


def parse_space(raw: Mapping[str, Any] | None, hparams: HParams) -> SearchSpace:
    """`{name: {type: float|int|choice, ...}}`; every corner must be a value that the training function accepts."""
    domains: dict[str, Domain] = {}
    for name, settings in (raw or {}).items():
        if name not in NAMES:
            raise SpaceError(f"space.{name} is not a hyperparameter of the training function{_nearest(name, NAMES)}")
        if settings is None:
            continue
        domains[name] = _parse_domain(f"space.{name}", settings)
        for value in _extremes(domains[name]):
            try:
                hparams.replace({name: value})
            except HParamError as error:
                raise SpaceError(f"space.{name} reaches a value that can't be trained with: {error}") from error
    return SearchSpace(domains)


def _parse_domain(where: str, settings: Any) -> Domain:
    kinds: dict[str, tuple[type[Any], tuple[str, ...], tuple[str, ...]]] = {
        "float": (Float, ("low", "high"), ("log",)),
        "int": (Int, ("low", "high"), ("log",)),
        "choice": (Choice, ("values",), ()),
    }
    if not isinstance(settings, Mapping) or settings.get("type") not in kinds:
        kind = settings.get("type") if isinstance(settings, Mapping) else settings
        raise SpaceError(
            f"{where}.type is {kind!r}, but it must be one of {', '.join(kinds)}, as in "
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
        if key in values and (isinstance(values[key], bool) or not isinstance(values[key], int | float)):
            raise SpaceError(f"{where}.{key} is {values[key]!r}, but it must be a number")
    if "values" in values:
        if not isinstance(values["values"], list):
            raise SpaceError(f"{where}.values is {values['values']!r}, but it must be a list, as in {where}.values=[16,32]")
        values["values"] = tuple(values["values"])
    try:
        domain: Domain = cls(**values)
    except SpaceError as error:
        raise SpaceError(f"{where}: {error}") from error
    return domain


def _extremes(domain: Domain) -> list[Value]:
    return list(domain.values) if isinstance(domain, Choice) else [domain.low, domain.high]


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


def _whole(where: str, value: Any, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ConfigError(f"{where} is {value!r}, but it must be a whole number from {low} to {high}")


def _one_of(where: str, value: Any, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ConfigError(f"{where} is {value!r}, but it must be one of {', '.join(choices)}")


def _flag(where: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise ConfigError(f"{where} is {value!r}, but it must be true or false")


def available_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
