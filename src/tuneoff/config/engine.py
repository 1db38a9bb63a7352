"""The engine that a configuration names, and its settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

from tuneoff import plugins
from tuneoff.config.parts import nearest_setting
from tuneoff.errors import ConfigError
from tuneoff.hparams import Hyperparameters
from tuneoff.training.protocol import Engine

ENGINES = "tuneoff.training.engines"


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
