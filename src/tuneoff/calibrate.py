"""What a step and an evaluation cost on the device at hand, measured in the worker that will train. Knows no Ray."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

from tuneoff.engine.batches import by_length
from tuneoff.finetune import Job, predict, timed_steps
from tuneoff.hparams import HParams

STEPS = 3


@dataclass(frozen=True, kw_only=True)
class Rates:
    """Seconds per padded token, forward and backward with the optimiser's step, and forward alone; measured under
    whatever else the machine was doing."""

    train_token_seconds: float
    evaluate_token_seconds: float
    start_up_seconds: float


def calibrate(job: Job, hparams: HParams, start_up_seconds: float) -> Rates:
    """Times a few training steps on typical batches and a few evaluation batches; the weights are reset later."""
    typical = float(job.train.lengths.mean()) * min(hparams.batch_size, len(job.train))
    train = statistics.median(timed_steps(job, hparams, STEPS))
    order = by_length(job.validation.lengths)
    middle = max(0, len(order) // 2 - job.evaluation_batch_size // 2)
    rows = order[middle:middle + job.evaluation_batch_size]
    seconds = []
    for _ in range(STEPS):
        started = time.perf_counter()
        predict(job, job.validation, rows)
        seconds.append(time.perf_counter() - started)
    tokens = float(job.validation.lengths[rows].sum())
    return Rates(train_token_seconds=train / typical, evaluate_token_seconds=statistics.median(seconds) / tokens,
                 start_up_seconds=start_up_seconds)
