"""DeBERTa-v2 and v3 (He et al. 2021), which differ in pre-training only."""

from __future__ import annotations

from typing import ClassVar

from tuneoff.model.architectures.contract import Architecture
from tuneoff.plugins import register


@register("architecture", "deberta-v2")
class DebertaV2(Architecture):
    """Has attention of its own, with relative positions; transformers computes it without a fused kernel."""

    word_rows: ClassVar[str] = "deberta.embeddings.word_embeddings.weight"
    hidden: ClassVar[tuple[str, ...]] = (
        "deberta.embeddings.dropout",
        "deberta.encoder.layer.*.attention.self.pos_dropout",
        "deberta.encoder.layer.*.attention.output.dropout",
        "deberta.encoder.layer.*.output.dropout",
        "deberta.encoder.conv.dropout",
        "pooler.dropout",
        "dropout",
    )
    attention: ClassVar[tuple[str, ...]] = ("deberta.encoder.layer.*.attention.self.dropout",)
