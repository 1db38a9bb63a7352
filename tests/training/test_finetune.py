"""The training function: exact resumption, hyperparameters that act at once, progress that never jumps."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.conftest import make_split
from tuneoff.task.kinds import scoring
from tuneoff.training.batches import DeviceSplit
from tuneoff.training.checkpoint import TrainState
from tuneoff.training.finetune import Job, Run, finetune
from tuneoff.training.hparams import HParams
from tuneoff.training.lr_schedule import lr_factor
from tuneoff.training.optimiser import Optimiser
from tuneoff.training.protocol import Diverged, Environment
from tuneoff.training.state_file import read, write

HP = HParams(learning_rate=1e-2, batch_size=16, num_epochs=2, weight_decay=0.1, warmup_ratio=0.1)


class Steps:
    """What AdamW is really given at each step."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: list[tuple[float, float, float]] = []
        original = Optimiser.step

        def step(optimiser: Optimiser) -> None:
            decays, exempt = optimiser._adamw.param_groups
            self.seen.append((decays["lr"], decays["weight_decay"], exempt["weight_decay"]))
            original(optimiser)

        monkeypatch.setattr(Optimiser, "step", step)


def final(job: Job, hparams: HParams = HP, seed: int = 5):
    return list(finetune(job, hparams, seed=seed))[-1].capture()


def with_settings(job: Job, **changes) -> Job:
    return replace(job, settings=replace(job.settings, **changes))


def states(evaluation) -> TrainState:
    return TrainState.of(evaluation.capture())


def same(left, right) -> bool:
    return all(np.array_equal(left[name], right[name]) for name in left) and left.keys() == right.keys()


@pytest.mark.parametrize("through", ["disk", "memory"])
def test_two_epochs_equal_one_epoch_saved_loaded_and_one_more_bit_for_bit(job, tmp_path, through):
    whole = list(finetune(job, HP, seed=5))
    straight = states(whole[-1])
    first = next(finetune(job, HP, seed=5))
    state = first.capture()
    if through == "disk":
        write(state, tmp_path / "state.safetensors")
        state = read(tmp_path / "state.safetensors")
    else:
        state = pickle.loads(pickle.dumps(state))
    final(job, replace(HP, learning_rate=3e-3), seed=9)  # the network is used by another trial in between
    (second,) = finetune(job, HP, seed=77, state=state)
    resumed = states(second)
    assert same(straight.weights, resumed.weights)
    assert same(straight.moments, resumed.moments)
    assert same(straight.generators, resumed.generators)
    assert (straight.steps, straight.examples_seen) == (resumed.steps, resumed.examples_seen)
    assert second.validation == whole[-1].validation
    assert second.test == whole[-1].test


def test_resuming_in_the_middle_of_an_epoch_is_exact_too(job):
    job = with_settings(job, evaluations_per_epoch=3)
    whole = [e.validation for e in finetune(job, HP, seed=5)]
    run = finetune(job, HP, seed=5)
    next(run)
    state = next(run).capture()
    assert [e.validation for e in finetune(job, HP, seed=5, state=state)] == whole[2:]


@pytest.mark.parametrize(
    ("evaluations", "batch_size", "expected"),
    [
        # 70 rows in thirds of 23 1/3: at the first example by which a third is full, the ends of epochs among them.
        (3, 1, [24, 47, 70, 94, 117, 140]),
        (3, 16, [32, 48, 70, 102, 118, 140]),
        (4, 1, [18, 35, 53, 70, 88, 105, 123, 140]),
        (7, 1, [10 * k for k in range(1, 15)]),
        (101, 1, [*range(1, 141)]),  # several points a row; the 13th is at 9.0099 rows
        (3, 64, [64, 70, 134, 140]),  # a batch that passes a point is scored once, at its end
    ],
)
def test_evaluation_points_where_rows_do_not_divide(job, evaluations, batch_size, expected):
    job = with_settings(job, evaluations_per_epoch=evaluations)
    seen = [e.examples_seen for e in finetune(job, replace(HP, batch_size=batch_size), seed=5)]
    assert seen == expected


def test_a_trial_trains_the_network_that_its_adapter_asks_for(job, monkeypatch):
    asked = []
    monkeypatch.setattr(job.network, "arrange", asked.append)
    list(finetune(job, replace(HP, num_epochs=1), seed=5))
    assert asked == [HP.adapter]


def test_the_same_seed_gives_the_same_run_and_another_seed_another(job):
    assert same(final(job).arrays, final(job).arrays)
    assert not same(final(job).arrays, final(job, seed=6).arrays)


def test_the_process_own_generator_is_left_alone(job):
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    final(job)
    assert torch.equal(torch.rand(4), expected)


def test_head_is_drawn_from_the_seed_and_the_encoder_is_not(job):
    job.network.reset(1)
    one = {n: t.clone() for n, t in job.network.module.state_dict().items()}
    job.network.reset(2)
    two = job.network.module.state_dict()
    assert [n for n in one if not torch.equal(one[n], two[n])] == ["classifier.weight"]
    job.network.reset(1)
    assert torch.equal(one["classifier.weight"], two["classifier.weight"])  # two is a live view
    assert not two["classifier.bias"].any()


