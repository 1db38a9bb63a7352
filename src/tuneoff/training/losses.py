"""Losses by the name that a kind of task declares."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, mse_loss

from tuneoff import plugins

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""(outputs (n, n_outputs) in float32, targets (n,) or (n, n_outputs)) -> their mean loss, a scalar."""


def _mean_squared_error(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return mse_loss(outputs.squeeze(1), targets)


def _binary_cross_entropy(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """targets: 0 and 1, of the outputs' shape."""
    return binary_cross_entropy_with_logits(outputs, targets.float())


_OURS: dict[str, Loss] = {
    "binary_cross_entropy": _binary_cross_entropy,
    "cross_entropy": cross_entropy,
    "mean_squared_error": _mean_squared_error,
}


def find_loss(name: str) -> Loss:
    """Ours, or a function registered with `plugins.register("loss", NAME)`. Raises PluginError where there is none."""
    loss: Loss = _OURS[name] if name in _OURS else plugins.find("loss", name)
    return loss
