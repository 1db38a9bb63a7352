"""Every architecture that we say we support: logits, dropouts, training and resuming, beside transformers' own module."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
import transformers as t
from torch import nn

from tests.model.small_models import CONFIGS, SIZES, base_of, split_of, theirs
from tests.training.conftest import WORDS
from tuneoff import plugins
from tuneoff.model.architectures import architecture_names, architecture_of, check_hparams
from tuneoff.model.architectures.contract import Architecture
from tuneoff.model.batch import Batch
from tuneoff.model.config import ModelConfig
from tuneoff.model.loading import load_base
from tuneoff.model.network import Network
from tuneoff.model.settings import ModelError, ModelSettings
from tuneoff.model.vocabulary import compact
from tuneoff.task.kinds import scoring
from tuneoff.training.batches import DeviceSplit
from tuneoff.training.checkpoint import TrainState
from tuneoff.training.finetune import Job, finetune
from tuneoff.training.hparams import HParams

CPU = torch.device("cpu")
every = pytest.mark.parametrize("name", CONFIGS)


def batch_of(split, rows) -> Batch:
    return next(DeviceSplit(split, CPU).batches(np.asarray(rows), len(rows)))


def their_logits(module: nn.Module, batch: Batch, padding: int) -> torch.Tensor:
    """As a user of transformers would: padded with the padding's word."""
    ids = batch.input_ids.masked_fill(batch.attention_mask == 0, padding)
    takes_types = getattr(module.config, "type_vocab_size", 0) > 1
    types = {"token_type_ids": batch.token_type_ids} if takes_types else {}
    with torch.no_grad():
        return module.eval()(input_ids=ids, attention_mask=batch.attention_mask, **types).logits


def network_of(base, **options) -> Network:
    """With the head of the base itself."""
    network = Network(replace(base, missing=()), CPU, **options)
    network.reset(0)
    network.module.eval()
    return network


def test_every_registered_architecture_is_tested():
    assert {config.model_type for config in CONFIGS.values()} == set(architecture_names())


@every
@pytest.mark.parametrize("shortened", [True, False])
@pytest.mark.parametrize("cut", [False, True], ids=["all word rows", "the used ones"])
def test_logits_equal_transformers_to_1e_5_padded_and_alone_before_and_after_the_cut(name, shortened, cut):
    module = theirs(CONFIGS[name])
    base, split = base_of(module), split_of(12, 1, module.config.pad_token_id)
    model, (used,) = compact(base, [split]) if cut else (base, [split])
    if cut:
        assert model.config.vocab_size < base.config.vocab_size
    network = network_of(model, shortened=shortened)
    for rows in (range(12), [3], [5, 2]):
        with torch.no_grad():
            logits = network.logits(batch_of(used, rows), bf16=False)
        expected = their_logits(module, batch_of(split, rows), module.config.pad_token_id)
        torch.testing.assert_close(logits, expected, rtol=0, atol=1e-5)
        for place, row in enumerate(rows):
            alone = their_logits(module, batch_of(split, [row]), module.config.pad_token_id)
            torch.testing.assert_close(logits[place : place + 1], alone, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["roberta", "xlm-roberta", "camembert", "mpnet"])
def test_rows_up_to_the_paddings_are_kept_since_positions_start_from_its_number(name):
    base = base_of(theirs(CONFIGS[name]))
    small, (used,) = compact(base, [split_of(12, 1, 1)])
    assert small.config.pad_token_id == base.config.pad_token_id == 1
    assert used.input_ids.min() == 2
    words = base.architecture.word_rows
    assert np.array_equal(small.weights[words][:2], base.weights[words][:2])


def outputs(network: Network, batch: Batch, hidden: float | None, attention: float | None, *, seed: int = 0) -> torch.Tensor:
    """In training mode."""
    network.module.train()
    network.set_dropout(hidden, attention)
    torch.manual_seed(seed)
    with torch.no_grad():
        return network.logits(batch, bf16=False)


@every
@pytest.mark.parametrize("shortened", [True, False])
def test_a_dropout_of_0_makes_training_evaluation_and_each_rate_changes_it_by_itself(name, shortened):
    module = theirs(CONFIGS[name])
    network, batch = (
        network_of(base_of(module), shortened=shortened),
        batch_of(split_of(12, 1, module.config.pad_token_id), range(12)),
    )
    with torch.no_grad():
        evaluated = network.logits(batch, bf16=False)
    torch.testing.assert_close(outputs(network, batch, 0.0, 0.0), evaluated, rtol=0, atol=1e-5)
    for rates in ((0.95, 0.0), (0.0, 0.95)):
        assert (outputs(network, batch, *rates) - evaluated).abs().max() > 1e-2, rates
    assert not torch.equal(outputs(network, batch, 0.5, 0.5), outputs(network, batch, 0.5, 0.5, seed=1))


