"""The state of `finetune`: tensors and plain numbers, and their form in a State."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from tuneoff.training.hparams import HParams
from tuneoff.training.protocol import State

WEIGHTS = "weights"
"""The group of a state's arrays that are parameters."""


@dataclass(frozen=True, kw_only=True)
class TrainState:
    """weights: by parameter name. moments: by parameter name and "exp_avg" / "exp_avg_sq". All on the CPU.

    hparams: in force when the state was written. applied_lr, applied_weight_decay: the optimiser was stepping with
    these (before the schedule); differ from hparams only where a defect of the published code is reproduced.
    """

    weights: Mapping[str, torch.Tensor]
    moments: Mapping[str, torch.Tensor]
    generators: Mapping[str, torch.Tensor]
    """uint8 states of torch's generators: "cpu" and, on a GPU, "cuda"."""
    steps: int
    examples_seen: int
    epoch: float
    seed: int
    hparams: HParams
    applied_lr: float
    applied_weight_decay: float

    def to_state(self) -> State:
        groups = {WEIGHTS: self.weights, "moments": self.moments, "generators": self.generators}
        arrays = {f"{group}/{name}": t.contiguous().numpy() for group, named in groups.items() for name, t in named.items()}
        numbers = {
            "steps": self.steps,
            "seed": self.seed,
            "hparams": self.hparams.to_dict(),
            "applied_lr": self.applied_lr,
            "applied_weight_decay": self.applied_weight_decay,
        }
        return State(arrays=arrays, numbers=numbers, examples_seen=self.examples_seen, epoch=self.epoch)

    @classmethod
    def of(cls, state: State) -> TrainState:
        named: dict[str, dict[str, torch.Tensor]] = {WEIGHTS: {}, "moments": {}, "generators": {}}
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
            for key, array in state.arrays.items():
                group, _, name = key.partition("/")
                named[group][name] = torch.from_numpy(array)
        numbers: dict[str, Any] = {**state.numbers, "hparams": HParams.from_dict(state.numbers["hparams"])}
        fields: dict[str, Any] = {**named, **numbers}
        return cls(**fields, examples_seen=state.examples_seen, epoch=state.epoch)
