"""Trials that train an adapter and the head: their states, copies between ranks, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.test_config import config
from tests.training.conftest import local, make_base
from tests.training.test_finetune_engine import recording_request
from tuneoff.errors import UserError
from tuneoff.study.plan import build_search
from tuneoff.study.session import Session
from tuneoff.training import state_file
from tuneoff.training.engines.finetune import FinetuneEngine
from tuneoff.training.finetune import finetune
from tuneoff.training.finetune_trainer import _network
from tuneoff.training.hparams import HYPERPARAMETERS, WITH_LORA, HParams
from tuneoff.training.protocol import NoSettings

LORA = {"lora_rank": 2, "lora_alpha": 4.0, "lora_dropout": 0.1, "lora_targets": "attention"}
VALUES = HParams.from_dict({"num_epochs": 3, "learning_rate": 1e-2, "batch_size": 16, **LORA})


@pytest.fixture
def lora(job):
    pytest.importorskip("peft")
    return replace(job, network=_network(make_base(), job.device, VALUES.adapter))


def trained(job, hparams=VALUES, **more):
    """Evaluations with their states."""
    return [(found, found.capture()) for found in finetune(job, hparams, **{"seed": 5, **more})]


def scores(found):
    return [(evaluation.examples_seen, evaluation.validation, evaluation.test) for evaluation, _ in found]


def test_a_state_holds_adapter_and_head_alone_and_a_trial_goes_on_from_it_bit_for_bit(lora, tmp_path):
    whole = trained(lora)
    names = {name.split("/")[1] for name in whole[0][1].arrays if name.startswith("weights/")}
    assert all(".lora_" in name or name.startswith("classifier.") for name in names)
    assert {name.rpartition("/")[0].partition("/")[2] for name in whole[0][1].arrays if name.startswith("moments/")} == names
    assert whole[0][0].validation.loss != whole[2][0].validation.loss
    state_file.write(whole[0][1], tmp_path / "state.safetensors")
    trained(lora, replace(VALUES, lora_rank=5), seed=9)  # another trial in between, of another shape
    assert scores(trained(lora, state=state_file.read(tmp_path / "state.safetensors"))) == scores(whole)[1:]


def test_what_is_not_trained_does_not_change(lora):
    trained(lora)
    base = make_base()
    for name, parameter in lora.network.module.named_parameters():
        if not parameter.requires_grad:
            assert np.array_equal(parameter.detach().numpy(), base.weights[name.replace(".base_layer", "")]), name


def test_a_mutated_scale_acts_at_the_next_step(lora):
    run = finetune(lora, VALUES, seed=5)
    next(run)
    changed = run.send({**VALUES.to_dict(), "lora_alpha": 16.0})
    assert changed.hparams["lora_alpha"] == 16.0
    assert changed.validation != trained(lora)[1][0].validation


def test_records_without_an_adapter_have_no_hyperparameters_of_one():
    assert not any(name.startswith("lora") for name in HParams().to_dict())
    assert set(HYPERPARAMETERS.names) == set(HParams().to_dict())
    assert set(WITH_LORA.names) - set(HYPERPARAMETERS.names) == set(LORA)


def test_settings_have_defaults_can_be_set_and_can_be_searched():
    plain = config("model.adapter=lora")
    assert {name: plain.hparams[name] for name in LORA} == {
        **{"lora_rank": 8, "lora_alpha": 16.0, "lora_dropout": 0.0, "lora_targets": "attention"}
    }
    found = config("model.adapter=lora", "+hparams.lora_alpha=32", "+space.lora_rank={type:choice,values:[2,4]}")
    assert found.hparams["lora_alpha"] == 32
    assert found.space.domains["lora_rank"].values == (2, 4)
    assert plain.hash != config().hash


def test_a_search_without_an_adapter_has_the_hash_that_it_always_had():
    given = config()
    before = {**given.raw, "model": {name: value for name, value in given.raw["model"].items() if name != "adapter"}}
    assert replace(given, raw=before).hash == given.hash


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (["+hparams.lora_rank=4"], "unknown hyperparameter 'lora_rank'"),
        (["model.adapter=dora"], "model.adapter is 'dora', but it must be lora, or null"),
        (["model.adapter=lora", "+hparams.lora_rank=0"], "lora_rank is 0, but it must be from 1 to 4096"),
        (
            ["model.adapter=lora", "+hparams.lora_targets=some"],
            "lora_targets is 'some', but it must be one of attention, linear",
        ),
        (
            ["model.adapter=lora", "engine=hf_trainer", "engine.make=tests.training.hf.glue_script:make_trainer"],
            "model.adapter is 'lora', but this engine adds no adapters",
        ),
    ],
)
def test_what_does_not_fit_is_said_before_anything_is_started(settings, says):
    with pytest.raises(UserError) as error:
        config(*settings)
    assert says in str(error.value)


@pytest.mark.parametrize("name", ["lora_rank", "lora_targets"])
def test_a_population_refuses_to_mutate_what_weights_have_their_shapes_from(name):
    values = "[2,4]" if name == "lora_rank" else "[attention,linear]"
    space = f"+space.{name}={{type:choice,values:{values}}}"
    build_search(config("algorithm=pbt", "model.adapter=lora", space), slots=1, devices=1)
    refused = config("algorithm=pbt", "model.adapter=lora", space, f"+algorithm.scheduler.mutated=[learning_rate,{name}]")
    with pytest.raises(UserError, match=rf"mutated is .*but it must be without {name}.*a copy has its donor's"):
        build_search(refused, slots=1, devices=1)


def test_peft_that_is_missing_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr("tuneoff.model.adapter.find_spec", lambda _: None)
    with pytest.raises(UserError, match=r"peft is not installed: pip install 'tuneoff\[lora\]', or give model.adapter=null"):
        Session().check(config(f"results={tmp_path}", "model.adapter=lora", "task.train_rows=100"))


def test_an_adapters_export_is_a_whole_model_and_its_facts_say_what_is_trained(tmp_path):
    pytest.importorskip("peft")
    request = recording_request(None)
    adapter = {"lora_rank": 4, "lora_alpha": 8.0, "lora_dropout": 0.0, "lora_targets": "linear"}
    request = replace(request, model=replace(request.model, adapter="lora"), hparams={**request.hparams, **adapter})
    prepared = FinetuneEngine(NoSettings()).prepare(request)
    assert prepared.facts["adapter"] == "lora"
    assert 0 < prepared.facts["trained_parameters"] < prepared.facts["parameters"] / 2
    material = prepared.recipe(lambda key, make: local(make()))
    from tuneoff.training.protocol import Environment, Kept

    trainer = material.build(Environment(), Kept())
    hparams = {**request.hparams, "num_epochs": 1, "learning_rate": 3e-3}
    evaluation = next(trainer.start(hparams, seed=1))
    kept = trainer.weights_of(evaluation.capture())
    assert sum(array.size for array in kept.arrays.values()) == prepared.facts["trained_parameters"]
    prepared.export(kept, hparams, tmp_path)
    assert (tmp_path / "model.safetensors").stat().st_size > 3.9 * prepared.facts["parameters"]
    assert not list(tmp_path.glob("adapter*"))
