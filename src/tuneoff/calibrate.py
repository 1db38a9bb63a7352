"""What a step and an evaluation cost on the device at hand, measured in the worker that will train. Knows no Ray."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tuneoff.engine.batches import by_length
from tuneoff.finetune import Job, predict, timed_steps
from tuneoff.hparams import HParams

SECONDS = 0.4
"""For which each kind of step is repeated; one step where it takes longer."""


@dataclass(frozen=True, kw_only=True)
class Rates:
    """Seconds per real token: of training steps by batch size (as text), and of evaluation.

    Measured under whatever else the machine was doing at the time, the other workers' calibration included.
    """

    train_token_seconds: Mapping[str, float]
    evaluate_token_seconds: float
    start_up_seconds: float


def calibrate(job: Job, hparams: HParams, batch_sizes: Sequence[int], began: float) -> Rates:
    """Times a few training steps at each batch size and a few evaluation batches; a trial resets the weights.

    began: time.time() when the search began; start-up is what has passed since, this measurement included.
    """
    train = {}
    for size in batch_sizes:
        steps = timed_steps(job, hparams.replace({"batch_size": size}), SECONDS)
        train[str(size)] = statistics.median(seconds / tokens for seconds, tokens in steps)
    order = by_length(job.validation.lengths)
    middle = max(0, len(order) // 2 - job.evaluation_batch_size // 2)
    rows = order[middle:middle + job.evaluation_batch_size]
    seconds: list[float] = []
    while sum(seconds) < SECONDS:
        started = time.perf_counter()
        predict(job, job.validation, rows)
        seconds.append(time.perf_counter() - started)
    tokens = float(job.validation.lengths[rows].sum())
    return Rates(train_token_seconds=train, evaluate_token_seconds=statistics.median(seconds) / tokens,
                 start_up_seconds=time.time() - began)
