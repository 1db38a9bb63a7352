"""Text to token arrays, once per study. Knows no torch: the tokenizer is handed in."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuneoff.task.base import TaskError, TextSplit

BLOCK_ROWS = 4096
"""Rows per tokenizer call: bounds the memory that its Python objects take."""


@dataclass(frozen=True, kw_only=True)
class EncodedSplit:
    """Ragged arrays of n rows; row i has the tokens offsets[i]:offsets[i + 1]. Read-only, no padding.

    input_ids: int32 (tokens,). token_type_ids: int8 (tokens,), the segments that the tokenizer's own template gives,
    whether or not the model reads them. offsets: int64 (n + 1,). labels: int64 or float64 (n,), or int64 (n, labels).
    truncated_rows: how many rows lost tokens to max_length.
    """

    input_ids: NDArray[np.int32]
    token_type_ids: NDArray[np.int8]
    offsets: NDArray[np.int64]
    labels: NDArray[np.int64] | NDArray[np.float64]
    max_length: int
    truncated_rows: int

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens per row, special ones included; (n,)."""
        return np.diff(self.offsets)

    def take(self, rows: NDArray[np.int64]) -> EncodedSplit:
        """The split with these rows only, in this order. rows: (m,). truncated_rows stays that of the whole."""
        tokens = np.concatenate([np.arange(self.offsets[row], self.offsets[row + 1]) for row in rows])
        return replace(
            self,
            input_ids=self.input_ids[tokens],
            token_type_ids=self.token_type_ids[tokens],
            offsets=np.concatenate([[0], np.cumsum(self.lengths[rows])]).astype(np.int64),
            labels=self.labels[rows],
        )

    @property
    def content_hash(self) -> str:
        """SHA-256 over the four arrays; the same on every machine."""
        digest = hashlib.sha256()
        for array, kind in (
            (self.input_ids, "<i4"),
            (self.token_type_ids, "<i1"),
            (self.offsets, "<i8"),
            (self.labels, f"<{self.labels.dtype.kind}8"),
        ):
            digest.update(len(array).to_bytes(8, "little") + array.astype(kind).tobytes())
        return digest.hexdigest()


def encode(split: TextSplit, tokenizer: Any, max_length: int) -> EncodedSplit:
    """`tokenizer`: a fast tokenizer of transformers. Truncation takes from the longer text first.

    Raises TaskError for a max_length that the tokenizer or model can't have, or a tokenizer that is not a fast one.
    """
    _check(split, tokenizer, max_length)
    ids: list[NDArray[np.int32]] = []
    types: list[NDArray[np.int8]] = []
    truncated = 0
    for start in range(0, len(split), BLOCK_ROWS):
        stop = start + BLOCK_ROWS
        texts = [list(c[start:stop]) for c in (split.text_a, split.text_b) if c is not None]
        batch = tokenizer(
            *texts,
            truncation="longest_first",
            max_length=max_length,
            padding=False,
            return_attention_mask=False,
            return_token_type_ids=True,
        )
        ids += [np.array(row, dtype=np.int32) for row in batch["input_ids"]]
        types += [np.array(row, dtype=np.int8) for row in batch["token_type_ids"]]
        truncated += sum(bool(row.overflowing) for row in batch.encodings)
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in ids])]).astype(np.int64)
    arrays = (np.concatenate(ids), np.concatenate(types), offsets, split.label.copy())
    for array in arrays:
        array.setflags(write=False)
    return EncodedSplit(
        input_ids=arrays[0],
        token_type_ids=arrays[1],
        offsets=offsets,
        labels=arrays[3],
        max_length=max_length,
        truncated_rows=truncated,
    )


def _check(split: TextSplit, tokenizer: Any, max_length: int) -> None:
    if not len(split):
        raise TaskError("a split without rows can't be encoded: ask for more rows")
    if not getattr(tokenizer, "is_fast", False):
        raise TaskError(
            f"{type(tokenizer).__name__} is not a fast tokenizer, but encoding needs one: use a model "
            "that comes with a tokenizer.json"
        )
    pair = split.text_b is not None
    low, high = tokenizer.num_special_tokens_to_add(pair=pair) + 1 + pair, tokenizer.model_max_length
    if isinstance(max_length, bool) or not isinstance(max_length, int) or not low <= max_length <= high:
        raise TaskError(
            f"max_length is {max_length!r}, but it must be a whole number from {low} to {high} (the "
            "longest input that the model takes)"
        )
