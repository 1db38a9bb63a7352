"""The modules that docs/extending.md shows are the files here, word for word, and do what it says."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
import yaml

from tests.model.small_models import SIZES, base_of, split_of, theirs
from tests.training.conftest import WORDS
from tuneoff import plugins
from tuneoff.model.architectures import check_hparams
from tuneoff.model.network import Network
from tuneoff.model.settings import ModelSettings
from tuneoff.model.vocabulary import compact
from tuneoff.space import Float, SearchSpace
from tuneoff.task import ProtocolSettings, TaskSettings
from tuneoff.task.kinds import find_metric, scoring
from tuneoff.training.engines.finetune import FinetuneEngine
from tuneoff.training.hparams import HParams
from tuneoff.training.protocol import Environment, Kept, NoSettings, Request, Shared
from tuneoff.training.settings import TrainingSettings

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs" / "extending.md"
BLOCK = re.compile(
    r"`(?:tests/extending|tests/extending/conf/tracker|conf/task)/(\w+\.\w+)`[^\n]*:\n```\w+\n(.*?)```", re.DOTALL
)
SHOWN = dict(BLOCK.findall(DOCS.read_text()))


@pytest.fixture
def load(monkeypatch, own_parts_only_here):
    """Loads a module as plugins=[...] does; what it registers is gone after the test."""

    def loaded(name: str):
        module = f"tests.extending.{name}"
        monkeypatch.delitem(sys.modules, module, raising=False)
        plugins.load([module])
        return sys.modules[module]

    return loaded


@pytest.mark.parametrize(
    "name", ["own_metric.py", "own_architecture.py", "own_kind.py", "own_tracker.py", "made_up_ratings.yaml", "lines.yaml"]
)
def test_the_document_shows_the_file(name):
    folder = {"made_up_ratings.yaml": HERE / "conf" / "task", "lines.yaml": HERE / "conf" / "tracker"}.get(name, HERE)
    assert SHOWN[name] == (folder / name).read_text()


def test_the_metric_is_found_by_name_and_scores(load):
    load("own_metric")
    outputs = np.array([[1, 0], [1, 0], [1, 0], [0, 1]], dtype=np.float32)
    score = scoring(2, ("balanced_accuracy",)).score(outputs, np.array([0, 1, 1, 1]), keep_predictions=False)
    assert score.metrics == {"balanced_accuracy": pytest.approx((1 + 1 / 3) / 2)}
    assert find_metric("balanced_accuracy").unit == "share"
    settings = TaskSettings.from_dict({"kind": "entail", "train_rows": 20, "metrics": "balanced_accuracy"})
    assert settings.metrics == ("balanced_accuracy",)


def test_the_architecture_leaves_out_unused_words_and_takes_dropouts(load):
    load("own_architecture")
    module = theirs(transformers.RoFormerConfig(**SIZES))
    small, _ = compact(base_of(module), [split_of(12, 1, 0)])
    assert small.config.vocab_size < WORDS
    check_hparams(small.config, {"hidden_dropout", "attention_dropout"})
    network = Network(small, torch.device("cpu"))
    network.set_dropout(0.1, 0.2)
    found = {name: part.p for name, part in network.module.named_modules() if isinstance(part, torch.nn.Dropout)}
    assert set(found.values()) == {0.1, 0.2}


def test_the_task_of_its_own_kind_is_read_from_its_yaml_trained_on_and_scored(load):
    load("own_kind")
    task = TaskSettings.from_dict(yaml.safe_load((HERE / "conf" / "task" / "made_up_ratings.yaml").read_text()))
    request = Request(
        task=task,
        protocol=ProtocolSettings(name="heldout"),
        model=ModelSettings(name="micro", source="micro", num_layers=1, max_length=16),
        training=TrainingSettings(precision="fp32"),
        hparams=HParams(num_epochs=8, learning_rate=3e-3, batch_size=16).to_dict(),
        space=SearchSpace({"learning_rate": Float(low=1e-4, high=1e-2, log=True)}),
        seeds={"split": 0},
        device="cpu",
    )
    prepared = FinetuneEngine(NoSettings()).prepare(request)
    assert prepared.facts["kind"] == "rating"
    assert set(prepared.facts["parts"]["test"]["constant_scores"]) == {"accuracy", "mean_distance"}
    recipe = prepared.recipe(lambda key, make: Shared(key=key, fetch=make))
    trial = recipe.build(Environment(), Kept()).start(request.hparams, seed=1)
    *_, last = trial
    assert last.validation.metrics["accuracy"] > 0.9
    assert last.validation.metrics["mean_distance"] < 0.2
    kind = recipe.scoring.kind
    assert kind.predict(np.log(np.array([[0.4, 0.3, 0.3]], dtype=np.float32))).tolist() == [1], "the median, not the largest"
