"""Losses by the name that a kind of task declares."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn.functional import cross_entropy, mse_loss

from tuneoff import plugins

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""(outputs (n, n_outputs) in float32, targets (n,)) -> their mean loss, a scalar."""


def _mean_squared_error(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return mse_loss(outputs.squeeze(1), targets)


_OURS: dict[str, Loss] = {"cross_entropy": cross_entropy, "mean_squared_error": _mean_squared_error}


def find_loss(name: str) -> Loss:
    """Ours, or a function registered with `plugins.register("loss", NAME)`. Raises PluginError where there is none."""
    loss: Loss = _OURS[name] if name in _OURS else plugins.find("loss", name)
    return loss
