"""The real tokens of a batch in one row of memory, so that nothing but attention spends time on padding. CPU only.

Their number is padded to one of few sizes: oneDNN prepares each bf16 product for its exact shape and keeps the last 1,024.
With a new number of tokens in every batch, a small model spends a third of its time on preparing products.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True, kw_only=True)
class Packing:
    """Where each token of a padded rectangle (examples, longest) lies among the packed ones, and back.

    tokens: how many are real; `rows` of them are packed, the last ones copies of the first that nothing reads.
    real: (rows,) places in the rectangle. slots: (examples x longest,) rows of the packed tokens; padding points at
    row 0, and attention gives it no weight. columns: (rows,) positions. first: (examples,) rows of first tokens.
    """

    examples: int
    longest: int
    tokens: int
    real: torch.Tensor
    slots: torch.Tensor
    columns: torch.Tensor
    first: torch.Tensor

    @classmethod
    def of(cls, mask: torch.Tensor) -> Packing:
        """mask: (examples, longest), 1 where a token is real; the first of each example is."""
        examples, longest = mask.shape
        flat = mask.reshape(-1)
        real = flat.nonzero().squeeze(1)
        tokens = len(real)
        real = torch.nn.functional.pad(real, (0, padded(tokens) - tokens))
        slots = (flat.cumsum(0) - 1).mul_(flat)
        return cls(
            examples=examples,
            longest=longest,
            tokens=tokens,
            real=real,
            slots=slots,
            columns=real % longest,
            first=slots[::longest],
        )

    def pack_ids(self, ids: torch.Tensor) -> torch.Tensor:
        """(examples, longest) -> (rows,)."""
        return ids.reshape(-1)[self.real]

    def unpack(self, rows: torch.Tensor, parts: int, n_heads: int) -> tuple[torch.Tensor, ...]:
        """(rows, parts x width) -> `parts` tensors (examples x heads, longest, width of a head)."""
        padded: torch.Tensor = _Unpack.apply(rows, self.slots, self.real, self.tokens)  # type: ignore[no-untyped-call]
        heads = padded.view(self.examples, self.longest, parts, n_heads, -1).permute(2, 0, 3, 1, 4).contiguous()
        return heads.view(parts, self.examples * n_heads, self.longest, -1).unbind(0)

    def pack(self, heads: torch.Tensor, n_heads: int) -> torch.Tensor:
        """(examples x heads, longest, width of a head) -> (rows, width)."""
        split = heads.view(self.examples, n_heads, self.longest, -1).transpose(1, 2)
        rows = split.reshape(self.examples * self.longest, -1)
        packed: torch.Tensor = _Pack.apply(rows, self.real, self.tokens)  # type: ignore[no-untyped-call]
        return packed


def padded(tokens: int) -> int:
    """The next multiple of 16, or of a 64th to a 32nd of `tokens` where that is more."""
    unit = max(16, (1 << tokens.bit_length()) // 64)
    return -(-tokens // unit) * unit


class _Unpack(torch.autograd.Function):
    """Backward by reading too: index_select's own adds row by row."""

    @staticmethod
    def forward(ctx: Any, rows: torch.Tensor, slots: torch.Tensor, real: torch.Tensor, tokens: int) -> torch.Tensor:
        ctx.save_for_backward(real)
        ctx.tokens = tokens
        return rows.index_select(0, slots)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        """Padding passes no gradient on: attention gives that of the rectangle no weight, and the copies are not read."""
        (real,) = ctx.saved_tensors
        gradient = gradients[0].index_select(0, real)
        gradient[ctx.tokens :] = 0
        return gradient, None, None, None


class _Pack(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: torch.Tensor, real: torch.Tensor, tokens: int) -> torch.Tensor:
        ctx.save_for_backward(real[:tokens])
        ctx.shape = rows.shape
        return rows.index_select(0, real)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        (real,) = ctx.saved_tensors
        return gradients[0].new_zeros(ctx.shape).index_copy_(0, real, gradients[0][: len(real)]), None, None
