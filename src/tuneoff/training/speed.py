"""The cost of a step and of an evaluation on a worker's device, measured in the worker that will train. Knows no Ray."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from weakref import ReferenceType, ref

import numpy as np
import torch
from numpy.typing import NDArray

from tuneoff.training.batches import Slice, by_length
from tuneoff.training.finetune import Job, Run, predict
from tuneoff.training.generators import own_generators
from tuneoff.training.hparams import HParams
from tuneoff.training.protocol import Rates
from tuneoff.training.step import Stepper

SECONDS = 0.3
"""How long each kind of step is repeated, and then timed; one step each where a step takes longer."""


@dataclass(frozen=True)
class Speeds:
    """Measurements with one network and its data: nothing is timed twice under the same conditions.

    On a GPU the stepper belongs to the conditions, since its captured graphs change the speed.
    """

    _train: dict[tuple[object, ...], tuple[float, ReferenceType[Stepper]]] = field(default_factory=dict)
    _evaluate: dict[tuple[object, ...], float] = field(default_factory=dict)

    def train(self, job: Job, hparams: HParams) -> float:
        """Seconds per real token of training. The first time it trains; a trial resets the weights."""
        key = (torch.get_num_threads(), job.bf16, job.settings.bucket_lengths, job.settings.cuda_graphs, hparams)
        seconds, stepper = self._train.get(key, (0.0, None))
        if stepper is None or (job.device.type == "cuda" and stepper() is not job.stepper):
            seconds = train_token_seconds(job, hparams)
            self._train[key] = seconds, ref(job.stepper)
        return seconds

    def evaluate(self, job: Job) -> float:
        """Seconds per real token of evaluation."""
        key = (torch.get_num_threads(), job.bf16, job.settings.evaluation_batch_size)
        if key not in self._evaluate:
            self._evaluate[key] = evaluation_token_seconds(job)
        return self._evaluate[key]


def calibrate(job: Job, hparams: HParams, batch_sizes: Sequence[int], speeds: Speeds) -> Rates:
    """Times a few training steps at each batch size and a few evaluation batches, unless `speeds` holds them already.

    start_up_seconds is left at 0: the worker knows when the search began.
    """
    train = {str(size): speeds.train(job, hparams.replace({"batch_size": size})) for size in batch_sizes}
    return Rates(
        train_token_seconds=train, evaluate_token_seconds=speeds.evaluate(job), start_up_seconds=0.0, step=job.stepper.mode
    )


def evaluation_token_seconds(job: Job) -> float:
    """Over batches from all over the validation set, gone through twice as in train_token_seconds."""
    order, size = by_length(job.validation.lengths), job.settings.evaluation_batch_size
    batches = [order[start : start + size] for start in range(0, len(order), size)]
    chosen: list[NDArray[np.int64]] = []
    began = time.perf_counter()
    for index in np.random.default_rng(0).permutation(len(batches)):
        chosen.append(batches[index])
        predict(job, job.validation, batches[index])
        if time.perf_counter() - began > SECONDS:
            break
    began = time.perf_counter()
    for rows in chosen:
        predict(job, job.validation, rows)
    return (time.perf_counter() - began) / sum(int(job.validation.lengths[rows].sum()) for rows in chosen)


def train_token_seconds(job: Job, hparams: HParams) -> float:
    """Seconds per real token of training steps over the first batches of an epoch, as many as take SECONDS.

    They are gone through as often as it takes to prepare what later epochs find ready (memory, products of each shape,
    captured graphs), and once more for the clock. Trains for real.
    """
    run = Run(job, hparams, 0, None)
    run.stepper.prepare(hparams)
    batches: list[Slice] = []
    with own_generators(run.generators, job.device):
        began = time.perf_counter()
        for batch in run.epoch_batches():
            _step_and_wait(run, batch)
            batches.append(batch)
            if time.perf_counter() - began > SECONDS:
                break
        for _ in range(1, run.stepper.rehearsals):
            for batch in batches:
                _step_and_wait(run, batch)
        began = time.perf_counter()
        for batch in batches:
            _step_and_wait(run, batch)
        return (time.perf_counter() - began) / sum(batch.tokens for batch in batches)


def _step_and_wait(run: Run, batch: Slice) -> None:
    run.step(batch)
    run.stepper.take_loss()
