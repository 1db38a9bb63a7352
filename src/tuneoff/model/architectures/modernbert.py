"""ModernBERT (Warner et al. 2024)."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import nn

from tuneoff.model.architectures.contract import Architecture, Dropouts
from tuneoff.model.config import ModelConfig
from tuneoff.plugins import register


class _Shares:
    """The rate of attention's shares, which the module holds as a number."""

    def __init__(self, attention: Any) -> None:
        self.attention = attention

    @property
    def p(self) -> float:
        return float(self.attention.attention_dropout)

    @p.setter
    def p(self, rate: float) -> None:
        self.attention.attention_dropout = rate


@register("architecture", "modernbert")
class ModernBert(Architecture):
    """Rotary positions; most layers look at a window of neighbours.

    Its one rate `attention_dropout` is here two: hidden_dropout acts on what attention puts out, as in BERT, and
    attention_dropout on its shares.
    """

    word_rows: ClassVar[str] = "model.embeddings.tok_embeddings.weight"
    hidden: ClassVar[tuple[str, ...]] = (
        "model.embeddings.drop",
        "model.layers.*.attn.out_drop",
        "model.layers.*.mlp.drop",
        "drop",
    )
    attention: ClassVar[tuple[str, ...]] = ("model.layers.*.attn",)

    def kept_rows(self, config: ModelConfig) -> NDArray[np.int64]:
        """The padding's alone, one of the last: positions don't depend on it."""
        return np.array([config.pad_token_id], dtype=np.int64)

    def dropouts(self, module: nn.Module) -> Dropouts:
        """Puts dropout modules where transformers leaves them out because the configuration's rate is 0."""
        for attention in _attentions(module):
            if isinstance(attention.out_drop, nn.Identity):
                attention.out_drop = nn.Dropout(0.0)
        hidden = super().dropouts(module).hidden
        return Dropouts(hidden=hidden, attention=tuple(_Shares(attention) for attention in _attentions(module)))


def _attentions(module: Any) -> list[Any]:
    return [layer.attn for layer in module.model.layers]