@every
@pytest.mark.parametrize("shortened", [True, False])
def test_every_place_of_dropout_is_set_and_none_gives_back_the_models_own(name, shortened):
    network = network_of(base_of(theirs(CONFIGS[name])), shortened=shortened)
    own = {path: part.p for path, part in network.module.named_modules() if isinstance(part, nn.Dropout)}
    network.set_dropout(0.11, 0.22)
    found = {path: part.p for path, part in network.module.named_modules() if isinstance(part, nn.Dropout)}
    assert set(found.values()) <= {0.11, 0.22}
    attention = network._base.architecture.dropouts(network.module).attention
    assert [place.p for place in attention] == [0.22] * len(attention)
    assert len(attention) == (1 if name == "albert" else 3), "one a layer"
    network.set_dropout(None, None)
    assert {path: part.p for path, part in network.module.named_modules() if isinstance(part, nn.Dropout)} == own


@pytest.mark.parametrize("name", [name for name in CONFIGS if name != "distilbert"])
def test_the_same_rates_in_transformers_configuration_drop_at_the_same_places(name):
    """A place that transformers' own rate of hidden states reaches is one that hidden_dropout reaches, and so for attention."""
    by_setting = {"hidden": {"hidden_dropout_prob": 0.31}, "attention": {"attention_probs_dropout_prob": 0.31}}
    if name == "modernbert":
        by_setting = {"hidden": dict.fromkeys(("embedding_dropout", "mlp_dropout", "classifier_dropout"), 0.31)}
    for which, settings in by_setting.items():
        module = theirs(type(CONFIGS[name])(**{**CONFIGS[name].to_dict(), **settings}))
        dropouts = architecture_of(ModelConfig.of(module.config)).dropouts(module)
        reached = {id(part) for part in module.modules() if isinstance(part, nn.Dropout) and part.p == 0.31}
        assert reached, which
        assert reached <= {id(place) for place in getattr(dropouts, which)}, which


def job_of(network: Network, padding: int) -> Job:
    return Job(
        network=network,
        train=DeviceSplit(split_of(30, 1, padding), CPU),
        validation=DeviceSplit(split_of(12, 2, padding), CPU),
        test=None,
        scoring=scoring(2),
        bf16=False,
    )


@every
def test_it_trains_with_a_finite_loss_and_resumes_to_the_same_weights(name):
    module = theirs(CONFIGS[name])
    padding = module.config.pad_token_id
    hparams = HParams(num_epochs=2, batch_size=8, learning_rate=1e-3, hidden_dropout=0.1, attention_dropout=0.1)
    job = job_of(Network(base_of(module), CPU), padding)
    states = []
    for evaluation in finetune(job, hparams, seed=3):
        states.append(evaluation.capture())
    again = list(finetune(job_of(Network(base_of(module), CPU), padding), hparams, seed=3, state=states[0]))
    resumed, last, first = (TrainState.of(state) for state in (again[-1].capture(), states[1], states[0]))
    assert np.isfinite(again[-1].validation.loss)
    assert resumed.examples_seen == last.examples_seen == 60
    moved = False
    for parameter, weights in last.weights.items():
        assert torch.equal(resumed.weights[parameter], weights), parameter
        moved |= not torch.equal(weights, first.weights[parameter])
    assert moved


@every
def test_files_are_loaded_whole_and_with_fewer_layers(name, tmp_path):
    module = theirs(CONFIGS[name])
    module.save_pretrained(tmp_path)
    settings = ModelSettings(name="small", source=str(tmp_path), num_layers=None, max_length=32)
    base = load_base(settings, 2)
    assert base.architecture == architecture_of(base.config)
    assert set(base.weights) == set(module.state_dict())
    sent = pickle.loads(pickle.dumps(base))
    assert sent.architecture == base.architecture
    split = split_of(12, 1, module.config.pad_token_id)
    with torch.no_grad():
        logits = network_of(base).logits(batch_of(split, range(12)), bf16=False)
    torch.testing.assert_close(
        logits, their_logits(module, batch_of(split, range(12)), module.config.pad_token_id), rtol=0, atol=1e-5
    )
    fewer = load_base(replace(settings, num_layers=2), 2)
    assert len(fewer.weights) < len(base.weights) or name == "albert"
    with torch.no_grad():
        assert network_of(fewer).logits(batch_of(split, range(12)), bf16=False).isfinite().all()


