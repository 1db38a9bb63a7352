"""Low-rank adapters: what is trained, what the network computes, and the whole model that it stands for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import transformers as t

from tests.model.small_models import CONFIGS, base_of, split_of, theirs
from tests.model.test_architectures import CPU, batch_of, their_logits
from tuneoff.model.adapter import ATTENTION, LINEAR, TARGETS, Adapter, check_targets, merged, trained_parameters
from tuneoff.model.export import export_classifier
from tuneoff.model.network import Network
from tuneoff.model.settings import ModelError
from tuneoff.model.vocabulary import compact

pytest.importorskip("peft")
SMALL = Adapter(rank=2, alpha=4.0, dropout=0.0, targets=ATTENTION)


def adapted(base, adapter=SMALL):
    from tuneoff.model.adapted import AdaptedNetwork

    return AdaptedNetwork(base, CPU, adapter)


def as_if_trained(network):
    """Every parameter that is trained is moved a little."""
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for parameter in network.trained().values():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    network.module.eval()
    return {name: parameter.detach().numpy() for name, parameter in network.trained().items()}


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("targets", TARGETS)
def test_the_exported_whole_model_computes_what_the_adapted_one_does(name, targets, tmp_path):
    module = theirs(CONFIGS[name])
    base, split = base_of(module), split_of(12, 1, module.config.pad_token_id or 0)
    small, (used,) = compact(base, [split])
    adapter = replace(SMALL, targets=targets)
    network = adapted(small, adapter)
    network.reset(3)
    batch = batch_of(used, range(12))
    plain = Network(small, CPU)
    plain.reset(3)
    plain.module.eval()
    network.module.eval()
    with torch.no_grad():
        torch.testing.assert_close(network.logits(batch, bf16=False), plain.logits(batch, bf16=False), rtol=0, atol=1e-5)
        trained = as_if_trained(network)
        logits = network.logits(batch, bf16=False)
        assert (logits - plain.logits(batch, bf16=False)).abs().max() > 1e-3
    export_classifier(base, merged(base.weights, trained, adapter), labels=(), loss="", folder=tmp_path)
    model = t.AutoModelForSequenceClassification.from_pretrained(tmp_path)
    again = their_logits(model, batch_of(split, range(12)), module.config.pad_token_id or 0)
    torch.testing.assert_close(again, logits, rtol=0, atol=1e-4)
    assert sum(array.size for array in trained.values()) == trained_parameters(base.weights, base.missing, adapter)


def test_only_adapter_and_head_are_trained_and_all_of_them_are():
    network = adapted(base_of(theirs(CONFIGS["bert"])))
    names = set(network.trained())
    assert {"classifier.weight", "classifier.bias"} <= names
    assert {name for name in names if ".lora_" not in name} == {"classifier.weight", "classifier.bias"}
    assert len([name for name in names if ".lora_A." in name]) == 2 * 3, "query and value of three layers"
    assert len(names) == 2 * 2 * 3 + 2


def test_a_network_is_rearranged_for_another_rank_and_the_pre_trained_weights_stay():
    base = base_of(theirs(CONFIGS["distilbert"]))
    network = adapted(base)
    before, structure = network.module, network.structure
    network.arrange(replace(SMALL, alpha=1.0, dropout=0.3))
    assert network.module is before
    assert network.structure == structure
    network.arrange(replace(SMALL, rank=3, targets=LINEAR))
    assert network.module is not before
    assert network.structure != structure
    for name, parameter in network.module.named_parameters():
        if ".base_layer." in name:
            assert np.array_equal(parameter.detach().numpy(), base.weights[name.replace(".base_layer", "")])


def test_scale_and_dropout_act_at_once():
    network = adapted(base_of(theirs(CONFIGS["bert"])))
    network.reset(0)
    as_if_trained(network)
    batch = batch_of(split_of(12, 1, 0), range(12))

    def logits(training, **changes):
        network.set_adapter(replace(SMALL, **changes))
        network.set_dropout(0.0, 0.0)
        network.module.train(training)
        torch.manual_seed(0)
        with torch.no_grad():
            return network.logits(batch, bf16=False)

    assert not torch.allclose(logits(False), logits(False, alpha=8.0), atol=1e-4)
    assert torch.allclose(logits(True), logits(False), atol=1e-5), "no dropout"
    assert not torch.allclose(logits(True, dropout=0.5), logits(False), atol=1e-4)
    assert torch.equal(logits(False, dropout=0.5), logits(False))


def test_layers_that_are_not_known_are_said_with_the_way_out():
    with pytest.raises(ModelError, match=r"lora_targets is 'attention'.*made_up.*\+hparams\.lora_targets=linear"):
        check_targets(["body.0.mixer.weight"], {ATTENTION}, "made_up")
    check_targets(["body.0.mixer.weight"], {LINEAR}, "made_up")
