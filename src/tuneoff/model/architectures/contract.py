"""The contract of an architecture, and the places in a module at which dropout acts."""

from __future__ import annotations

import re
from abc import ABC
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import nn

from tuneoff.model.config import ModelConfig
from tuneoff.model.encoder import Encoder
from tuneoff.model.settings import ModelError


class Rate(Protocol):
    """A dropout rate that a forward pass reads: an nn.Dropout's, or a number that a module holds."""

    p: float


@dataclass(frozen=True, kw_only=True)
class Dropouts:
    """The dropout rates of a module, by the hyperparameter that sets them."""

    hidden: tuple[Rate, ...]
    attention: tuple[Rate, ...]


@dataclass(frozen=True, kw_only=True)
class FastPass:
    """Two functions that a fast forward pass on a CPU needs. rates: gives paths and rates of all dropouts of a skeleton.
    encoder: gives the encoder over the layers of a module or skeleton, None where it can't compute a setting of the model."""

    rates: Callable[[ModelConfig], Mapping[str, float]]
    encoder: Callable[[nn.Module, ModelConfig], Encoder | None]


@dataclass(frozen=True)
class Architecture(ABC):
    """One of transformers' model types. A subclass registers with `plugins.register("architecture", MODEL_TYPE)`.

    word_rows: name of the parameter with a row a word. hidden, attention: paths of the dropout modules that act on hidden
    states and on attention's shares, `*` for a layer's number; a path that a setting of the model leaves out is no error, a
    dropout module without a path is. fast: None where transformers' own forward pass is always taken.
    """

    model_type: str
    word_rows: ClassVar[str]
    hidden: ClassVar[tuple[str, ...]]
    attention: ClassVar[tuple[str, ...]]
    fast: ClassVar[FastPass | None] = None

    def kept_rows(self, config: ModelConfig) -> NDArray[np.int64]:
        """Word rows that are never left out: all up to the padding's, since positions may start from its number."""
        return np.arange((config.pad_token_id or 0) + 1, dtype=np.int64)

    def longest(self, config: ModelConfig) -> int:
        """The most tokens of one input, special ones included."""
        return int(config.max_position_embeddings)

    def dropouts(self, module: nn.Module) -> Dropouts:
        """The dropouts of a module of transformers or a skeleton. Raises ModelError where one is at an unknown place."""
        hidden, attention = _at(module, self.hidden), _at(module, self.attention)
        for name, part in module.named_modules():
            if isinstance(part, nn.Dropout) and name not in hidden and name not in attention:
                raise ModelError(
                    f"this version of transformers has a dropout at {name!r} of {self.model_type} that tuneoff does not know: "
                    "install the versions of constraints.txt"
                )
        return Dropouts(hidden=tuple(hidden.values()), attention=tuple(attention.values()))


def _at(module: nn.Module, paths: tuple[str, ...]) -> dict[str, Rate]:
    """Dropout modules by their full names."""
    patterns = [re.compile(path.replace(".", r"\.").replace("*", r"\d+")) for path in paths]
    return {
        name: part
        for name, part in module.named_modules()
        if isinstance(part, nn.Dropout) and any(pattern.fullmatch(name) for pattern in patterns)
    }
