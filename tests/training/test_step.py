"""Steps with settings in tensors and captured by a stand-in give what steps as written give."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from tests.training.test_graphs import FakeBackend
from tuneoff.model.network import Network, takes_wide_mask, wide_mask
from tuneoff.training.checkpoint import TrainState
from tuneoff.training.finetune import Job, finetune
from tuneoff.training.hparams import HParams
from tuneoff.training.optimiser import DeviceOptimiser, Optimiser
from tuneoff.training.step import UNIT, GraphStepper, Stepper, Steppers, make_stepper

HP = HParams(learning_rate=1e-2, batch_size=16, num_epochs=2, weight_decay=0.1, hidden_dropout=0.0, attention_dropout=0.0)


class Given(Steppers):
    def __init__(self, stepper: Stepper) -> None:
        self._stepper = stepper

    def get(self, *_, **__) -> Stepper:
        return self._stepper


def graphed(job: Job, backend: FakeBackend | None = None) -> Job:
    """The same job with a stepper that captures."""
    stepper = GraphStepper(job.network, job.train, cross_entropy, bf16=job.bf16, backend=backend or FakeBackend())
    return replace(job, steppers=Given(stepper))


def run(job: Job, hparams: HParams = HP, **options):
    evaluations = list(finetune(job, hparams, seed=5, **options))
    return evaluations, TrainState.of(evaluations[-1].capture())


def close(left, right, atol: float = 1e-5) -> bool:
    """But for key biases: softmax cancels them, so their gradients are rounding errors, of which Adam makes whole steps."""
    return left.keys() == right.keys() and all(
        torch.allclose(left[n], right[n], rtol=0, atol=atol) for n in left if not n.endswith("key.bias")
    )


def equal(left, right) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[n], right[n]) for n in left)


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.linear, self.norm = nn.Linear(30, 40), nn.LayerNorm(40)


def reference(module: nn.Module, gradients, settings) -> None:
    """torch's own AdamW, one tensor at a time."""
    adamw = torch.optim.AdamW(
        [{"params": [module.linear.weight]}, {"params": [module.linear.bias, module.norm.weight, module.norm.bias]}],
        foreach=False,
    )
    for gradient, (hparams, lr, decay) in zip(gradients, settings, strict=True):
        for group, own in zip(adamw.param_groups, (decay, 0.0), strict=True):
            group.update(lr=lr, weight_decay=own, betas=(hparams.adam_beta1, hparams.adam_beta2), eps=hparams.adam_epsilon)
        for name, p in module.named_parameters():
            p.grad = gradient[name].clone()
        adamw.step()


@pytest.mark.parametrize("kind", [Optimiser, DeviceOptimiser])
def test_both_optimisers_step_as_torch_does_with_settings_that_change_at_every_step(kind):
    rng = np.random.default_rng(0)
    module, other = Net(), Net()
    gradients = [{n: torch.randn(p.shape) for n, p in module.named_parameters()} for _ in range(40)]
    settings = [
        (replace(HP, adam_beta2=0.99 + 0.009 * rng.random()), 10.0 ** rng.uniform(-5, -2), 0.3 * rng.random())
        for _ in gradients
    ]
    optimiser = kind(module)
    for gradient, setting in zip(gradients, settings, strict=True):
        for name, p in module.named_parameters():
            p.grad = gradient[name].clone()
        optimiser.set(*setting)
        optimiser.step()
    reference(other, gradients, settings)
    assert close(dict(module.named_parameters()), dict(other.named_parameters()), 1e-6)


@pytest.mark.parametrize("kind", [Optimiser, DeviceOptimiser])
def test_a_parameter_without_a_gradient_is_left_alone(kind):
    module = Net()
    before = module.linear.weight.detach().clone()
    optimiser = kind(module)
    optimiser.set(HP, 1e-2, 0.5)
    module.linear.bias.grad = torch.ones(40)
    optimiser.step()
    assert torch.equal(module.linear.weight, before)
    assert module.linear.bias.grad is None


def test_a_small_weight_decay_is_not_lost_to_rounding():
    """lr 1e-5 with decay 0.01 takes 1e-7 of a weight; 1 - 1e-7 in fp32 takes 1.19e-7."""
    module = nn.Linear(500, 500, bias=False)
    with torch.no_grad():
        module.weight.uniform_(1.0, 2.0, generator=torch.Generator().manual_seed(0))
    before = module.weight.detach().double()
    optimiser = DeviceOptimiser(module)
    optimiser.set(HP, 1e-5, 0.01)
    for _ in range(20):
        module.weight.grad = torch.zeros_like(module.weight)
        optimiser.step()
    taken = float((1 - module.weight.detach().double() / before).mean())
    assert taken == pytest.approx(20 * 1e-7, rel=0.05)


