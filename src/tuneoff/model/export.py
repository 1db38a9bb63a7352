"""A trained model as a folder that transformers' from_pretrained reads: safetensors, configuration, tokenizer."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tuneoff.model.config import ModelConfig
from tuneoff.model.loading import BaseModel
from tuneoff.model.network import transformers_module

PROBLEM_TYPES = {
    "cross_entropy": "single_label_classification",
    "binary_cross_entropy": "multi_label_classification",
    "mean_squared_error": "regression",
}
"""transformers' name of what a model is for, by the loss that it was trained with here."""


def export_classifier(
    base: BaseModel, weights: Mapping[str, NDArray[np.float32]], *, labels: Sequence[str], loss: str, folder: Path
) -> None:
    """base: with all its word rows. weights: every parameter of the model, trained. labels: names of the outputs, where these
    are classes."""
    named: dict[str, Any] = (
        {"id2label": dict(enumerate(labels)), "label2id": {name: i for i, name in enumerate(labels)}} if labels else {}
    )
    if loss in PROBLEM_TYPES:
        named["problem_type"] = PROBLEM_TYPES[loss]
    config = ModelConfig({**{key: value for key, value in base.config.values.items() if key != "_name_or_path"}, **named})
    module: Any = transformers_module(config)
    parameters = dict(module.named_parameters())
    assert parameters.keys() <= weights.keys(), parameters.keys() - weights.keys()
    with torch.no_grad():
        for name, buffer in module.named_buffers():
            if name in base.weights:
                buffer.copy_(torch.from_numpy(np.array(base.weights[name])))
        for name, parameter in parameters.items():
            parameter.copy_(torch.from_numpy(np.array(weights[name])))
    module.save_pretrained(str(folder))


def export_tokenizer(tokenizer: Any, max_length: int, folder: Path) -> None:
    """The tokenizer, which truncates to the length that was trained with unless told otherwise."""
    own = copy.deepcopy(tokenizer)
    own.model_max_length = max_length
    own.save_pretrained(str(folder))
