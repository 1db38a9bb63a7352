"""Modules of transformers' names, shapes and rates for the encoders that are computed here, made without transformers.

They hold parameters and settings and compute nothing: see encoder.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from tuneoff.model.config import ModelConfig


class Skeleton(nn.Module):
    """The root."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config


def skeleton(config: ModelConfig, weights: Mapping[str, NDArray[np.float32]], rates: Mapping[str, float]) -> nn.Module | None:
    """Parameters named as `weights`, in their order, with contents to be set, and a dropout at each path of `rates`.

    None where the names and shapes of the weights don't determine the modules.
    """
    root = Skeleton(config)
    with torch.device("meta"):  # nothing is drawn
        for prefix in dict.fromkeys(name.rpartition(".")[0] for name in weights):
            shape = weights[f"{prefix}.weight"].shape if f"{prefix}.weight" in weights else ()
            _put(root, prefix, _layer(config, prefix, shape, bias=f"{prefix}.bias" in weights))
    if root.state_dict().keys() != weights.keys():
        return None
    for prefix, rate in rates.items():
        _put(root, prefix, nn.Dropout(rate))
    return root.to_empty(device="cpu")


def _put(root: nn.Module, path: str, module: nn.Module) -> None:
    names = path.split(".")
    for parent, child in pairwise(names):
        if parent not in root._modules:
            root.add_module(parent, nn.ModuleList() if child.isdigit() else nn.Module())
        root = root.get_submodule(parent)
    root.add_module(names[-1], module)


def _layer(config: ModelConfig, prefix: str, shape: tuple[int, ...], *, bias: bool) -> nn.Module:
    if len(shape) == 1:
        return nn.LayerNorm(shape[0], eps=config.values.get("layer_norm_eps", 1e-12), bias=bias)
    if len(shape) == 2 and not bias and prefix.endswith("_embeddings"):
        padding = config.pad_token_id if prefix.endswith("word_embeddings") else None
        return nn.Embedding(*shape, padding_idx=padding)
    return nn.Linear(shape[1], shape[0], bias=bias) if len(shape) == 2 else nn.Module()
