"""MPNet (Song et al. 2020)."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tuneoff.model.architectures.contract import Architecture
from tuneoff.model.config import ModelConfig
from tuneoff.plugins import register

PADDING = 1
"""The row of the padding, whatever the configuration says: positions start one above it."""


@register("architecture", "mpnet")
class MPNet(Architecture):
    """Positions as in RoBERTa, absolute and relative."""

    word_rows: ClassVar[str] = "mpnet.embeddings.word_embeddings.weight"
    hidden: ClassVar[tuple[str, ...]] = (
        "mpnet.embeddings.dropout",
        "mpnet.encoder.layer.*.attention.dropout",
        "mpnet.encoder.layer.*.output.dropout",
        "classifier.dropout",
    )
    attention: ClassVar[tuple[str, ...]] = ("mpnet.encoder.layer.*.attention.attn.dropout",)

    def kept_rows(self, config: ModelConfig) -> NDArray[np.int64]:
        return np.arange(max(PADDING, config.pad_token_id) + 1, dtype=np.int64)

    def longest(self, config: ModelConfig) -> int:
        return int(config.max_position_embeddings) - PADDING - 1
