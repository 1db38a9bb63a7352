"""The shortened forward pass against transformers' own."""

from __future__ import annotations

import pickle
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from transformers import AutoModelForSequenceClassification, BertConfig, DistilBertConfig, ElectraConfig, LEDConfig

from tests.training.conftest import WORDS, make_base, make_split
from tuneoff.model.architectures import architecture_of
from tuneoff.model.config import ModelConfig
from tuneoff.model.dropout import dropout, keep_mask
from tuneoff.model.encoder import Encoder
from tuneoff.model.network import Network
from tuneoff.model.packing import Packing, padded
from tuneoff.model.skeleton import skeleton
from tuneoff.training.batches import Batch, DeviceSplit
from tuneoff.training.checkpoint import TrainState
from tuneoff.training.finetune import finetune
from tuneoff.training.hparams import HParams
from tuneoff.training.optimiser import exempt_from_decay
from tuneoff.training.step import Steppers

BERT = BertConfig(
    vocab_size=WORDS,
    hidden_size=24,
    num_hidden_layers=3,
    num_attention_heads=2,
    intermediate_size=40,
    max_position_embeddings=32,
    num_labels=3,
    initializer_range=0.3,
)
DISTILBERT = DistilBertConfig(
    vocab_size=WORDS,
    dim=24,
    n_layers=3,
    n_heads=2,
    hidden_dim=40,
    num_labels=3,
    max_position_embeddings=32,
    initializer_range=0.3,
)


def make(config: object) -> torch.nn.Module:
    torch.manual_seed(1)
    return AutoModelForSequenceClassification.from_config(config, attn_implementation="sdpa", dtype=torch.float32).eval()


def encoder_of(model: torch.nn.Module) -> Encoder | None:
    config = ModelConfig.of(model.config)
    fast = architecture_of(config).fast
    return fast.encoder(model, config) if fast else None


def batches() -> list[Batch]:
    """Ragged, of one length only, and of a single example."""
    split = DeviceSplit(make_split(40, 1), torch.device("cpu"))
    equal = (split.lengths == split.lengths[0]).nonzero()[0]
    return [next(split.batches(order, 20)) for order in (torch.arange(40).numpy(), equal, equal[:1])]


def theirs(model: torch.nn.Module, batch: Batch) -> torch.Tensor:
    types = {"token_type_ids": batch.token_type_ids} if isinstance(model.config, BertConfig) else {}
    return model(input_ids=batch.input_ids, attention_mask=batch.attention_mask, **types).logits


@pytest.mark.parametrize("config", [BERT, DISTILBERT], ids=["bert", "distilbert"])
def test_logits_equal_transformers_to_1e_5_and_so_does_every_gradient_but_for_rounding(config):
    model = make(config)
    encoder = encoder_of(model)
    for batch in batches():
        results = []
        for logits in (encoder.logits(batch, training=False, bf16=False), theirs(model, batch)):
            model.zero_grad()
            logits.square().sum().backward()
            results.append((logits.detach(), {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}))
        (ours, our_gradients), (reference, gradients) = results
        torch.testing.assert_close(ours, reference, rtol=0, atol=1e-5)
        for name, gradient in gradients.items():
            torch.testing.assert_close(our_gradients[name], gradient, rtol=1e-4, atol=5e-5, msg=name)  # up to 35


@pytest.mark.parametrize("config", [BERT, DISTILBERT], ids=["bert", "distilbert"])
def test_in_bf16_it_is_as_near_to_fp32_as_autocast_is(config):
    model = make(config)
    encoder, batch = encoder_of(model), batches()[0]
    with torch.no_grad():
        exact = theirs(model, batch)
        with torch.autocast("cpu", torch.bfloat16):
            autocast = theirs(model, batch).float()
        ours = encoder.logits(batch, training=False, bf16=True)
    assert (ours - exact).abs().max() < 1.5 * (autocast - exact).abs().max()


@pytest.mark.parametrize(
    "config",
    [
        ElectraConfig(
            vocab_size=WORDS,
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=32,
            embedding_size=16,
            max_position_embeddings=32,
        ),
        BertConfig(**{**BERT.to_dict(), "hidden_act": "relu"}),
    ],
    ids=["another architecture", "another activation"],
)
def test_what_it_does_not_know_is_left_to_transformers(config):
    model = make(config)
    assert encoder_of(model) is None
    base = replace(make_base(), config=config, missing=(), weights={n: t.numpy() for n, t in model.state_dict().items()})
    network, batch = Network(base, torch.device("cpu")), batches()[0]
    network.reset(1)
    network.module.eval()
    expected = model(input_ids=batch.input_ids, attention_mask=batch.attention_mask, token_type_ids=batch.token_type_ids).logits
    torch.testing.assert_close(network.logits(batch, bf16=False), expected)


@pytest.mark.parametrize("which", ["attention", "hidden"])
def test_each_dropout_rate_reaches_the_forward_pass_and_evaluation_has_none(base, which):
    network, batch = Network(base, torch.device("cpu")), batches()[0]
    network.reset(1)
    network.set_dropout(0.0, 0.0)
    network.module.train()
    torch.manual_seed(0)
    none = network.logits(batch, bf16=False)
    network.set_dropout(*((0.0, 0.5) if which == "attention" else (0.5, 0.0)))
    first, second = network.logits(batch, bf16=False), network.logits(batch, bf16=False)
    assert not torch.allclose(first, none, atol=1e-3)
    assert not torch.allclose(first, second, atol=1e-3)
    network.module.eval()
    torch.testing.assert_close(network.logits(batch, bf16=False), none)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.9])