def test_the_tensors_of_a_device_optimiser_stay_where_they_are_through_reset_and_load(job):
    optimiser = DeviceOptimiser(job.network.module)
    before = {name: t.data_ptr() for name, t in optimiser.moments().items()}
    moments = {name: torch.full_like(t, 0.5) for name, t in optimiser.moments().items()}
    optimiser.load_moments(moments, 7)
    assert equal(optimiser.moments(), moments)
    assert {float(state["step"]) for state in optimiser._adamw.state.values()} == {7.0}
    optimiser.reset()
    assert not any(t.any() for t in optimiser.moments().values())
    assert {float(state["step"]) for state in optimiser._adamw.state.values()} == {0.0}
    assert {name: t.data_ptr() for name, t in optimiser.moments().items()} == before


def test_captured_steps_train_as_steps_as_written_do(job):
    expected, weights = run(job)
    backend = FakeBackend()
    got, captured = run(graphed(job, backend))
    assert "replay" in backend.events
    assert close(weights.weights, captured.weights)
    assert [e.validation.loss for e in got] == pytest.approx([e.validation.loss for e in expected], abs=1e-5)
    assert [e.cost.train_steps for e in got] == [e.cost.train_steps for e in expected]


def test_full_batches_are_captured_by_size_and_padded_length_and_the_rest_of_an_epoch_is_not(job):
    backend = FakeBackend()
    run(graphed(job, backend))  # 70 examples of 4 to 12 tokens: 4 batches of 16 and one of 6, twice
    assert backend.events.count("capture") == 1
    assert backend.events.count("replay") == 7
    assert backend.events.count("run") == 3


def test_padded_lengths_are_multiples_of_the_unit_up_to_the_longest_example(job, monkeypatch):
    widths = set()
    original = GraphStepper._work

    def work(stepper, rows, width, *rest):
        widths.add(width)
        original(stepper, rows, width, *rest)

    monkeypatch.setattr(GraphStepper, "_work", work)
    run(graphed(job))
    assert widths == {min(UNIT, int(job.train.lengths.max()))}


def test_a_graph_outlives_its_trial_and_acts_on_the_next_ones_settings(job):
    backend = FakeBackend()
    shared = graphed(job, backend)
    run(shared)
    backend.events.clear()
    other = replace(HP, learning_rate=3e-3, weight_decay=0.0)
    _, got = run(shared, other)
    assert "capture" not in backend.events
    _, expected = run(job, other)
    assert close(got.weights, expected.weights)


@pytest.mark.parametrize(
    "change",
    [
        {"hidden_dropout": 0.2},
        {"attention_dropout": 0.2},
        {"max_grad_norm": 0.5},
        {"adam_beta1": 0.8},
        {"adam_beta2": 0.9},
        {"adam_epsilon": 1e-6},
        {"batch_size": 8},
    ],
)
def test_what_a_graph_has_fixed_needs_another_graph(job, change):
    backend = FakeBackend()
    shared = graphed(job, backend)
    run(shared)
    backend.events.clear()
    run(shared, replace(HP, **change))
    assert "capture" in backend.events


def test_with_captured_steps_too_resumption_is_exact(job):
    whole, straight = run(graphed(job), replace(HP, hidden_dropout=0.1, attention_dropout=0.1))
    dropped = replace(HP, hidden_dropout=0.1, attention_dropout=0.1)
    state = next(finetune(graphed(job), dropped, seed=5)).capture()
    (second,), resumed = run(graphed(job), dropped, state=state)
    assert equal(straight.weights, resumed.weights)
    assert equal(straight.moments, resumed.moments)
    assert equal(straight.generators, resumed.generators)
    assert second.validation == whole[-1].validation


def test_a_failed_capture_changes_nothing_but_the_mode(job):
    shared = graphed(job, FakeBackend(fails=RuntimeError("not permitted")))
    _, got = run(shared)
    assert shared.stepper.mode == "eager (capture failed: RuntimeError: not permitted)"
    _, expected = run(job)
    assert close(got.weights, expected.weights)


def test_the_loss_that_is_taken_is_the_sum_of_the_steps_since_the_last_time(job):
    """Without an update (a rate of 0) each step's loss is that of the untouched network."""
    stepper = make_stepper(job.network, job.train, cross_entropy, bf16=False, cuda_graphs=False)
    stepper.reset()
    job.network.reset(5)
    pieces = list(job.train.slices(np.arange(len(job.train)), 16))[:2]
    batches = [job.train.gather(piece.rows, piece.longest) for piece in pieces]
    job.network.module.eval()
    with torch.no_grad():
        losses = [float(cross_entropy(job.network.logits(batch, bf16=False), batch.labels)) for batch in batches]
    stepper.prepare(HP)
    for piece in pieces:
        stepper.step(piece, HP, 0.0, 0.0)
    assert stepper.take_loss() == pytest.approx(sum(losses), rel=1e-5)
    assert stepper.take_loss() == 0.0
    stepper.step(pieces[0], HP, 0.0, 0.0)
    stepper.reset()
    assert stepper.take_loss() == 0.0, "a trial begins without the last one's"


