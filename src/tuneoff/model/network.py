"""The network in a worker: built once, reset for every trial; computed by our encoder where it knows the architecture, else
by transformers."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from tuneoff.model.architectures.contract import Dropouts
from tuneoff.model.batch import Batch
from tuneoff.model.config import ModelConfig
from tuneoff.model.encoder import Encoder
from tuneoff.model.loading import BaseModel
from tuneoff.model.skeleton import skeleton

LONGEST_TRIED = 1024


class Network:
    """The model in a worker: built once, reset to the pre-trained weights and a seeded head for every trial."""

    def __init__(self, base: BaseModel, device: torch.device, *, shortened: bool = True) -> None:
        """shortened: compute what transformers' module computes by `model.encoder`, where that can be done."""
        self._base, known = base, base.architecture
        module, self._encoder = _build(base, fast=shortened and device.type == "cpu")
        self.module: nn.Module = module.to(device)
        dropouts = known.dropouts(self.module) if known else Dropouts(hidden=(), attention=())
        self._hidden, self._attention = ([(rate, rate.p) for rate in rates] for rates in (dropouts.hidden, dropouts.attention))
        self._padding = base.config.values.get("pad_token_id") or 0
        # A forward pass that has them is not enough: GPT-2 takes them for words.
        has_types = "token_type_ids" in inspect.signature(self.module.forward).parameters
        self._takes_token_types = has_types and (base.config.values.get("type_vocab_size") or 0) > 1
        self._wide_mask = device.type == "cuda" and known is not None and takes_wide_mask(self.module, device)

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
        for places, rate in ((self._hidden, hidden), (self._attention, attention)):
            assert places or rate is None, "see architectures.check_hparams"
            for place, own in places:
                place.p = own if rate is None else rate

    def logits(self, batch: Batch, *, bf16: bool) -> torch.Tensor:
        """Shape (examples, n_outputs), float32. With dropout where `module` is in training mode."""
        if self._encoder is not None:
            return self._encoder.logits(batch, training=self.module.training, bf16=bf16)
        extra = {"token_type_ids": batch.token_type_ids} if self._takes_token_types else {}
        device = batch.input_ids.device.type
        mask = wide_mask(batch.attention_mask, bf16=bf16) if self._wide_mask else batch.attention_mask
        ids = batch.input_ids.masked_fill(batch.attention_mask == 0, self._padding) if self._padding else batch.input_ids
        # The cache of cast weights would outlive a CUDA graph's capture; a weight is cast once in a step without it, too.
        with torch.autocast(device, torch.bfloat16, enabled=bf16, cache_enabled=device != "cuda"):
            result: torch.Tensor = self.module(input_ids=ids, attention_mask=mask, **extra).logits
        return result.float()


def _build(base: BaseModel, *, fast: bool) -> tuple[nn.Module, Encoder | None]:
    """The module, and the fast forward pass over it where that is wanted and known."""
    passes = base.architecture.fast if fast and base.architecture is not None else None
    if passes is None:
        return transformers_module(base.config), None
    own = skeleton(base.config, base.weights, passes.rates(base.config))
    encoder = passes.encoder(own, base.config) if own is not None else None
    if own is not None and encoder is not None:
        return own, encoder
    module = transformers_module(base.config)
    return module, passes.encoder(module, base.config)


def transformers_module(config: ModelConfig) -> nn.Module:
    """The module of transformers, with the implementation of attention that transformers prefers."""
    from transformers import AutoModelForSequenceClassification

    with torch.random.fork_rng(devices=[]):
        module: nn.Module = AutoModelForSequenceClassification.from_config(config.to_transformers(), dtype=torch.float32)
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
    """Whether it computes the same logits from a wide mask: found by trying, since architectures differ.

    Tried at the greatest length, since an architecture with a window of neighbours differs beyond the window only.
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


def _as_tensor(array: NDArray[np.float32]) -> torch.Tensor:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(array)
