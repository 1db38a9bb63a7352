"""BERT (Devlin et al. 2019), and MiniLM, which is one."""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from tuneoff.model.architectures.contract import Architecture, FastPass
from tuneoff.model.config import ModelConfig
from tuneoff.model.encoder import Encoder, Layer
from tuneoff.plugins import register


def _rates(config: ModelConfig) -> dict[str, float]:
    hidden, head = config.hidden_dropout_prob, config.values.get("classifier_dropout")
    rates = {"bert.embeddings.dropout": hidden, "dropout": hidden if head is None else head}
    for number in range(config.num_hidden_layers):
        layer = f"bert.encoder.layer.{number}"
        rates |= {
            f"{layer}.attention.self.dropout": config.attention_probs_dropout_prob,
            f"{layer}.attention.output.dropout": hidden,
            f"{layer}.output.dropout": hidden,
        }
    return rates


def _encoder(model: Any, config: ModelConfig) -> Encoder | None:
    if config.hidden_act != "gelu" or config.is_decoder:
        return None
    embeddings = model.bert.embeddings
    return Encoder(
        n_heads=config.num_attention_heads,
        words=embeddings.word_embeddings,
        positions=embeddings.position_embeddings,
        types=embeddings.token_type_embeddings,
        norm=embeddings.LayerNorm,
        dropout=embeddings.dropout,
        pooler=model.bert.pooler.dense,
        pooler_activation=torch.tanh,
        head_dropout=model.dropout,
        classifier=model.classifier,
        layers=tuple(
            Layer(
                query=layer.attention.self.query,
                key=layer.attention.self.key,
                value=layer.attention.self.value,
                out=layer.attention.output.dense,
                attention_norm=layer.attention.output.LayerNorm,
                up=layer.intermediate.dense,
                down=layer.output.dense,
                output_norm=layer.output.LayerNorm,
                attention_dropout=layer.attention.self.dropout,
                dropouts=(layer.attention.output.dropout, layer.output.dropout),
            )
            for layer in model.bert.encoder.layer
        ),
    )


@register("architecture", "bert")
class Bert(Architecture):
    """Has a fast CPU forward pass where the activation is gelu and it is no decoder."""

    word_rows: ClassVar[str] = "bert.embeddings.word_embeddings.weight"
    hidden: ClassVar[tuple[str, ...]] = (
        "bert.embeddings.dropout",
        "bert.encoder.layer.*.attention.output.dropout",
        "bert.encoder.layer.*.output.dropout",
        "dropout",
    )
    attention: ClassVar[tuple[str, ...]] = ("bert.encoder.layer.*.attention.self.dropout",)
    fast: ClassVar[FastPass | None] = FastPass(rates=_rates, encoder=_encoder)
