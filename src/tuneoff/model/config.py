"""A model's settings as plain values: reading them needs no transformers, whose import takes a worker seconds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ModelConfig:
    """values: what transformers' config.json holds, each also an attribute of this."""

    values: Mapping[str, Any]

    @classmethod
    def of(cls, config: Any) -> ModelConfig:
        """From a configuration of transformers. Some kinds store initializer_range under another name, but have it as an
        attribute."""
        return cls({"initializer_range": getattr(config, "initializer_range", 0.02), **config.to_dict()})

    def __getattr__(self, name: str) -> Any:
        values = self.__dict__.get("values", {})
        if name not in values:
            raise AttributeError(name)
        return values[name]

    def replaced(self, **changes: Any) -> ModelConfig:
        return ModelConfig({**self.values, **changes})

    def to_transformers(self) -> Any:
        """The configuration from which transformers builds the model."""
        from transformers import CONFIG_MAPPING

        return CONFIG_MAPPING[self.values["model_type"]].from_dict(dict(self.values))

    def to_json(self) -> str:
        return json.dumps(self.values, sort_keys=True, default=str)
