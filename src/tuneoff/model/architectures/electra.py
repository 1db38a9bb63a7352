"""ELECTRA (Clark et al. 2020): the discriminator."""

from __future__ import annotations

from typing import ClassVar

from tuneoff.model.architectures.contract import Architecture
from tuneoff.plugins import register


@register("architecture", "electra")
class Electra(Architecture):
    """BERT's layers, under embeddings that may be narrower."""

    word_rows: ClassVar[str] = "electra.embeddings.word_embeddings.weight"
    hidden: ClassVar[tuple[str, ...]] = (
        "electra.embeddings.dropout",
        "electra.encoder.layer.*.attention.output.dropout",
        "electra.encoder.layer.*.output.dropout",
        "classifier.dropout",
    )
    attention: ClassVar[tuple[str, ...]] = ("electra.encoder.layer.*.attention.self.dropout",)
