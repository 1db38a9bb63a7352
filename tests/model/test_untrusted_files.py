"""A model's folder may come from anybody: nothing in it is executed, and weights are read from safetensors alone."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
import torch

from tuneoff.model.loading import load_classifier, load_tokenizer, locate
from tuneoff.model.settings import ModelError, ModelSettings

WEIGHTS = "model.safetensors"


class _RunsCode:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


@pytest.fixture
def mark(tmp_path) -> Path:
    """Made where something is executed."""
    return tmp_path / "executed"


@pytest.fixture
def folder(tmp_path) -> Path:
    built_in = locate(ModelSettings(name="m", source="micro", num_layers=None, max_length=32))
    return Path(shutil.copytree(built_in, tmp_path / "received"))


def put_pickle(file: Path, mark: Path) -> None:
    torch.save({"weights": _RunsCode(mark)}, file)


def put_settings(file: Path, **values: object) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


def load(folder: Path):
    settings = ModelSettings(name="received", source=str(folder), num_layers=None, max_length=32)
    load_tokenizer(settings)
    return load_classifier(settings, 2)[0]


def test_the_planted_pickle_does_run_code_where_it_is_trusted(folder, mark):
    put_pickle(folder / "pytorch_model.bin", mark)
    torch.load(folder / "pytorch_model.bin", weights_only=False)
    assert mark.exists()


def test_pickles_alone_are_refused_with_the_remedy(folder, mark):
    (folder / WEIGHTS).unlink()
    put_pickle(folder / "pytorch_model.bin", mark)
    rule = r"model\.source is '.*received', but its weights are pytorch_model\.bin, a pickle.*only safetensors.*save_pretrained"
    with pytest.raises(ModelError, match=rule):
        load(folder)
    assert not mark.exists()


def test_a_pickle_beside_safetensors_is_not_read(folder, mark):
    put_pickle(folder / "pytorch_model.bin", mark)
    load(folder)
    assert not mark.exists()


@pytest.mark.parametrize("listed", ["more.bin", "../more.bin"])
def test_a_list_of_files_that_names_another_kind_is_refused_before_any_is_read(folder, mark, listed, monkeypatch):
    (folder / WEIGHTS).unlink()
    put_pickle(folder / listed, mark)
    (folder / f"{WEIGHTS}.index.json").write_text(json.dumps({"metadata": {}, "weight_map": {"a": listed}}))
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("a pickle was read"))
    with pytest.raises(ModelError, match="only safetensors are loaded"):
        load(folder)
    assert not mark.exists()


@pytest.mark.parametrize("named", ["pytorch_model.bin", "other.safetensors"])
def test_weights_that_the_configuration_names_are_safetensors_too(folder, mark, named):
    put_pickle(folder / named, mark)
    put_settings(folder / "config.json", transformers_weights=named)
    with pytest.raises(ModelError):
        load(folder)
    assert not mark.exists()


def test_code_beside_the_model_is_not_imported(folder, mark):
    (folder / "code.py").write_text(f"import os\nos.mkdir({str(mark)!r})\nfrom transformers import BertConfig as C\n")
    own = {"AutoConfig": "code.C", "AutoModelForSequenceClassification": "code.C", "AutoTokenizer": ["code.C", None]}
    put_settings(folder / "config.json", auto_map=own)
    put_settings(folder / "tokenizer_config.json", auto_map={"AutoTokenizer": ["code.C", None]})
    load(folder)
    put_settings(folder / "config.json", model_type="received")
    with pytest.raises(ModelError):
        load(folder)
    assert not mark.exists()


@pytest.mark.parametrize("name", ["attn_implementation", "_attn_implementation", "experts_implementation"])
def test_a_kernel_on_a_hub_is_not_fetched_because_the_model_names_it(folder, name):
    put_settings(folder / "config.json", **{name: "somebody/their-kernel"})
    assert "/" not in load(folder).config._attn_implementation
