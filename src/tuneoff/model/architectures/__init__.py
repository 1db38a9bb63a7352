"""Architectures, one file each: where layers, dropouts and word rows are, and how padding is handled.

A file here registers for one or more of transformers' model types; a user's module can register more. A model type that
nobody registered for takes transformers' own forward pass untouched: no word row is left out and no dropout rate is set.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Collection
from importlib import import_module

from tuneoff import plugins
from tuneoff.model.architectures.contract import Architecture
from tuneoff.model.config import ModelConfig
from tuneoff.model.settings import ModelError

__all__ = ["Architecture", "architecture_names", "architecture_of", "check_hparams"]


def architecture_names() -> tuple[str, ...]:
    """The model types that are known, sorted."""
    for module in pkgutil.iter_modules(__path__):
        import_module(f"{__name__}.{module.name}")
    return plugins.names("architecture")


def architecture_of(config: ModelConfig) -> Architecture | None:
    """The architecture registered for the model type; None where there is none."""
    model_type = str(config.values.get("model_type"))
    if model_type not in architecture_names():
        return None
    found: Architecture = plugins.find("architecture", model_type)(model_type)
    return found


def check_hparams(config: ModelConfig, names: Collection[str]) -> None:
    """Raises ModelError where one of `names`, the hyperparameters that a search or a setting sets, can't be applied to the
    model."""
    architecture = architecture_of(config)
    for name, has in (
        ("hidden_dropout", architecture is not None and bool(architecture.hidden)),
        ("attention_dropout", architecture is not None and bool(architecture.attention)),
    ):
        if name in names and not has:
            raise ModelError(
                f"{name} is set, but it can't be applied to a {config.values.get('model_type')} model, whose dropouts are not "
                f"known here: give space.{name}=null hparams.{name}=null (the model's own), or choose a model of the "
                f"types {', '.join(architecture_names())}"
            )
