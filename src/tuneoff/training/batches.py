"""Batches from ragged token arrays: one fixed order of examples per (seed, epoch), cut anywhere.

The order depends on the seed and the epoch alone. A batch is a slice of it, so training can stop after any number of
examples and go on with another batch size at the very next example.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tuneoff.model.batch import Batch, Encoded

BLOCK = 16
"""Examples of like length that stay together; a larger batch is several blocks. See docs/decisions/like-lengths.md."""
WINDOW = 64 * BLOCK
"""Lengths are sorted within windows of this many shuffled examples."""


@dataclass(frozen=True, kw_only=True)
class Slice:
    """rows: (examples,), indices on the device. longest, tokens: of these examples, known without asking the device."""

    rows: torch.Tensor
    longest: int
    tokens: int


class DeviceSplit:
    """A split's arrays on the training device, and its lengths on the host, so that no batch waits for the device."""

    def __init__(self, encoded: Encoded, device: torch.device) -> None:
        self.lengths: NDArray[np.int64] = np.diff(encoded.offsets)
        self.labels: NDArray[Any] = np.asarray(encoded.labels)
        """On the host, shape (n,), or (n, labels) of 0 and 1."""
        self.device = device
        self._starts = torch.tensor(encoded.offsets[:-1], device=device)
        self._lengths = torch.tensor(self.lengths, device=device)
        self._labels = torch.tensor(self.labels, dtype=_dtype(self.labels), device=device)
        self._input_ids = torch.tensor(encoded.input_ids, dtype=torch.int32, device=device)
        self._token_type_ids = torch.tensor(encoded.token_type_ids, dtype=torch.int32, device=device)

    def __len__(self) -> int:
        return len(self.lengths)

    def slices(self, order: NDArray[np.int64], batch_size: int) -> Iterator[Slice]:
        """Slices of `order`; the last one may be shorter."""
        rows = torch.as_tensor(order, device=self.device)
        for start in range(0, len(order), batch_size):
            lengths = self.lengths[order[start : start + batch_size]]
            yield Slice(rows=rows[start : start + batch_size], longest=int(lengths.max()), tokens=int(lengths.sum()))

    def batches(self, order: NDArray[np.int64], batch_size: int) -> Iterator[Batch]:
        """The slices of `order`, each padded to its longest example."""
        for piece in self.slices(order, batch_size):
            yield self.gather(piece.rows, piece.longest)

    def gather(self, rows: torch.Tensor, length: int) -> Batch:
        """Examples padded to `length` tokens. Never asks the device, so it can be part of a CUDA graph."""
        columns = torch.arange(length, device=self.device)
        mask = columns < self._lengths[rows].unsqueeze(1)
        where = (self._starts[rows].unsqueeze(1) + columns).masked_fill_(~mask, 0)
        return Batch(
            input_ids=self._input_ids[where].masked_fill_(~mask, 0).long(),
            token_type_ids=self._token_type_ids[where].masked_fill_(~mask, 0).long(),
            attention_mask=mask.long(),
            labels=self._labels[rows],
        )


def _dtype(labels: NDArray[Any]) -> torch.dtype:
    """Classes are indices; numbers are compared with outputs, which are float32."""
    return torch.long if labels.dtype.kind == "i" else torch.float32


def epoch_order(lengths: NDArray[np.int64], seed: int, epoch: int, bucket: bool = True) -> NDArray[np.int64]:
    """The order of all examples in one epoch, shape (n,).

    Shuffled; with `bucket`, sorted by length within windows of `WINDOW` shuffled examples, cut into blocks of `BLOCK`,
    and the blocks shuffled, so that a batch is made of blocks of like lengths (group-by-length of transformers, with
    an order that does not depend on the batch size).
    """
    rng = np.random.default_rng([seed, epoch])
    order = rng.permutation(len(lengths))
    if not bucket:
        return order
    blocks: list[NDArray[np.int64]] = []
    for start in range(0, len(order), WINDOW):
        window = order[start : start + WINDOW]
        window = window[np.argsort(lengths[window], kind="stable")]
        cuts = np.arange(BLOCK, len(window), BLOCK)
        blocks.extend(rng.permutation(block) for block in np.split(window, cuts))
    return np.concatenate([blocks[i] for i in rng.permutation(len(blocks))])


def by_length(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """The order for evaluation: longest first, so that memory peaks at once and padding is least."""
    return np.argsort(-lengths, kind="stable")
