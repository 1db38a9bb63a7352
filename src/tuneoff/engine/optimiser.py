"""AdamW with bias correction whose settings are given at every step, never restored."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from tuneoff.hparams import HParams

MOMENTS = ("exp_avg", "exp_avg_sq")


class Optimiser:
    """Fused AdamW (Loshchilov & Hutter 2019) in two groups: matrices decay, biases and LayerNorm do not."""

    def __init__(self, module: nn.Module, hparams: HParams) -> None:
        self._named = {name: p for name, p in module.named_parameters() if p.requires_grad}
        self.parameters = list(self._named.values())
        exempt = exempt_from_decay(module)
        self._adamw = torch.optim.AdamW(
            [{"params": [p for n, p in self._named.items() if n not in exempt]},
             {"params": [p for n, p in self._named.items() if n in exempt]}],
            lr=hparams.learning_rate, fused=True)
        self._adamw.zero_grad(set_to_none=True)

    def set(self, hparams: HParams, lr: float, weight_decay: float) -> None:
        """What the next step uses. `lr` is the scheduled one."""
        for group, decay in zip(self._adamw.param_groups, (weight_decay, 0.0), strict=True):
            group["lr"], group["weight_decay"] = lr, decay
            group["betas"], group["eps"] = (hparams.adam_beta1, hparams.adam_beta2), hparams.adam_epsilon

    def step(self) -> None:
        self._adamw.step()
        self._adamw.zero_grad(set_to_none=True)

    def moments(self) -> dict[str, torch.Tensor]:
        """By "<parameter>/<moment>"; empty before the first step."""
        return {f"{name}/{moment}": self._adamw.state[p][moment]
                for name, p in self._named.items() if p in self._adamw.state for moment in MOMENTS}

    def load_moments(self, moments: Mapping[str, torch.Tensor], steps: int) -> None:
        if not moments:
            return
        for name, p in self._named.items():
            state = {m: moments[f"{name}/{m}"].to(p.device, copy=True) for m in MOMENTS}
            self._adamw.state[p] = {"step": torch.tensor(float(steps), device=p.device), **state}


def exempt_from_decay(module: nn.Module) -> set[str]:
    """Names of biases and of LayerNorm parameters (Devlin et al. 2019, appendix A.2)."""
    norms = {f"{prefix}.{name}" for prefix, child in module.named_modules() if isinstance(child, nn.LayerNorm)
             for name, _ in child.named_parameters()}
    return norms | {name for name, _ in module.named_parameters() if name.endswith("bias")}
