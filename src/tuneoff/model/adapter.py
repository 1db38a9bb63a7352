"""What a low-rank adapter (LoRA, Hu et al. 2021) adds to a pre-trained model. Does not import torch."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from tuneoff.model.settings import ModelError

LORA = "lora"
ATTENTION, LINEAR = "attention", "linear"
TARGETS = (ATTENTION, LINEAR)
"""The layers that are adapted: queries and values, as in the paper; or every linear layer but the head."""
QUERIES_AND_VALUES = ("query", "value", "query_proj", "value_proj", "q_lin", "v_lin", "q_proj", "v_proj", "q", "v", "Wqkv")
"""Names of these layers in transformers' encoders; ModernBERT has one for queries, keys and values."""
HEADS = ("classifier.", "score.", "pre_classifier.")
"""Beginnings of the names of a head's parameters, also where a model's files have one."""
TABLES = ("embeddings", "relative_attention_bias")
"""Ends of the names of modules that look rows up, whose weights have two dimensions as well."""
A, B = "lora_A.default.weight", "lora_B.default.weight"


@dataclass(frozen=True, kw_only=True)
class Adapter:
    """The update of a layer is `alpha / rank` x B x A. dropout: on what A reads. targets: one of TARGETS."""

    rank: int
    alpha: float
    dropout: float
    targets: str

    @property
    def structure(self) -> tuple[int, str]:
        """Equal where the parameters have the same names and shapes."""
        return self.rank, self.targets


def check_installed() -> None:
    """Raises ModelError where peft is missing."""
    if find_spec("peft") is None:
        raise ModelError(
            "model.adapter is 'lora', but peft is not installed: pip install 'tuneoff[lora]', or give model.adapter=null"
        )


def is_head(name: str, missing: Collection[str]) -> bool:
    """Whether the parameter is the head's. missing: the parameters that the model's files lack."""
    return name in missing or name.startswith(HEADS)


def check_targets(names: Collection[str], targets: Collection[str], model_type: str) -> None:
    """Raises ModelError where a choice of targets finds no layer. names: of the model's parameters."""
    layers = {name.split(".")[-2] for name in names if name.endswith(".weight")}
    if ATTENTION in targets and not layers & set(QUERIES_AND_VALUES):
        raise ModelError(
            f"lora_targets is {ATTENTION!r}, but the layers of queries and values of a {model_type} model are not known here: "
            f"give +hparams.lora_targets={LINEAR} for every linear layer"
        )


def merged(
    weights: Mapping[str, NDArray[np.float32]], trained: Mapping[str, NDArray[np.float32]], adapter: Adapter
) -> dict[str, NDArray[np.float32]]:
    """The parameters of a model without adapters that computes the same. weights: the pre-trained ones, all word rows among
    them. trained: by the names that they have beside an adapter."""
    found = {**weights, **{name: array for name, array in trained.items() if name in weights}}
    for name in trained:
        if name.endswith(A):
            layer = name.removesuffix(A)
            update = trained[layer + B].astype(np.float64) @ trained[name].astype(np.float64)
            before = weights[f"{layer}weight"]
            found[f"{layer}weight"] = (before + adapter.alpha / adapter.rank * update).astype(np.float32)
    return found


def trained_parameters(weights: Mapping[str, NDArray[np.float32]], missing: Collection[str], adapter: Adapter) -> int:
    """How many numbers are trained: the adapter's and the head's."""
    count = sum(array.size for name, array in weights.items() if is_head(name, missing))
    for name, array in weights.items():
        layer = name.removesuffix(".weight")
        if array.ndim == 2 and layer != name and not layer.endswith(TABLES) and not is_head(name, missing):
            count += adapter.rank * sum(array.shape) if adapts(layer, adapter.targets) else 0
    return count


def adapts(layer: str, targets: str) -> bool:
    """Whether these targets have the linear layer of this name."""
    return targets == LINEAR or layer.rpartition(".")[2] in QUERIES_AND_VALUES
