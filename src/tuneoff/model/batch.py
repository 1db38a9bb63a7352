"""Token arrays as a model takes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray


class Encoded(Protocol):
    """Ragged arrays of n examples: tokens (total,), offsets (n + 1,), labels (n,), int64 classes or float64 numbers, or
    (n, labels), int64, 0 and 1."""

    @property
    def input_ids(self) -> NDArray[np.int32]: ...
    @property
    def token_type_ids(self) -> NDArray[np.int8]: ...
    @property
    def offsets(self) -> NDArray[np.int64]: ...
    @property
    def labels(self) -> NDArray[Any]: ...


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Shapes (examples, length) and (examples,). labels: classes (int64), numbers (float32), or 0 and 1 (int64) of shape
    (examples, labels)."""

    input_ids: torch.Tensor
    token_type_ids: torch.Tensor
    attention_mask: torch.Tensor
    labels: torch.Tensor
