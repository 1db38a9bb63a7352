"""From a composed configuration to a RunConfig. Rules about one part live with that part, those that join parts with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from tuneoff import plugins
from tuneoff.algorithms.configuration import AlgorithmConfig
from tuneoff.budget import Budget
from tuneoff.config import RunConfig
from tuneoff.config.engine import EngineConfig
from tuneoff.config.parts import DecideSettings, RecordSettings, ResourceSettings, exact_keys, parse_space
from tuneoff.errors import ConfigError, check_mapping, check_text
from tuneoff.model.settings import ModelSettings
from tuneoff.price import Price, load_price, price_names
from tuneoff.records.remote.address import checked_address, is_address, working_copy
from tuneoff.redaction import redacted_settings
from tuneoff.task.settings import TaskSettings
from tuneoff.task.split import ProtocolSettings
from tuneoff.training.settings import TrainingSettings

_MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


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
