"""What an engine refuses before anything is trained."""

from __future__ import annotations

import shutil
from importlib.resources import files

import pytest
import transformers

from tests.model.small_models import SIZES, theirs
from tuneoff.model.settings import ModelError, ModelSettings
from tuneoff.space import Float, SearchSpace
from tuneoff.task import ProtocolSettings, TaskSettings
from tuneoff.training.engines.finetune import FinetuneEngine
from tuneoff.training.hparams import HParams
from tuneoff.training.protocol import NoSettings, Request
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
