"""ALBERT (Lan et al. 2020)."""

from __future__ import annotations

from typing import ClassVar

from tuneoff.model.architectures.contract import Architecture
from tuneoff.plugins import register

_LAYER = "albert.encoder.albert_layer_groups.*.albert_layers.*"


@register("architecture", "albert")
class Albert(Architecture):
    """Layers share their weights, so that few modules hold all dropouts."""

    word_rows: ClassVar[str] = "albert.embeddings.word_embeddings.weight"
    hidden: ClassVar[tuple[str, ...]] = (
        "albert.embeddings.dropout",
        f"{_LAYER}.attention.output_dropout",
        f"{_LAYER}.dropout",
        "dropout",
    )
    attention: ClassVar[tuple[str, ...]] = (f"{_LAYER}.attention.attention_dropout",)
