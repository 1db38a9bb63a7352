"""A network of which an adapter and the head are trained: transformers' own forward pass, with peft's layers in it."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from tuneoff.model.adapter import Adapter, adapts, is_head
from tuneoff.model.loading import BaseModel
from tuneoff.model.network import Network

PLACED = 0.5
"""Any rate above 0: peft leaves a dropout out where its rate is 0, and ours change."""


class AdaptedNetwork(Network):
    """Built anew where a trial asks for another rank or other targets; the weights that are not trained stay in place."""

    def __init__(self, base: BaseModel, device: torch.device, adapter: Adapter) -> None:
        self._device = device
        self._adapt(base, adapter)

    @property
    def structure(self) -> tuple[int, str]:
        return self._adapter.structure

    def arrange(self, adapter: Adapter | None) -> None:
        assert adapter is not None
        if adapter.structure != self.structure:
            self._adapt(self._base, adapter)
        self.set_adapter(adapter)

    def _adapt(self, base: BaseModel, adapter: Adapter) -> None:
        from peft import LoraConfig, inject_adapter_in_model

        super().__init__(base, self._device, shortened=False)
        super().reset(0)
        names = [name for name, part in self.module.named_modules() if isinstance(part, nn.Linear)]
        names = [name for name in names if not is_head(f"{name}.weight", base.missing) and adapts(name, adapter.targets)]
        config = LoraConfig(r=adapter.rank, lora_alpha=adapter.alpha, lora_dropout=PLACED, target_modules=names)
        inject_adapter_in_model(config, self.module)
        self.module.to(self._device)
        for name, parameter in self.module.named_parameters():
            parameter.requires_grad_(".lora_" in name or is_head(name, base.missing))
        self._layers: list[Any] = [part for part in self.module.modules() if hasattr(part, "lora_A")]
        assert len(self._layers) == len(names), (len(self._layers), names)
        self.set_adapter(adapter)

    def set_adapter(self, adapter: Adapter | None) -> None:
        assert adapter is not None
        self._adapter = adapter
        for layer in self._layers:
            layer.scaling["default"] = adapter.alpha / adapter.rank
            layer.lora_dropout["default"].p = adapter.dropout

    def trained(self) -> dict[str, nn.Parameter]:
        return {name: parameter for name, parameter in self.module.named_parameters() if parameter.requires_grad}

    def reset(self, seed: int) -> None:
        """The head drawn as without an adapter, then A as peft draws it (uniform), with B at 0: nothing is added at first."""
        generator = torch.Generator().manual_seed(seed)
        std = float(self._base.config.initializer_range)
        trained = self.trained()
        with torch.no_grad():
            for name, tensor in trained.items():
                if name in self._base.missing and tensor.dim() >= 2:
                    tensor.copy_(torch.empty(tensor.shape).normal_(0.0, std, generator=generator))
                elif name in self._base.missing:
                    tensor.fill_(float(name.endswith("weight")))
                elif ".lora_" not in name:
                    tensor.copy_(torch.from_numpy(self._base.weights[name].copy()))
            for name, tensor in trained.items():
                if ".lora_A." in name:
                    bound = tensor.shape[1] ** -0.5
                    tensor.copy_(torch.empty(tensor.shape).uniform_(-bound, bound, generator=generator))
                elif ".lora_B." in name:
                    tensor.zero_()
