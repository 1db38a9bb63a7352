"""The forward pass of BERT-like encoders on a CPU, over layers that an architecture names, without work that adds nothing.

Same weights, same function of them, same dropout: in fp32 and evaluation mode the logits equal transformers' to 1e-5. What is
left out: - padding: rows of all linear layers are the real tokens; only attention sees a rectangle; - in the last layer
everything but the first token, which alone reaches the classifier; - torch's fused attention, several times slower on a CPU
than the four products that it is made of; - a random number generator call per element of dropout.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.functional import embedding, gelu, linear

from tuneoff.model.batch import Batch
from tuneoff.model.dropout import dropout
from tuneoff.model.packing import Packing


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One transformer block (post-norm). Dropout modules are only read for their rate."""

    query: nn.Linear
    key: nn.Linear
    value: nn.Linear
    out: nn.Linear
    attention_norm: nn.LayerNorm
    up: nn.Linear
    down: nn.Linear
    output_norm: nn.LayerNorm
    attention_dropout: nn.Dropout
    dropouts: tuple[nn.Dropout | None, nn.Dropout]
    """After attention (DistilBERT has none there) and after the feed-forward part."""


@dataclass(frozen=True, kw_only=True)
class Encoder:
    """A classifier on the first token of a stack of layers."""

    n_heads: int
    words: nn.Embedding
    positions: nn.Embedding
    types: nn.Embedding | None
    norm: nn.LayerNorm
    dropout: nn.Dropout
    layers: tuple[Layer, ...]
    pooler: nn.Linear
    pooler_activation: Callable[[torch.Tensor], torch.Tensor]
    head_dropout: nn.Dropout
    classifier: nn.Linear

    def logits(self, batch: Batch, *, training: bool, bf16: bool) -> torch.Tensor:
        """Shape (examples, n_outputs), float32. bf16: the products alone; sums, softmax and LayerNorm stay in fp32."""
        run = _Pass(
            packing=Packing.of(batch.attention_mask),
            n_heads=self.n_heads,
            training=training,
            dtype=torch.bfloat16 if bf16 else torch.float32,
            bias=_bias(batch.attention_mask, self.n_heads, bf16),
        )
        x = self._embed(batch, run)
        for layer in self.layers[:-1]:
            x = run.block(layer, x, x)
        x = run.block(self.layers[-1], x, x[run.packing.first])
        pooled = self.pooler_activation(self.pooler(x))
        logits: torch.Tensor = self.classifier(run.dropout(pooled, self.head_dropout))
        return logits

    def _embed(self, batch: Batch, run: _Pass) -> torch.Tensor:
        """Shape (tokens, width)."""
        x = embedding(run.packing.pack_ids(batch.input_ids), self.words.weight, self.words.padding_idx)
        x = x + embedding(run.packing.columns, self.positions.weight)
        if self.types is not None:
            x = x + embedding(run.packing.pack_ids(batch.token_type_ids), self.types.weight)
        return run.dropout(self.norm(x), self.dropout)


@dataclass(frozen=True, kw_only=True)
class _Pass:
    """The values that all layers of one forward pass use. bias: (examples x heads, 1, longest), added to attention's scores."""

    packing: Packing
    n_heads: int
    training: bool
    dtype: torch.dtype
    bias: torch.Tensor

    def block(self, layer: Layer, x: torch.Tensor, asking: torch.Tensor) -> torch.Tensor:
        """x: (tokens, width). asking: the rows whose output is wanted, x itself or the first of each example."""
        hidden = linear(self.attend(layer, x, asking), *self.cast(layer.out))
        x = layer.attention_norm(self.dropout(hidden, layer.dropouts[0]).float() + asking)
        hidden = linear(gelu(linear(x.to(self.dtype), *self.cast(layer.up))), *self.cast(layer.down))
        result: torch.Tensor = layer.output_norm(self.dropout(hidden, layer.dropouts[1]).float() + x)
        return result

    def attend(self, layer: Layer, x: torch.Tensor, asking: torch.Tensor) -> torch.Tensor:
        """Attention of the rows that ask over the tokens of their example; shape (rows that ask, width)."""
        packing, rows = self.packing, x.to(self.dtype)
        if asking is x:
            query, key, value = packing.unpack(linear(rows, *self.cast(layer.query, layer.key, layer.value)), 3, self.n_heads)
        else:
            key, value = packing.unpack(linear(rows, *self.cast(layer.key, layer.value)), 2, self.n_heads)
            query = linear(asking.to(self.dtype), *self.cast(layer.query)).view(key.shape[0], 1, key.shape[2])
        scores = torch.baddbmm(self.bias, query, key.transpose(1, 2), alpha=key.shape[2] ** -0.5)
        shares = torch.softmax(scores, -1, dtype=torch.float32).to(self.dtype)
        context = torch.bmm(self.dropout(shares, layer.attention_dropout), value)
        return packing.pack(context, self.n_heads) if asking is x else context.view(len(asking), -1)

    def dropout(self, x: torch.Tensor, module: nn.Dropout | None) -> torch.Tensor:
        return dropout(x, module.p) if self.training and module is not None else x

    def cast(self, *layers: nn.Linear) -> tuple[torch.Tensor, torch.Tensor]:
        """Weights and biases of layers that read the same rows, one below the other, in the dtype of products."""
        weights, biases = [layer.weight.to(self.dtype) for layer in layers], [layer.bias.to(self.dtype) for layer in layers]
        return (weights[0], biases[0]) if len(layers) == 1 else (torch.cat(weights), torch.cat(biases))


def _bias(mask: torch.Tensor, n_heads: int, bf16: bool) -> torch.Tensor:
    """The most negative number at padding, 0 elsewhere."""
    dtype = torch.bfloat16 if bf16 else torch.float32
    bias = torch.zeros(mask.shape, dtype=dtype).masked_fill_(mask == 0, torch.finfo(dtype).min)
    return bias.repeat_interleave(n_heads, 0).unsqueeze(1)