def test_the_loss_falls_and_the_task_is_learnt(job):
    scores = [e.validation.metrics["accuracy"] for e in finetune(job, replace(HP, num_epochs=12), seed=1)]
    assert scores[-1] > 0.8


@settings(max_examples=15, deadline=None)
@given(lr=st.floats(1e-5, 1e-2), decay=st.floats(0.0, 0.3), batch=st.sampled_from([4, 7, 16, 32]))
def test_after_an_exploit_the_very_next_step_uses_the_mutated_values(lr, decay, batch):
    job = _job()
    donor = next(finetune(job, HP, seed=5)).capture()
    mutated = replace(HP, learning_rate=lr, weight_decay=decay, batch_size=batch)
    with pytest.MonkeyPatch.context() as patch:
        steps = Steps(patch)
        list(finetune(job, mutated, seed=6, state=donor))
    rate, applied, exempt = steps.seen[0]
    assert rate == lr * lr_factor(mutated, 70, 140)
    assert applied == decay
    assert exempt == 0.0
    assert len(steps.seen) == -(-70 // batch)


@settings(max_examples=15, deadline=None)
@given(lr=st.floats(1e-5, 1e-2), decay=st.floats(0.0, 0.3))
def test_with_the_published_code_the_next_step_uses_the_donors_values(lr, decay):
    job = replace(_job(), environment=Environment(resume="trainer_2020"))
    donor = next(finetune(job, HP, seed=5)).capture()
    mutated = replace(HP, learning_rate=lr, weight_decay=decay)
    with pytest.MonkeyPatch.context() as patch:
        steps = Steps(patch)
        (evaluation,) = finetune(job, mutated, seed=6, state=donor)
    rate, applied, _ = steps.seen[0]
    assert rate == HP.learning_rate * lr_factor(mutated, 70, 140)
    assert applied == HP.weight_decay
    assert evaluation.hparams["learning_rate"] == HP.learning_rate, "the record says what was in force"
    state = states(evaluation)
    assert state.hparams.learning_rate == lr
    assert state.applied_lr == HP.learning_rate


def test_with_the_published_code_the_first_donors_values_outlast_every_exploit(job_2020, monkeypatch):
    """The optimiser is restored with what it stepped with, not with what its trial was configured with."""
    hparams = replace(HP, num_epochs=3)
    first = next(finetune(job_2020, hparams, seed=5)).capture()
    once = replace(hparams, learning_rate=3e-3, weight_decay=0.02)
    second = next(finetune(job_2020, once, seed=6, state=first)).capture()
    steps = Steps(monkeypatch)
    twice = replace(hparams, learning_rate=4e-4, weight_decay=0.003)
    (evaluation,) = finetune(job_2020, twice, seed=7, state=second)
    assert [(rate, decay) for rate, decay, _ in steps.seen[:1]] == [(1e-2 * lr_factor(twice, 140, 210), 0.1)]
    assert (evaluation.hparams["learning_rate"], evaluation.hparams["weight_decay"]) == (1e-2, 0.1)
    kept = states(evaluation)
    assert (kept.applied_lr, kept.applied_weight_decay) == (1e-2, 0.1)
    assert (kept.hparams.learning_rate, kept.hparams.weight_decay) == (4e-4, 0.003)


def test_with_the_published_code_a_larger_batch_jumps_ahead(job_2020):
    """5 steps of 16 are one epoch of 70; under 32 (3 steps an epoch) they count as epoch 1 and 2 steps: 134 examples."""
    hparams = replace(HP, num_epochs=4)
    donor = next(finetune(job_2020, hparams, seed=5)).capture()
    assert donor.numbers["steps"] == 5
    first = next(finetune(job_2020, replace(hparams, batch_size=32), seed=6, state=donor))
    assert first.cost.train_examples == 6  # what the jump left of the second epoch
    assert first.epoch == 2.0


def test_a_mutated_batch_size_goes_on_at_the_very_next_example(job, monkeypatch):
    seen: list[list[int]] = []
    original = DeviceSplit.slices

    def slices(split, order, size):
        if split is job.train:
            seen.extend(order[i : i + size].tolist() for i in range(0, len(order), size))
        return original(split, order, size)

    monkeypatch.setattr(DeviceSplit, "slices", slices)
    job = with_settings(job, evaluations_per_epoch=2)
    run = finetune(job, replace(HP, num_epochs=1), seed=5)
    state = next(run).capture()
    half = state.examples_seen
    taken = [i for batch in seen for i in batch][:half]
    seen.clear()
    list(finetune(job, replace(HP, num_epochs=1, batch_size=5), seed=6, state=state))
    rest = [i for batch in seen for i in batch]
    assert sorted(taken + rest) == list(range(70))
    assert {len(b) for b in seen} <= {5, (70 - half) % 5}


def test_hyperparameters_sent_in_mid_run_act_from_there_on(job, monkeypatch):
    steps = Steps(monkeypatch)
    run = finetune(job, HP, seed=5)
    next(run)
    run.send(replace(HP, learning_rate=5e-4, weight_decay=0.0).to_dict())
    assert steps.seen[5][0] == 5e-4 * lr_factor(HP, 70, 140)
    assert steps.seen[5][1] == 0.0


def test_the_learning_rate_follows_progress_in_examples(job, monkeypatch):
    steps = Steps(monkeypatch)
    list(finetune(job, HP, seed=5))
    seen = [0, 16, 32, 48, 64, 70, 86, 102, 118, 134]
    assert [rate for rate, _, _ in steps.seen] == [HP.learning_rate * lr_factor(HP, s, 140) for s in seen]


def test_a_run_whose_state_has_seen_every_epoch_ends_without_an_evaluation(job):
    state = final(job)
    assert list(finetune(job, HP, seed=5, state=state)) == []


def test_a_captured_state_says_how_far_it_is(job):
    for evaluation in finetune(job, HP, seed=5):
        assert states(evaluation).epoch == evaluation.epoch == evaluation.examples_seen / 70


def test_a_training_loss_that_is_not_finite_ends_a_run_whose_weights_still_score(job, monkeypatch):
    original = Run._train
    monkeypatch.setattr(Run, "_train", lambda run, target: (float("inf"), *original(run, target)[1:]))
    with pytest.raises(Diverged, match="training loss is inf after 70 examples"):
        list(finetune(job, HP, seed=5))


def test_nothing_is_invented_where_the_loss_is_not_finite(job, monkeypatch):
    original = Optimiser.step

    def step(optimiser: Optimiser) -> None:
        original(optimiser)
        with torch.no_grad():
            optimiser.parameters[0].fill_(float("nan"))

    monkeypatch.setattr(Optimiser, "step", step)
    with pytest.raises(Diverged, match="loss is nan after 70 examples") as caught:
        list(finetune(job, HP, seed=5))
    assert caught.value.cost.train_seconds > 0


def test_the_test_split_is_scored_only_where_asked_and_does_not_touch_training(job):
    job_some = replace(job, environment=Environment(wants_test=lambda score: score > 2))
    evaluations = list(finetune(job_some, HP, seed=5))
    assert all(e.test is None and e.cost.test_seconds == 0 for e in evaluations)
    tested = list(finetune(job, HP, seed=5))
    assert [e.validation for e in tested] == [e.validation for e in evaluations]
    assert len(tested[0].test.predictions) == 50


def test_dropout_knobs_reach_the_model_and_null_gives_back_its_own(job):
    from torch.nn import Dropout

    def rates() -> set[float]:
        return {m.p for m in job.network.module.modules() if isinstance(m, Dropout)}

    job.network.set_dropout(0.3, 0.4)
    assert rates() == {0.3, 0.4}
    attention = job.network.module.bert.encoder.layer[0].attention.self.dropout.p
    assert attention == 0.4
    job.network.set_dropout(None, None)
    assert rates() == {0.1}


def test_biases_and_layer_norms_do_not_decay(job):
    from tuneoff.training.optimiser import exempt_from_decay

    exempt = exempt_from_decay(job.network.module)
    names = {name for name, _ in job.network.module.named_parameters()}
    assert names - exempt == {n for n in names if n.endswith("weight") and "LayerNorm" not in n}


def test_bias_corrected_adamw_matches_a_computation_by_hand():
    """First step of AdamW (Loshchilov & Hutter 2019, algorithm 2): theta (1 - lr wd) - lr g / (|g| + eps)."""
    from torch import nn

    module = nn.Linear(2, 1, bias=False)
    before = module.weight.detach().clone()
    optimiser = Optimiser(module)
    optimiser.set(HP, 0.01, 0.1)
    module.weight.grad = torch.tensor([[0.5, -2.0]])
    optimiser.step()
    expected = before * (1 - 0.01 * 0.1) - 0.01 * torch.tensor([[1.0, -1.0]])
    assert torch.allclose(module.weight, expected, atol=1e-6)


def test_costs_count_every_example_and_real_tokens(job):
    evaluations = list(finetune(job, HP, seed=5))
    assert sum(e.cost.train_examples for e in evaluations) == 140
    assert sum(e.cost.train_tokens for e in evaluations) == 2 * int(job.train.lengths.sum())
    assert sum(e.cost.train_steps for e in evaluations) == 10


def test_evaluation_scores_do_not_depend_on_batching(job):
    one = next(finetune(job, HP, seed=5)).validation
    other = next(finetune(with_settings(job, evaluation_batch_size=7), HP, seed=5)).validation
    assert one.metrics == other.metrics
    assert one.loss == pytest.approx(other.loss, abs=1e-5)


def _job() -> Job:
    from tests.training.conftest import make_base
    from tuneoff.model.network import Network

    device = torch.device("cpu")
    split = DeviceSplit(make_split(70, 1), device)
    return Job(
        network=Network(make_base(), device),
        train=split,
        validation=DeviceSplit(make_split(20, 2), device),
        test=None,
        scoring=scoring(2),
        bf16=False,
    )
