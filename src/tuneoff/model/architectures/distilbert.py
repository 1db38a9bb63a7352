"""DistilBERT (Sanh et al. 2019)."""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from tuneoff.model.architectures.contract import Architecture, FastPass
from tuneoff.model.config import ModelConfig
from tuneoff.model.encoder import Encoder, Layer
from tuneoff.plugins import register


def _rates(config: ModelConfig) -> dict[str, float]:
    rates = {"distilbert.embeddings.dropout": config.dropout, "dropout": config.seq_classif_dropout}
    for number in range(config.n_layers):
        layer = f"distilbert.transformer.layer.{number}"
        rates |= {f"{layer}.attention.dropout": config.attention_dropout, f"{layer}.ffn.dropout": config.dropout}
    return rates


def _encoder(model: Any, config: ModelConfig) -> Encoder | None:
    if config.activation != "gelu":
        return None
    embeddings = model.distilbert.embeddings
    return Encoder(
        n_heads=config.n_heads,
        words=embeddings.word_embeddings,
        positions=embeddings.position_embeddings,
        types=None,
        norm=embeddings.LayerNorm,
        dropout=embeddings.dropout,
        pooler=model.pre_classifier,
        pooler_activation=torch.relu,
        head_dropout=model.dropout,
        classifier=model.classifier,
        layers=tuple(
            Layer(
                query=layer.attention.q_lin,
                key=layer.attention.k_lin,
                value=layer.attention.v_lin,
                out=layer.attention.out_lin,
                attention_norm=layer.sa_layer_norm,
                up=layer.ffn.lin1,
                down=layer.ffn.lin2,
                output_norm=layer.output_layer_norm,
                attention_dropout=layer.attention.dropout,
                dropouts=(None, layer.ffn.dropout),
            )
            for layer in model.distilbert.transformer.layer
        ),
    )


@register("architecture", "distilbert")
class DistilBert(Architecture):
    """Has a fast CPU forward pass where the activation is gelu. No dropout after attention."""

    word_rows: ClassVar[str] = "distilbert.embeddings.word_embeddings.weight"
    hidden: ClassVar[tuple[str, ...]] = (
        "distilbert.embeddings.dropout",
        "distilbert.transformer.layer.*.ffn.dropout",
        "dropout",
    )
    attention: ClassVar[tuple[str, ...]] = ("distilbert.transformer.layer.*.attention.dropout",)
    fast: ClassVar[FastPass | None] = FastPass(rates=_rates, encoder=_encoder)
