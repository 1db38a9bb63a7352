"""Dropout from torch's own generator, several elements a draw: on a CPU it draws one number an element otherwise."""

from __future__ import annotations

import math

import torch

_LANES = {torch.bfloat16: torch.int16, torch.float32: torch.int32}
"""The integer type as wide as the elements: a mask is made in place, by reading a scaled number's bits as the number."""


def dropout(x: torch.Tensor, rate: float) -> torch.Tensor:
    """Each element is 0 with probability `rate` (to within 2**-16 in bf16, 2**-32 in fp32), else x / (1 - rate)."""
    return x * keep_mask(x.shape, rate, x.dtype) if rate > 0 else x


def keep_mask(shape: torch.Size, rate: float, dtype: torch.dtype) -> torch.Tensor:
    """Elements 0 or 1 / (1 - rate), from the CPU's default generator."""
    lane = _LANES[dtype]
    low, states = torch.iinfo(lane).min, 1 << torch.iinfo(lane).bits
    count = math.prod(shape)
    bits = torch.empty(-(-count * dtype.itemsize // 8), dtype=torch.int64).random_(-(2**63), None).view(lane)[:count]
    scale = int(torch.tensor(1 / (1 - rate), dtype=dtype).view(lane))
    return bits.ge_(low + round(rate * states)).mul_(scale).view(dtype).view(shape)
