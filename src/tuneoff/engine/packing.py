"""The real tokens of a batch in one row of memory, so that nothing but attention spends time on padding. CPU only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True, kw_only=True)
class Packing:
    """Where each token of a padded rectangle (examples, longest) lies among the real ones, and back.

    real: (tokens,) places in the rectangle. slots: (examples x longest,) rows of the packed tokens; padding points at
    row 0, and attention gives it no weight. columns: (tokens,) positions. first: (examples,) rows of first tokens.
    """

    examples: int
    longest: int
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
        slots = (flat.cumsum(0) - 1).mul_(flat)
        return cls(examples=examples, longest=longest, real=real, slots=slots, columns=real % longest,
                   first=slots[::longest])

    def pack_ids(self, ids: torch.Tensor) -> torch.Tensor:
        """(examples, longest) -> (tokens,)."""
        return ids.reshape(-1)[self.real]

    def unpack(self, rows: torch.Tensor, parts: int, n_heads: int) -> tuple[torch.Tensor, ...]:
        """(tokens, parts x width) -> `parts` tensors (examples x heads, longest, width of a head)."""
        padded: torch.Tensor = _Unpack.apply(rows, self.slots, self.real)  # type: ignore[no-untyped-call]
        heads = padded.view(self.examples, self.longest, parts, n_heads, -1).permute(2, 0, 3, 1, 4).contiguous()
        return heads.view(parts, self.examples * n_heads, self.longest, -1).unbind(0)

    def pack(self, heads: torch.Tensor, n_heads: int) -> torch.Tensor:
        """(examples x heads, longest, width of a head) -> (tokens, width)."""
        split = heads.view(self.examples, n_heads, self.longest, -1).transpose(1, 2)
        rows = split.reshape(self.examples * self.longest, -1)
        packed: torch.Tensor = _Pack.apply(rows, self.real)  # type: ignore[no-untyped-call]
        return packed


class _Unpack(torch.autograd.Function):
    """Backward by reading too: index_select's own adds row by row."""

    @staticmethod
    def forward(ctx: Any, rows: torch.Tensor, slots: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(real)
        return rows.index_select(0, slots)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        """Padding passes no gradient on, because attention gives it no weight."""
        (real,) = ctx.saved_tensors
        return gradients[0].index_select(0, real), None, None


class _Pack(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(real)
        ctx.shape = rows.shape
        return rows.index_select(0, real)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        (real,) = ctx.saved_tensors
        return gradients[0].new_zeros(ctx.shape).index_copy_(0, real, gradients[0]), None