def test_dropout_keeps_the_share_it_should_scales_what_it_keeps_and_follows_the_generator(dtype, rate):
    ones = torch.ones(301, 1001, dtype=dtype)
    torch.manual_seed(3)
    dropped = dropout(ones, rate)
    expected = torch.nn.functional.dropout(ones, rate)
    assert set(dropped.unique().tolist()) == set(expected.unique().tolist())
    share = float((dropped == 0).float().mean())
    assert abs(share - rate) < 4 * (rate * (1 - rate) / ones.numel()) ** 0.5 + 1e-9
    torch.manual_seed(3)
    assert torch.equal(dropout(ones, rate), dropped)


def test_dropped_elements_are_independent_of_their_neighbours():
    """Several come from one 64-bit draw: each lag within it must be uncorrelated (bound: 5 standard errors)."""
    torch.manual_seed(4)
    dropped = (keep_mask(torch.Size((400_000,)), 0.3, torch.bfloat16) == 0).double() - 0.3
    for lag in range(1, 9):
        correlation = float((dropped[lag:] * dropped[:-lag]).mean()) / 0.21
        assert abs(correlation) < 5 / 400_000**0.5


@given(st.integers(1, 20_000))
def test_token_counts_are_padded_to_few_sizes_and_not_by_much(tokens):
    rows = padded(tokens)
    assert 0 <= rows - tokens < max(16, tokens / 32 + 1)
    assert padded(rows) == rows
    assert len({padded(n) for n in range(tokens, 2 * tokens + 1)}) <= 66


def test_padded_rows_carry_no_gradient():
    mask = torch.tensor([[1, 1, 1, 0], [1, 1, 0, 0], [1, 1, 1, 1]])
    packing = Packing.of(mask)
    assert (packing.tokens, len(packing.real)) == (9, 16)
    rows = torch.randn(16, 6, requires_grad=True)
    (key, value) = packing.unpack(rows, 2, 1)
    packed = packing.pack(key + value, 1)
    packed[:9].square().sum().backward()
    assert rows.grad[:9].abs().min() > 0
    assert not rows.grad[9:].any()
    total = rows[:9, :3] + rows[:9, 3:]
    torch.testing.assert_close(packed[:9], total)
    torch.testing.assert_close(rows.grad[:9, :3], 2 * total)


@pytest.mark.parametrize(
    "config",
    [
        BERT,
        DISTILBERT,
        BertConfig(
            **{
                **BERT.to_dict(),
                "classifier_dropout": 0.3,
                "attention_probs_dropout_prob": 0.2,
                "layer_norm_eps": 1e-6,
                "pad_token_id": 3,
            }
        ),
    ],
    ids=["bert", "distilbert", "set otherwise"],
)
def test_the_skeleton_is_transformers_module_in_names_order_shapes_and_rates(config):
    model = make(config)
    weights = {n: t.numpy() for n, t in model.state_dict().items()}
    plain = ModelConfig.of(config)
    own = skeleton(plain, weights, architecture_of(plain).fast.rates(plain))
    assert list(own.state_dict()) == list(weights), "the head is drawn in this order"
    assert [(n, p.shape) for n, p in own.named_parameters()] == [(n, p.shape) for n, p in model.named_parameters()]
    assert exempt_from_decay(own) == exempt_from_decay(model)
    theirs_by_name = dict(model.named_modules())
    found = {name: module for name, module in own.named_modules() if not list(module.children())}
    for name, module in found.items():
        reference = theirs_by_name[name]
        for setting in ("p", "eps", "padding_idx", "in_features", "out_features"):
            assert getattr(module, setting, None) == getattr(reference, setting, None), (name, setting)
    kinds = (nn.Linear, nn.LayerNorm, nn.Embedding, nn.Dropout)
    unused = {n for n, m in theirs_by_name.items() if isinstance(m, kinds) and n not in found}
    assert all("dropout" in n for n in unused), unused


def test_training_on_the_skeleton_is_bit_for_bit_training_on_transformers_module(base, job, monkeypatch):
    hparams = HParams(num_epochs=1, batch_size=16, learning_rate=1e-3, hidden_dropout=0.1, attention_dropout=0.2)

    def trained(network: Network):
        *_, last = finetune(replace(job, network=network, steppers=Steppers()), hparams, seed=3)
        return TrainState.of(last.capture())

    ours = trained(Network(base, torch.device("cpu")))
    monkeypatch.setattr("tuneoff.model.network.skeleton", lambda config, *_: make_theirs(config))
    theirs = trained(Network(base, torch.device("cpu")))
    for kind in ("weights", "moments", "generators"):
        a, b = getattr(ours, kind), getattr(theirs, kind)
        assert list(a) == list(b)
        assert all(torch.equal(a[n], b[n]) for n in a), kind


def make_theirs(config: ModelConfig) -> torch.nn.Module:
    return make(config.to_transformers())


def test_a_worker_of_a_known_architecture_never_imports_transformers(base):
    code = (
        "import pickle, sys, torch, tuneoff.execution.worker; from tuneoff.model.network import Network; "
        "network = Network(pickle.loads(sys.stdin.buffer.read()), torch.device('cpu')); network.reset(1); "
        "print('transformers' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], input=pickle.dumps(base), capture_output=True, check=True)
    assert done.stdout.strip() == b"False"


@pytest.mark.parametrize("config", [BERT, DISTILBERT], ids=["bert", "distilbert"])
def test_an_architecture_goes_to_plain_values_and_back(config):
    assert ModelConfig.of(config).to_transformers().to_dict() == config.to_dict()


def test_a_kind_that_calls_the_heads_spread_otherwise_keeps_it():
    assert ModelConfig.of(LEDConfig(init_std=0.5)).initializer_range == 0.5
