"""The worker's half of `finetune`: one network and its data, for the trials of a search, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from tuneoff.model.loading import BaseModel
from tuneoff.model.network import Network
from tuneoff.task.encode import EncodedSplit
from tuneoff.training.batches import DeviceSplit
from tuneoff.training.checkpoint import WEIGHTS
from tuneoff.training.finetune import Job, finetune
from tuneoff.training.hparams import HParams
from tuneoff.training.protocol import Rates, Speed, State, Trainer, Trial, Values
from tuneoff.training.speed import Speeds, calibrate
from tuneoff.training.step import Steppers


@dataclass(frozen=True, kw_only=True)
class Material:
    """All that is large, and the same for all searches on one split of one task and model."""

    base: BaseModel
    train: EncodedSplit
    validation: EncodedSplit
    test: EncodedSplit | None


@dataclass(frozen=True, kw_only=True)
class OnDevice:
    """The network and the data on the device, for as long as searches ask for the same."""

    network: Network
    train: DeviceSplit
    validation: DeviceSplit
    test: DeviceSplit | None
    steppers: Steppers = field(default_factory=Steppers)
    speeds: Speeds = field(default_factory=Speeds)

    @classmethod
    def of(cls, material: Material, device: torch.device) -> OnDevice:
        return cls(
            network=Network(material.base, device),
            train=DeviceSplit(material.train, device),
            validation=DeviceSplit(material.validation, device),
            test=DeviceSplit(material.test, device) if material.test else None,
        )


class FinetuneTrainer(Trainer):
    """defaults: the hyperparameters at which speed is measured, at each of `batch_sizes`."""

    def __init__(self, job: Job, speeds: Speeds, defaults: HParams, batch_sizes: Sequence[int]) -> None:
        self.job = job
        self._speeds, self._defaults, self._batch_sizes = speeds, defaults, batch_sizes

    def start(self, hparams: Values, *, seed: int, state: State | None = None) -> Trial:
        return finetune(self.job, HParams.from_dict(hparams), seed=seed, state=state)

    def weights_of(self, state: State) -> State:
        return state.only(WEIGHTS)

    def measure(self) -> Speed:
        """The speed, whose interval is that of the least favourable batch size; nothing is timed twice with the same
        network, data and settings."""
        rates: Rates = calibrate(self.job, self._defaults, self._batch_sizes, self._speeds)
        splits = [split for split in (self.job.validation, self.job.test) if split is not None]
        evaluate_seconds = rates.evaluate_token_seconds * sum(int(split.lengths.sum()) for split in splits)
        epoch_seconds = max(rates.train_token_seconds.values()) * float(self.job.train.lengths.sum())
        interval = epoch_seconds / self.job.settings.evaluations_per_epoch + evaluate_seconds
        return Speed(rates=rates, interval_seconds=interval, evaluate_seconds=evaluate_seconds)

    def step_seconds(self) -> float:
        """Seconds per real token of training steps, at the smallest batch size."""
        return self._speeds.train(self.job, self._defaults.replace({"batch_size": self._batch_sizes[0]}))
