"""Captured steps on a real GPU. Skipped without one; docs/gpu-checks.md says what has been confirmed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle, islice
from statistics import mean, stdev

import pytest
import torch
from transformers import AutoModelForSequenceClassification, BertConfig

from tests.training.conftest import WORDS, make_split
from tuneoff.model.loading import BaseModel
from tuneoff.model.network import Network
from tuneoff.task.kinds import scoring
from tuneoff.training.batches import DeviceSplit, Slice
from tuneoff.training.finetune import Job, Run, finetune
from tuneoff.training.generators import own_generators
from tuneoff.training.hparams import HParams
from tuneoff.training.settings import TrainingSettings
from tuneoff.training.step import GraphStepper

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")

DEVICE = torch.device("cuda")
HP = HParams(learning_rate=1e-3, batch_size=16, num_epochs=2, weight_decay=0.1, lr_schedule="constant")
PLAIN = replace(HP, hidden_dropout=0.0, attention_dropout=0.0)


@pytest.fixture(scope="module")
def base() -> BaseModel:
    config = BertConfig(
        vocab_size=WORDS,
        hidden_size=64,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=128,
        max_position_embeddings=32,
        num_labels=2,
        initializer_range=0.1,
    )
    torch.manual_seed(0)
    model = AutoModelForSequenceClassification.from_config(config)
    weights = {name: t.numpy().copy() for name, t in model.state_dict().items()}
    return BaseModel(config=config, weights=weights, missing=("classifier.bias", "classifier.weight"), content_hash="")


@pytest.fixture
def job(base: BaseModel) -> Job:
    return make_job(base)


def make_job(base: BaseModel, **options) -> Job:
    return Job(
        network=Network(base, DEVICE),
        train=DeviceSplit(make_split(150, 1), DEVICE),
        validation=DeviceSplit(make_split(40, 2), DEVICE),
        test=None,
        scoring=scoring(2),
        **{"bf16": False, **options},
    )


def full_batches(run: Run) -> Iterator[Slice]:
    return cycle([b for b in run.epoch_batches() if len(b.rows) == run.hparams.batch_size])


def losses(job: Job, hparams: HParams, steps: int, *, still: bool = False) -> list[float]:
    """Of so many steps from the same start, over full batches; still: over one batch, without moving."""
    run = Run(job, hparams, 7, None)
    run.stepper.prepare(hparams)
    found = []
    with own_generators(run.generators, DEVICE):
        batches = full_batches(run)
        first = next(batches)
        for batch in islice(batches, steps):
            if still:
                run.stepper.step(first, hparams, 0.0, 0.0)
            else:
                run.stepper.step(batch, hparams, hparams.learning_rate, hparams.weight_decay)
            found.append(run.stepper.take_loss())
    return found


def eager(job: Job) -> Job:
    return replace(job, settings=TrainingSettings(cuda_graphs="off"))


def weights(job: Job) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for name, p in job.network.module.named_parameters()}


def final(job: Job, hparams: HParams, **options):
    return list(finetune(job, hparams, seed=5, **options))[-1].capture()


def equal(left, right) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[n], right[n]) for n in left)


@pytest.mark.parametrize(("bf16", "tolerance"), [(False, 1e-4), (True, 2e-2)])
def test_twenty_captured_steps_give_the_losses_of_steps_as_written(base, bf16, tolerance):
    job = make_job(base, bf16=bf16)
    got = losses(job, PLAIN, 20)
    assert job.stepper.mode == "cuda graph"
    expected = losses(eager(job), PLAIN, 20)
    assert got == pytest.approx(expected, abs=tolerance)
    assert got[0] != pytest.approx(got[-1], abs=1e-3), "something is learnt, so the comparison says something"


def test_replays_draw_new_dropout_and_its_losses_are_distributed_as_without_graphs(job):
    dropped = replace(HP, hidden_dropout=0.3, attention_dropout=0.3)
    got, expected = losses(job, dropped, 300, still=True), losses(eager(job), dropped, 300, still=True)
    assert len(set(got[10:])) > 250, "each replay draws anew"
    error = (stdev(got) ** 2 / 300 + stdev(expected) ** 2 / 300) ** 0.5
    assert abs(mean(got) - mean(expected)) < 4 * error
    assert 0.7 < stdev(got) / stdev(expected) < 1.4


def test_a_changed_learning_rate_and_decay_act_in_the_very_next_replay(job):
    run = Run(job, PLAIN, 7, None)
    run.stepper.prepare(PLAIN)
    batch = next(full_batches(run))
    for _ in range(3):
        run.stepper.step(batch, PLAIN, 0.0, 0.0)
    still = weights(job)
    run.stepper.step(batch, PLAIN, 0.0, 0.0)
    assert equal(weights(job), still)
    moments = {n: t.clone() for n, t in run.stepper.optimiser.moments().items()}
    run.stepper.step(batch, PLAIN, 1e-2, 0.5)
    changed = weights(job)
    assert not equal(changed, still)
    name = "bert.encoder.layer.0.output.dense.weight"
    first = (moments[f"{name}/exp_avg"] * 0.9, moments[f"{name}/exp_avg_sq"] * 0.999)
    assert all(m.isfinite().all() for m in first)
    # Fifth step on one batch without movement: the gradient g is constant, so both corrected moments are g and g squared.
    corrected = moments[f"{name}/exp_avg"] / (1 - 0.9**4)
    step = 1e-2 * corrected / (corrected.abs() + PLAIN.adam_epsilon)
    expected = still[name] * (1 - 1e-2 * 0.5) - step
    clear = corrected.abs() > 1e-5  # elsewhere epsilon and rounding decide
    assert clear.any()
    assert torch.allclose(changed[name][clear], expected[clear], rtol=0, atol=1e-4)


def test_resumption_is_exact(base):
    """Bit for bit in fp32. Atomic additions in a kernel would break it: then this says so, and the docs must."""
    whole = final(make_job(base), HP)
    state = next(finetune(make_job(base), HP, seed=5)).capture()
    resumed = final(make_job(base), HP, state=state)
    assert equal(whole.generators, resumed.generators)
    assert equal(whole.weights, resumed.weights)
    assert equal(whole.moments, resumed.moments)


def test_a_trial_in_a_used_worker_is_the_trial_in_a_new_one(job, base):
    final(job, replace(HP, learning_rate=5e-4, weight_decay=0.0))
    used, new = final(job, HP), final(make_job(base), HP)
    assert equal(used.generators, new.generators)
    assert all(torch.allclose(used.weights[n], new.weights[n], rtol=0, atol=1e-3) for n in new.weights)


def test_a_replayed_step_never_waits_for_the_device(job):
    run = Run(job, HP, 7, None)
    run.stepper.prepare(HP)
    batch = next(full_batches(run))
    for _ in range(3):
        run.stepper.step(batch, HP, 1e-3, 0.1)
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(10):
            run.stepper.step(batch, HP, 1e-3, 0.1)
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_a_step_that_waits_for_the_device_is_run_as_written_and_training_goes_on(base, monkeypatch):
    job = make_job(base)
    expected = losses(eager(make_job(base)), HP, 12)
    original = Network.logits

    def waiting(network, batch, **options):
        logits = original(network, batch, **options)
        float(logits.sum())
        return logits

    monkeypatch.setattr(Network, "logits", waiting)
    got = losses(job, HP, 12)
    assert job.stepper.mode.startswith("eager (capture failed: ")
    assert got == pytest.approx(expected, abs=1e-3), "the same draws of dropout, none lost to the failed capture"
    assert len(losses(job, HP, 3)) == 3, "and so does the next trial"


def test_graphs_that_go_and_come_back_change_nothing(base):
    job = make_job(base)
    assert isinstance(job.stepper, GraphStepper)
    job.stepper.graphs._limit = 1
    expected = losses(eager(make_job(base)), PLAIN, 6)
    for _ in range(3):
        assert losses(job, PLAIN, 6) == pytest.approx(expected, abs=1e-4)
        losses(job, replace(PLAIN, batch_size=8), 6)
    assert job.stepper.mode == "cuda graph"


def test_memory_does_not_grow_from_trial_to_trial(job):
    final(job, HP)
    torch.cuda.synchronize()
    before = torch.cuda.memory_allocated()
    for _ in range(3):
        final(job, HP)
    assert torch.cuda.memory_allocated() <= before * 1.05 + 2**20
