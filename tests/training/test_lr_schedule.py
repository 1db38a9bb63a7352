"""Schedules against transformers' own, at a constant batch size."""

from __future__ import annotations

import pytest
import torch
from transformers import get_scheduler

from tuneoff.training.hparams import HParams
from tuneoff.training.lr_schedule import lr_factor


@pytest.mark.parametrize("warmup_steps", [0, 10, 200])
@pytest.mark.parametrize(("ours", "theirs"), [("linear", "linear"), ("cosine", "cosine"), ("constant", "constant_with_warmup")])
def test_equals_transformers_scheduler_where_every_batch_is_full(ours, theirs, warmup_steps):
    batch, steps = 8, 100
    hparams = HParams(batch_size=batch, warmup_steps=warmup_steps, lr_schedule=ours)
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = get_scheduler(theirs, optimiser, num_warmup_steps=warmup_steps, num_training_steps=steps)
    for step in range(steps):
        assert lr_factor(hparams, step * batch, steps * batch) == pytest.approx(scheduler.get_last_lr()[0], abs=1e-9)
        optimiser.step()
        scheduler.step()


def test_warmup_ratio_is_a_share_of_all_training_and_steps_win_over_it():
    assert lr_factor(HParams(warmup_ratio=0.5), 25, 100) == 0.5
    assert lr_factor(HParams(warmup_ratio=0.5, warmup_steps=1, batch_size=50), 25, 100) == 0.5
    assert lr_factor(HParams(warmup_ratio=0.5, warmup_steps=1, batch_size=20), 25, 100) == pytest.approx(75 / 80)


def test_a_batch_size_that_changes_leaves_the_schedule_where_it_was():
    assert lr_factor(HParams(batch_size=16), 640, 1000) == lr_factor(HParams(batch_size=64), 640, 1000)


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_from_its_whole_factor_at_the_end_of_warm_up_it_falls_to_0_and_stays_there(schedule):
    """Also where warm-up is all but the last example, and where published code counts more examples than there are."""
    almost = HParams(warmup_ratio=0.99, lr_schedule=schedule)
    assert lr_factor(almost, 99, 100) == 1.0
    assert lr_factor(almost, 100, 100) == lr_factor(almost, 170, 100) == 0.0
    assert lr_factor(HParams(warmup_ratio=1.0, lr_schedule=schedule), 100, 100) == 0.0
    assert lr_factor(HParams(warmup_ratio=1.0, lr_schedule=schedule), 50, 100) == 0.5
