"""The settings of a model (`conf/model/*.yaml`) and the rules about them. Does not import torch."""

from __future__ import annotations

from dataclasses import dataclass

from tuneoff.errors import UserError, check_name, check_text, check_whole


class ModelError(UserError):
    """A model that can't be loaded or is unfit; the message names the remedy."""


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """name: the model's name in results. source: micro, minilm, a local folder, or a hub id. num_layers cuts the encoder.
    adapter: lora to train an adapter and the head alone; None for the whole model."""

    name: str
    source: str
    num_layers: int | None
    max_length: int
    adapter: str | None = None

    def __post_init__(self) -> None:
        check_name("model.name", self.name, ModelError)
        check_text("model.source", self.source, "micro, minilm, a folder or a hub id", ModelError)
        if self.num_layers is not None:
            check_whole("model.num_layers", self.num_layers, 1, kind=ModelError, otherwise=", or null for all")
        check_whole("model.max_length", self.max_length, 8, kind=ModelError)
        if self.adapter not in (None, "lora"):
            raise ModelError(f"model.adapter is {self.adapter!r}, but it must be lora, or null to train the whole model")
