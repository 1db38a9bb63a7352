"""Learning rate as a function of progress in examples. Computed at each step, never stored."""

from __future__ import annotations

import math

from tuneoff.training.hparams import HParams


def lr_factor(hparams: HParams, examples_seen: int, examples_total: int) -> float:
    """The factor on `learning_rate` for the step that begins after `examples_seen` examples.

    The schedules of transformers' `get_scheduler` (linear warm-up from 0, then constant, linear or half-cosine decay to 0) with
    steps replaced by examples, so that a batch size that changes in mid-run leaves the schedule where it was.
    """
    warmup = warmup_examples(hparams, examples_total)
    if examples_seen < warmup:
        return examples_seen / warmup
    if hparams.lr_schedule == "constant":
        return 1.0
    left = max(0.0, (examples_total - examples_seen) / max(1.0, examples_total - warmup))
    return left if hparams.lr_schedule == "linear" else 0.5 * (1.0 + math.cos(math.pi * (1.0 - left)))


def warmup_examples(hparams: HParams, examples_total: int) -> float:
    if hparams.warmup_steps > 0:
        return float(hparams.warmup_steps * hparams.batch_size)
    return hparams.warmup_ratio * examples_total
