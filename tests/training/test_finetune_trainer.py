"""The speed that a budget of time is planned with, the costs of trials that end early, and the widths of batches."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from tests.training.conftest import Ragged, make_base
from tests.training.test_graphs import FakeBackend
from tuneoff.model.network import Network
from tuneoff.training.batches import BLOCK, WINDOW, DeviceSplit, Slice, by_length, epoch_order
from tuneoff.training.finetune import Job, finetune
from tuneoff.training.finetune_trainer import FinetuneTrainer, Material, OnDevice
from tuneoff.training.hparams import HParams
from tuneoff.training.losses import find_loss
from tuneoff.training.optimiser import Optimiser
from tuneoff.training.protocol import Diverged, Environment, OutOfTime
from tuneoff.training.step import GraphStepper

HP = HParams(learning_rate=1e-2, batch_size=16, num_epochs=2)


class Timed:
    """Instead of a clock: 1 ms a token at batch size 8, 2 ms at 16; 0.5 ms a token of evaluation."""

    def train(self, job: Job, hparams: HParams) -> float:
        return {8: 0.001, 16: 0.002}[hparams.batch_size]

    def evaluate(self, job: Job) -> float:
        return 0.0005


def trainer(job: Job) -> FinetuneTrainer:
    return FinetuneTrainer(job, Timed(), HP, (8, 16))  # type: ignore[arg-type]


@pytest.mark.parametrize("tested", [True, False])
def test_an_interval_is_its_share_of_an_epoch_at_the_slowest_batch_size_and_one_evaluation(job: Job, tested: bool) -> None:
    job = replace(job, settings=replace(job.settings, evaluations_per_epoch=4), test=job.test if tested else None)
    train, validation = (int(split.lengths.sum()) for split in (job.train, job.validation))
    test = int(job.test.lengths.sum()) if job.test is not None else 0
    speed = trainer(job).measure()
    assert speed.evaluate_seconds == pytest.approx(0.0005 * (validation + test))
    assert speed.interval_seconds == pytest.approx(0.002 * train / 4 + 0.0005 * (validation + test))
    assert speed.rates is not None
    assert speed.rates.train_token_seconds == {"8": 0.001, "16": 0.002}
    assert speed.rates.evaluate_token_seconds == 0.0005
    assert speed.rates.start_up_seconds == 0.0
    assert trainer(job).step_seconds() == 0.001


def test_a_trial_of_the_trainer_is_finetunes(job: Job) -> None:
    trial = trainer(job).start(HP.to_dict(), seed=5)
    first = next(trial)
    state = first.capture()
    ours = [first, *trial]
    expected = list(finetune(job, HP, seed=5))
    assert [e.validation for e in ours] == [e.validation for e in expected]
    (resumed,) = trainer(job).start(HP.to_dict(), seed=7, state=state)
    assert resumed.validation.metrics == expected[1].validation.metrics


def test_a_search_without_a_test_set_has_none_on_the_device(job: Job) -> None:
    split: Any = Ragged(
        input_ids=np.ones(3, np.int32),
        token_type_ids=np.zeros(3, np.int8),
        offsets=np.array([0, 1, 3]),
        labels=np.array([0, 1]),
    )
    material = Material(base=make_base(), train=split, validation=split, test=None)
    device = torch.device("cpu")
    assert OnDevice.of(material, device).test is None
    assert len(OnDevice.of(replace(material, test=split), device).test or ()) == 2


def test_what_was_trained_until_the_time_was_up_is_charged(job: Job) -> None:
    """The fourth step is not begun: 3 x 16 examples."""
    asked = iter([False, False, True])
    timed = replace(job, environment=Environment(out_of_time=lambda: next(asked)))
    with pytest.raises(OutOfTime) as caught:
        list(finetune(timed, HP, seed=5))
    cost = caught.value.cost
    order = epoch_order(job.train.lengths, 5, 0)[:48]
    assert (cost.train_steps, cost.train_examples) == (3, 48)
    assert cost.train_tokens == int(job.train.lengths[order].sum())
    assert 0 < cost.train_seconds < 60
    assert 0 < cost.start_up_seconds < 60
    assert cost.load_seconds == 0


def test_out_of_time_in_a_later_interval_charges_that_interval_alone(job: Job) -> None:
    asked = iter([False] * 5 + [True])  # not asked after the last step of an interval
    timed = replace(job, environment=Environment(out_of_time=lambda: next(asked)))
    run = finetune(timed, HP, seed=5)
    state = next(run).capture()
    with pytest.raises(OutOfTime) as caught:
        next(run)
    assert (caught.value.cost.train_steps, caught.value.cost.train_examples) == (2, 32)
    assert caught.value.cost.start_up_seconds == 0
    resumed = next(finetune(job, HP, seed=5, state=state)).cost
    assert (resumed.train_steps, resumed.train_examples) == (5, 70)
    assert resumed.start_up_seconds == 0 < resumed.load_seconds


def test_what_a_diverged_trial_trained_is_charged(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    original = Optimiser.step

    def step(optimiser: Optimiser) -> None:
        original(optimiser)
        with torch.no_grad():
            optimiser.parameters[0].fill_(float("inf"))

    monkeypatch.setattr(Optimiser, "step", step)
    with pytest.raises(Diverged) as caught:
        list(finetune(job, HP, seed=5))
    cost = caught.value.cost
    assert (cost.train_steps, cost.train_examples, cost.train_tokens) == (5, 70, int(job.train.lengths.sum()))
    assert cost.start_up_seconds > 0


def test_clipping_bounds_the_gradients_norm_and_0_switches_it_off(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    norms: list[float] = []
    original = Optimiser.step

    def step(optimiser: Optimiser) -> None:
        squares = [float((p.grad**2).sum()) for p in optimiser.parameters if p.grad is not None]
        norms.append(sum(squares) ** 0.5)
        original(optimiser)

    monkeypatch.setattr(Optimiser, "step", step)
    next(finetune(job, replace(HP, max_grad_norm=0.0), seed=5))
    free = list(norms)
    norms.clear()
    next(finetune(job, replace(HP, max_grad_norm=0.01), seed=5))
    assert min(free) > 0.1
    assert norms == pytest.approx([0.01] * len(norms), rel=1e-3)


def test_a_captured_batch_is_as_wide_as_a_multiple_of_the_unit_but_no_wider_than_the_longest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lengths = [5, 16, 17, 30]
    split: Any = Ragged(
        input_ids=np.ones(sum(lengths), np.int32),
        token_type_ids=np.zeros(sum(lengths), np.int8),
        offsets=np.cumsum([0, *lengths]),
        labels=np.zeros(4, np.int64),
    )
    device = torch.device("cpu")
    on_device = DeviceSplit(split, device)
    widths = []
    monkeypatch.setattr(GraphStepper, "_work", lambda _, rows, width, norm: widths.append((len(rows), width, norm)))
    stepper = GraphStepper(
        Network(make_base(), device), on_device, find_loss("cross_entropy"), bf16=False, backend=FakeBackend()
    )
    assert (stepper.mode, stepper.rehearsals) == ("cuda graph", 2)
    one = HParams(batch_size=1, max_grad_norm=0.5)
    for piece in on_device.slices(np.arange(4), 1):
        stepper.step(piece, one, 1e-3, 0.0)
    assert widths == [(1, 16, 0.5), (1, 16, 0.5), (1, 30, 0.5), (1, 30, 0.5)]
    stepper.step(Slice(rows=torch.arange(3), longest=17, tokens=38), one, 1e-3, 0.0)
    assert widths[-1] == (3, 30, 0.5)
    stepper.graphs.give_up("told to")
    assert (stepper.mode, stepper.rehearsals) == ("eager (told to)", 1)


def test_the_two_losses_by_hand() -> None:
    """ln(1 + e^-2) for logits 2 apart; squares 1 and 4 average 2.5."""
    logits = torch.tensor([[2.0, 0.0], [0.0, 2.0]])
    assert float(find_loss("cross_entropy")(logits, torch.tensor([0, 1]))) == pytest.approx(np.log1p(np.exp(-2)))
    outputs = torch.tensor([[1.0], [4.0]])
    assert float(find_loss("mean_squared_error")(outputs, torch.tensor([2.0, 2.0]))) == pytest.approx(2.5)


def test_an_evaluation_begins_with_the_longest_and_keeps_the_order_of_equals() -> None:
    assert by_length(np.array([3, 5, 3, 9])).tolist() == [3, 1, 0, 2]


def test_examples_of_like_length_stay_together_in_blocks_within_their_window() -> None:
    """Two windows and a half: each block's lengths are neighbours among the sorted lengths of one window."""
    assert (BLOCK, WINDOW) == (16, 1024)
    n = 2 * WINDOW + 300
    lengths = np.random.default_rng(3).permutation(n)
    shuffled = np.random.default_rng([7, 2]).permutation(n)
    order = epoch_order(lengths, 7, 2)
    blocks = set()
    for start in range(0, n, WINDOW):
        ranked = sorted(shuffled[start : start + WINDOW].tolist(), key=lambda row: lengths[row])
        blocks |= {frozenset(ranked[i : i + BLOCK]) for i in range(0, len(ranked), BLOCK)}
    position, found = 0, set()
    while position < n:
        size = next(s for s in (BLOCK, 300 % BLOCK) if frozenset(order[position : position + s].tolist()) in blocks)
        found.add(frozenset(order[position : position + size].tolist()))
        position += size
    assert found == blocks
    assert np.array_equal(epoch_order(lengths, 7, 2, bucket=False), shuffled)
