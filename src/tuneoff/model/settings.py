"""The settings of a model (`conf/model/*.yaml`) and the rules about them. Does not import torch."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tuneoff.errors import UserError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class ModelError(UserError):
    """A model that can't be had or is unfit; the message names the remedy."""


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """name: how results call it. source: micro, minilm, a local folder, or a hub id. num_layers cuts the encoder."""

    name: str
    source: str
    num_layers: int | None
    max_length: int

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise ModelError(
                f"model.name is {self.name!r}, but it becomes a folder's name: use letters, digits, '.', '_' and '-'"
            )
        if not isinstance(self.source, str) or not self.source:
            raise ModelError(f"model.source is {self.source!r}, but it must be micro, minilm, a folder or a hub id")
        for name, low in (("num_layers", 1), ("max_length", 8)):
            value = getattr(self, name)
            if name == "num_layers" and value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int) or value < low:
                raise ModelError(f"model.{name} is {value!r}, but it must be a whole number of at least {low}")
