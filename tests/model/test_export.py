"""A trained model as a folder: what from_pretrained reads computes what was scored, and knows every word."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
import transformers as t

from tests.model.small_models import CONFIGS, SIZES, base_of, split_of, theirs
from tests.model.test_architectures import CPU, batch_of, their_logits
from tests.training.conftest import WORDS
from tuneoff.model.export import export_classifier
from tuneoff.model.network import Network
from tuneoff.model.vocabulary import compact, expand, used_rows


def exported(module, folder, *, labels=("no", "yes"), loss="cross_entropy"):
    """(logits of the trained compact network, the model read back, its split, the whole base)."""
    base, split = base_of(module), split_of(12, 1, module.config.pad_token_id or 0)
    used = used_rows(base, [split])
    small, (renumbered,) = compact(base, [split], used)
    network = Network(replace(small, missing=()), CPU)
    network.reset(0)
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():  # as if trained
        for parameter in network.module.parameters():
            parameter.add_(0.02 * torch.randn(parameter.shape, generator=generator))
        network.module.eval()
        logits = network.logits(batch_of(renumbered, range(12)), bf16=False)
    weights = {name: parameter.detach().numpy() for name, parameter in network.module.named_parameters()}
    export_classifier(base, expand(base, used, weights), labels=labels, loss=loss, folder=folder)
    return logits, t.AutoModelForSequenceClassification.from_pretrained(folder), split, base, used


@pytest.mark.parametrize("name", CONFIGS)
def test_the_model_that_is_read_back_computes_what_was_scored(name, tmp_path):
    logits, model, split, base, used = exported(theirs(CONFIGS[name]), tmp_path)
    padding = model.config.pad_token_id or 0
    torch.testing.assert_close(their_logits(model, batch_of(split, range(12)), padding), logits, rtol=0, atol=1e-4)
    assert model.config.vocab_size == WORDS, "every word is there"
    words = base.architecture.word_rows
    rows = model.state_dict()[words].numpy()
    left_out = np.setdiff1d(np.arange(WORDS), used)
    assert len(left_out) > 0
    assert np.array_equal(rows[left_out], base.weights[words][left_out]), "as they were pre-trained"
    assert not np.array_equal(rows[used], base.weights[words][used])
    assert model.config.id2label == {0: "no", 1: "yes"}
    assert model.config.label2id == {"no": 0, "yes": 1}
    assert [file.name for file in tmp_path.iterdir() if file.suffix != ".json"] == ["model.safetensors"]


def test_an_architecture_that_is_not_known_is_written_as_well(tmp_path):
    torch.manual_seed(1)
    module = t.AutoModelForSequenceClassification.from_config(t.RoFormerConfig(**SIZES)).eval()
    weights = {name: tensor.numpy().copy() for name, tensor in module.state_dict().items()}
    base = replace(base_of(theirs(CONFIGS["bert"])), config=module.config, weights=weights, architecture=None)
    trained = {name: 2 * parameter.detach().numpy() for name, parameter in module.named_parameters()}
    export_classifier(base, expand(base, None, trained), labels=(), loss="mean_squared_error", folder=tmp_path)
    model = t.AutoModelForSequenceClassification.from_pretrained(tmp_path)
    for name, parameter in model.named_parameters():
        np.testing.assert_array_equal(parameter.detach().numpy(), trained[name])
    assert model.config.problem_type == "regression"


def test_where_the_model_was_read_from_is_not_written(tmp_path):
    module = theirs(CONFIGS["bert"])
    module.config._name_or_path = "/home/somebody/models/bert"
    exported(module, tmp_path)
    assert "somebody" not in json.dumps(json.loads((tmp_path / "config.json").read_text()))
