"""Complete training state: what a run needs to go on bit for bit, as tensors and plain numbers.

Serialised as safetensors with the numbers as JSON in its metadata: nothing in it is executed on loading.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch

from tuneoff.errors import UserError
from tuneoff.hparams import HParams


class CheckpointError(UserError):
    """A snapshot that can't be read."""


@dataclass(frozen=True, kw_only=True)
class TrainState:
    """weights: by parameter name. moments: by parameter name and "exp_avg" / "exp_avg_sq". All on the CPU.

    hparams: in force when the state was written. applied_lr, applied_weight_decay: what the optimiser was stepping with
    (before the schedule); differs from hparams only where a defect of the published code is reproduced.
    writer: the trial that wrote it.
    """

    weights: Mapping[str, torch.Tensor]
    moments: Mapping[str, torch.Tensor]
    generators: Mapping[str, torch.Tensor]
    """uint8 states of torch's generators: "cpu" and, on a GPU, "cuda"."""
    steps: int
    examples_seen: int
    seed: int
    hparams: HParams
    applied_lr: float
    applied_weight_decay: float
    writer: str


def to_arrays(state: TrainState) -> tuple[dict[str, Any], dict[str, Any]]:
    """Arrays and plain numbers, which Ray's object store takes without copying them into a pickle."""
    tensors, numbers = _split(state)
    return {name: tensor.numpy() for name, tensor in tensors.items()}, numbers


def from_arrays(arrays: Mapping[str, Any], numbers: Mapping[str, Any]) -> TrainState:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return _join({name: torch.from_numpy(array) for name, array in arrays.items()}, numbers)


def to_bytes(state: TrainState) -> bytes:
    tensors, numbers = _split(state)
    data: bytes = safetensors.torch.save(tensors, metadata={"state": json.dumps(numbers)})
    return data


def write(state: TrainState, path: Path) -> int:
    """Atomic: the file is whole or not there. Returns the bytes written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = to_bytes(state)
    temporary = path.with_suffix(".tmp")
    temporary.write_bytes(data)
    temporary.replace(path)
    return len(data)


def read(path: Path) -> TrainState:
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            numbers = json.loads(file.metadata()["state"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (OSError, KeyError, TypeError, safetensors.SafetensorError, json.JSONDecodeError) as error:
        raise CheckpointError(f"{path} is not a snapshot ({error}): delete it, and the trial starts over") from error
    return _join(tensors, numbers)


def _split(state: TrainState) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    groups = {"weights": state.weights, "moments": state.moments, "generators": state.generators}
    tensors = {f"{group}/{name}": t.contiguous() for group, named in groups.items() for name, t in named.items()}
    numbers = {
        "steps": state.steps,
        "examples_seen": state.examples_seen,
        "seed": state.seed,
        "writer": state.writer,
        "hparams": state.hparams.to_dict(),
        "applied_lr": state.applied_lr,
        "applied_weight_decay": state.applied_weight_decay,
    }
    return tensors, numbers


def _join(tensors: Mapping[str, torch.Tensor], numbers: Mapping[str, Any]) -> TrainState:
    fields: dict[str, Any] = {"weights": {}, "moments": {}, "generators": {}, **numbers}
    for key, tensor in tensors.items():
        group, _, name = key.partition("/")
        fields[group][name] = tensor
    return TrainState(**{**fields, "hparams": HParams.from_dict(numbers["hparams"])})
