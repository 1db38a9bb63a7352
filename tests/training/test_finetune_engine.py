"""What an engine refuses before anything is trained."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import pytest
import torch
import transformers

from tests.model.small_models import SIZES, theirs
from tuneoff.model.settings import ModelError, ModelSettings
from tuneoff.space import Float, SearchSpace
from tuneoff.task import ProtocolSettings, TaskSettings
from tuneoff.task.registry import load_task
from tuneoff.task.split import make_splits
from tuneoff.training import state_file
from tuneoff.training.engines.finetune import FinetuneEngine
from tuneoff.training.finetune_trainer import Material
from tuneoff.training.hparams import HParams
from tuneoff.training.protocol import Environment, Kept, NoSettings, Prepared, Request, Shared
from tuneoff.training.settings import TrainingSettings


def test_a_search_over_a_dropout_that_the_model_cannot_have_is_refused_before_anything_is_trained(tmp_path):
    theirs(transformers.RoFormerConfig(**SIZES)).save_pretrained(tmp_path)
    micro = files("tuneoff").joinpath("assets/micro")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(str(micro.joinpath(name)), tmp_path)
    request = Request(
        task=TaskSettings.from_dict({"kind": "entail", "train_rows": 100, "dev_rows": 20, "test_rows": 20}),
        protocol=ProtocolSettings(name="heldout"),
        model=ModelSettings(name="roformer", source=str(tmp_path), num_layers=None, max_length=16),
        training=TrainingSettings(precision="fp32"),
        hparams=HParams().to_dict(),
        space=SearchSpace({"attention_dropout": Float(low=0.0, high=0.5)}),
        seeds={"split": 0},
        device="cpu",
    )
    with pytest.raises(ModelError, match="attention_dropout is set, but it can't be applied to a roformer model"):
        FinetuneEngine(NoSettings()).prepare(request)


def recording_request(test_rows: int | None) -> Request:
    return Request(
        task=TaskSettings.from_dict({"kind": "entail", "train_rows": 100, "dev_rows": 20, "test_rows": 60}),
        protocol=ProtocolSettings(name="heldout"),
        model=ModelSettings(name="micro", source="micro", num_layers=None, max_length=32),
        training=TrainingSettings(precision="fp32"),
        hparams=HParams().to_dict(),
        space=SearchSpace({"learning_rate": Float(low=1e-5, high=1e-3, log=True)}),
        seeds={"split": 0},
        device="cpu",
        test_rows=test_rows,
    )


def shared(request: Request) -> tuple[Prepared, Material]:
    prepared = FinetuneEngine(NoSettings()).prepare(request)
    made = []

    def share(key: str, make: Callable[[], Material]) -> Shared:
        made.append(make())
        return Shared(key=key, fetch=lambda: made[0])

    prepared.recipe(share)
    return prepared, made[0]


def test_a_recording_is_scored_on_as_many_of_the_same_test_rows_as_it_says() -> None:
    (whole, full), (cut, some), (_, again) = (
        shared(recording_request(None)),
        shared(recording_request(40)),
        shared(recording_request(40)),
    )
    assert (len(full.test), len(some.test)) == (60, 40)
    rows = {tuple(full.test.input_ids[a:b]) for a, b in pairwise(full.test.offsets)}
    chosen = [tuple(some.test.input_ids[a:b]) for a, b in pairwise(some.test.offsets)]
    assert set(chosen) <= rows
    assert some.test.content_hash == again.test.content_hash
    assert cut.facts["test_rows"] == 40
    assert "test_rows" not in whole.facts
    assert cut.facts["tokens"]["test"] == some.test.offsets[-1]
    unchanged = ("split_sha256", "encoded_sha256", "n_test", "parts")
    assert {k: cut.facts[k] for k in unchanged} == {k: whole.facts[k] for k in unchanged}, "the study's test set is the same"


def test_a_trained_state_becomes_a_model_and_a_tokenizer_with_the_test_score_that_was_recorded(tmp_path: Path) -> None:
    request = recording_request(None)
    engine = FinetuneEngine(NoSettings())
    assert engine.exports
    prepared = engine.prepare(request)
    recipe = prepared.recipe(lambda key, make: Shared(key=key, fetch=make))
    trainer = recipe.build(Environment(), Kept())
    hparams = {**request.hparams, "num_epochs": 1, "learning_rate": 1e-3}
    evaluation = next(trainer.start(hparams, seed=5))
    state_file.write(trainer.weights_of(evaluation.capture()), tmp_path / "kept.safetensors")
    assert (tmp_path / "kept.safetensors").stat().st_size < 1.1 * 4 * prepared.facts["parameters"], "weights alone"
    assert prepared.export is not None
    prepared.export(state_file.read(tmp_path / "kept.safetensors"), hparams, tmp_path / "model")
    model = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path / "model").eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "model")
    task = load_task(request.task)
    test = make_splits(task, request.protocol, request.seeds["split"]).parts["test"].rows
    pairs = tokenizer(list(test.text_a), list(test.text_b), truncation=True, padding=True, return_tensors="pt")
    assert pairs["input_ids"].shape[1] <= request.model.max_length, "truncated as in training"
    with torch.inference_mode():
        predicted = model(**pairs).logits.argmax(-1)
    assert tuple(predicted.tolist()) == evaluation.test.predictions
    assert float((predicted.numpy() == test.label).mean()) == evaluation.test.metrics["accuracy"]
    assert [model.config.id2label[i] for i in range(2)] == list(task.label_names)
    assert model.config.problem_type == "single_label_classification"
    assert model.config.vocab_size == tokenizer.vocab_size > prepared.facts["word_rows_used"], "words of no split are known"
    with torch.inference_mode():
        model(**tokenizer("never seen: zebra Ω", return_tensors="pt"))