@pytest.mark.parametrize(("name", "longest"), [("bert", 40), ("roberta", 38), ("mpnet", 38), ("modernbert", 40)])
def test_an_input_may_be_as_long_as_the_positions_that_are_left_for_it(name, longest, tmp_path):
    theirs(CONFIGS[name]).save_pretrained(tmp_path)
    settings = ModelSettings(name="small", source=str(tmp_path), num_layers=None, max_length=longest)
    base = load_base(settings, 2)
    ids = torch.full((1, longest), 7)
    batch = Batch(
        input_ids=ids, token_type_ids=torch.zeros_like(ids), attention_mask=torch.ones_like(ids), labels=torch.zeros(1).long()
    )
    assert network_of(base, shortened=False).logits(batch, bf16=False).isfinite().all()
    with pytest.raises(ModelError, match=f"max_length is {longest + 1}, but .* takes at most {longest}"):
        load_base(replace(settings, max_length=longest + 1), 2)


STRANGE = t.RoFormerConfig(**SIZES)


def test_what_no_file_knows_takes_transformers_own_forward_pass_with_every_word_row():
    module = theirs(STRANGE)
    base, split = base_of(module), split_of(12, 1, 0)
    assert base.architecture is None
    small, (same,) = compact(base, [split])
    assert small is base
    assert same is split
    network = network_of(base)
    assert network.module.config._attn_implementation == module.config._attn_implementation
    with torch.no_grad():
        logits = network.logits(batch_of(split, range(12)), bf16=False)
    torch.testing.assert_close(logits, their_logits(module, batch_of(split, range(12)), 0))
    *_, last = finetune(job_of(Network(base, CPU), 0), HParams(num_epochs=1, batch_size=8), seed=1)
    assert np.isfinite(last.validation.loss)


def test_padding_is_the_models_own_word_and_token_types_are_given_to_models_that_have_some():
    """GPT-2's classifier reads the last token that is not the padding's word, and takes token types for words."""
    sizes = {"vocab_size": WORDS, "n_positions": 40, "n_embd": 24, "n_layer": 2, "n_head": 2, "num_labels": 2}
    module = theirs(t.GPT2Config(**sizes, initializer_range=0.3, pad_token_id=WORDS - 1, bos_token_id=1, eos_token_id=1))
    split, network = split_of(12, 1, WORDS - 1), network_of(base_of(module))
    with torch.no_grad():
        logits = network.logits(batch_of(split, range(12)), bf16=False)
    for row in range(12):
        alone = their_logits(module, batch_of(split, [row]), WORDS - 1)
        torch.testing.assert_close(logits[row : row + 1], alone, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["hidden_dropout", "attention_dropout"])
def test_a_dropout_that_cannot_be_applied_to_a_model_is_refused_by_name(name):
    strange, known = ModelConfig.of(STRANGE), ModelConfig.of(CONFIGS["albert"])
    message = rf"{name} is set, but it can't be applied to a roformer model.*space.{name}=null.*albert, bert"
    with pytest.raises(ModelError, match=message):
        check_hparams(strange, {"learning_rate", name})
    check_hparams(known, {name})
    check_hparams(strange, {"learning_rate", "batch_size"})
    assert HParams(**{name: 0.1}).of_the_model == {name}
    assert HParams().of_the_model == frozenset()


def test_a_dropout_at_an_unknown_place_is_an_error_instead_of_a_guess():
    module = theirs(CONFIGS["bert"])
    module.bert.pooler.new_dropout = nn.Dropout(0.1)
    with pytest.raises(ModelError, match=r"a dropout at 'bert.pooler.new_dropout' of bert"):
        architecture_of(ModelConfig.of(module.config)).dropouts(module)


def test_an_architecture_of_a_users_module_is_found_and_used():
    @plugins.register("architecture", "roformer")
    class RoFormer(Architecture):
        word_rows = "roformer.embeddings.word_embeddings.weight"
        hidden = (
            "roformer.embeddings.dropout",
            "roformer.encoder.layer.*.attention.output.dropout",
            "roformer.encoder.layer.*.output.dropout",
            "classifier.dropout",
        )
        attention = ("roformer.encoder.layer.*.attention.self.dropout",)

    try:
        module = theirs(STRANGE)
        small, (used,) = compact(base_of(module), [split_of(12, 1, 0)])
        assert small.config.vocab_size < WORDS
        check_hparams(small.config, {"attention_dropout"})
        with torch.no_grad():
            logits = network_of(small).logits(batch_of(used, range(12)), bf16=False)
        torch.testing.assert_close(logits, their_logits(module, batch_of(split_of(12, 1, 0), range(12)), 0), rtol=0, atol=1e-5)
    finally:
        del plugins._registered["architecture"]["roformer"]