@pytest.mark.parametrize("most", [0.0, 0.01, 1e6])
def test_gradients_are_clipped_to_the_norm_asked_for_and_not_at_all_by_0(job, monkeypatch, most):
    stepper = make_stepper(job.network, job.train, cross_entropy, bf16=False, cuda_graphs=False)
    norms = []

    def note() -> None:
        gradients = [p.grad for p in stepper.optimiser.parameters if p.grad is not None]
        norms.append(float(torch.linalg.vector_norm(torch.stack([g.norm() for g in gradients]))))

    monkeypatch.setattr(stepper.optimiser, "step", note)
    job.network.reset(5)
    stepper.reset()
    stepper.prepare(HP)
    stepper.step(next(job.train.slices(np.arange(16), 16)), replace(HP, max_grad_norm=most), 1e-3, 0.0)
    assert norms == ([pytest.approx(0.01, rel=1e-4)] if most == 0.01 else [pytest.approx(norms[0])])
    assert (norms[0] > 0.05) == (most != 0.01)


def test_a_captured_step_is_typical_the_second_time_and_one_as_written_the_first(job):
    backend = FakeBackend()
    captured = graphed(job, backend).stepper
    assert (job.stepper.rehearsals, captured.rehearsals) == (1, 2)
    captured.reset()
    job.network.reset(5)
    captured.prepare(HP)
    piece = next(job.train.slices(np.arange(16), 16))
    for _ in range(captured.rehearsals):
        captured.step(piece, HP, 1e-3, 0.0)
    assert backend.events.count("capture") == 1
    captured.graphs.give_up("tried")
    assert captured.rehearsals == 1


def test_on_a_cpu_steps_run_as_written(job):
    stepper = make_stepper(job.network, job.train, cross_entropy, bf16=False, cuda_graphs=True)
    assert type(stepper) is Stepper
    assert stepper.mode == "eager"


def test_a_wide_mask_gives_the_same_logits_and_is_not_given_where_it_would_not(base):
    module = Network(base, torch.device("cpu"), shortened=False).module
    assert takes_wide_mask(module, torch.device("cpu"))

    class Narrow(nn.Module):
        config = module.config

        def forward(self, input_ids, attention_mask):
            if attention_mask.dim() != 2:
                raise ValueError
            return module(input_ids=input_ids, attention_mask=attention_mask)

    class Deaf(nn.Module):
        config = module.config

        def forward(self, input_ids, attention_mask):
            return module(input_ids=input_ids, attention_mask=attention_mask if attention_mask.dim() == 2 else None)

    from transformers import AutoModelForSequenceClassification, ModernBertConfig

    windowed = AutoModelForSequenceClassification.from_config(
        ModernBertConfig(
            vocab_size=60,
            pad_token_id=0,
            bos_token_id=1,
            eos_token_id=2,
            cls_token_id=1,
            sep_token_id=2,
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=64,
            max_position_embeddings=64,
            local_attention=8,
        ),
        attn_implementation="sdpa",
    )
    assert not takes_wide_mask(windowed, torch.device("cpu")), "a wide mask would replace its windows"
    assert not takes_wide_mask(Narrow(), torch.device("cpu"))
    assert not takes_wide_mask(Deaf(), torch.device("cpu"))


def test_a_wide_mask_is_added_to_scores():
    mask = wide_mask(torch.tensor([[1, 1, 0]]), bf16=True)
    assert mask.shape == (1, 1, 3, 3)
    assert mask.dtype == torch.bfloat16
    assert mask[0, 0, 1].tolist() == [0.0, 0.0, torch.finfo(torch.bfloat16).min]


def test_a_stepper_is_kept_from_job_to_job_while_they_ask_for_the_same(job):
    other = replace(job, settings=replace(job.settings, evaluation_batch_size=7))
    first = job.stepper
    assert other.stepper is first
    assert replace(job, bf16=True).stepper is not first


@pytest.mark.parametrize("kind", [Optimiser, DeviceOptimiser])
def test_a_parameter_without_a_gradient_has_no_moments_and_is_no_obstacle_to_resuming(kind):
    """As a pooler that no output comes from."""
    module = Net()
    optimiser = kind(module)
    for _ in range(2):
        module.linear(torch.ones(1, 30)).sum().backward()
        optimiser.set(HP, 1e-3, 0.0)
        optimiser.step()
    moments = {name: moment.clone() for name, moment in optimiser.moments().items() if name.startswith("linear")}
    weight = module.linear.weight.detach().clone()
    again = kind(Net())
    again.load_moments(moments, 2)
    assert all(torch.equal(again.moments()[name], moment) for name, moment in moments.items())
    with torch.no_grad():
        again._named["linear.weight"].copy_(weight)
    for each, owner in ((optimiser, module.linear), (again, None)):
        parameter = owner.weight if owner is not None else each._named["linear.weight"]
        parameter.grad = torch.ones_like(parameter)
        each.set(HP, 1e-3, 0.0)
        each.step()
    assert torch.equal(again._named["linear.weight"], module.linear.weight)
