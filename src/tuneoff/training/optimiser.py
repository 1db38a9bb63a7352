"""AdamW with bias correction whose settings are given at every step, never restored."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from tuneoff.training.hparams import HParams

MOMENTS = ("exp_avg", "exp_avg_sq")


class Optimiser:
    """Fused AdamW (Loshchilov & Hutter 2019) in two groups: matrices decay, biases and LayerNorm do not."""

    def __init__(self, module: nn.Module) -> None:
        self._named = {name: p for name, p in module.named_parameters() if p.requires_grad}
        self.parameters = list(self._named.values())
        exempt = exempt_from_decay(module)
        self._decaying = [p for n, p in self._named.items() if n not in exempt]
        self._exempt = [p for n, p in self._named.items() if n in exempt]
        self._adamw = self._make_adamw()
        self.clear_gradients()

    def _make_adamw(self) -> torch.optim.AdamW:
        return torch.optim.AdamW([{"params": self._decaying}, {"params": self._exempt}], fused=True)

    def reset(self) -> None:
        """Puts the optimiser back to its state before the first step."""
        self.clear_gradients()
        self._adamw.state.clear()

    def set(self, hparams: HParams, lr: float, weight_decay: float) -> None:
        """Sets the values that the next step uses. `lr` is the scheduled one."""
        for group, decay in zip(self._adamw.param_groups, (weight_decay, 0.0), strict=True):
            group["lr"], group["weight_decay"] = lr, decay
            group["betas"], group["eps"] = (hparams.adam_beta1, hparams.adam_beta2), hparams.adam_epsilon

    def step(self) -> None:
        """Updates the parameters and drops their gradients."""
        self._adamw.step()
        self.clear_gradients()

    def clear_gradients(self) -> None:
        self._adamw.zero_grad(set_to_none=True)

    def moments(self) -> dict[str, torch.Tensor]:
        """The moments, by "<parameter>/<moment>"; empty before the first step."""
        return {
            f"{name}/{moment}": self._adamw.state[p][moment]
            for name, p in self._named.items()
            if p in self._adamw.state
            for moment in MOMENTS
        }

    def load_moments(self, moments: Mapping[str, torch.Tensor], steps: int) -> None:
        for name, p in self._named.items():
            if f"{name}/{MOMENTS[0]}" not in moments:  # it had no gradient, as a pooler that no output comes from
                continue
            state = {m: moments[f"{name}/{m}"].to(p.device, copy=True) for m in MOMENTS}
            self._adamw.state[p] = {"step": torch.tensor(float(steps), device=p.device), **state}


class DeviceOptimiser(Optimiser):
    """The same update with learning rate, decay and step count in tensors on the device, and every tensor at a fixed address.

    So a captured step reads whatever `set` wrote last, and goes on through `reset` and `load_moments`. Weight decay is a
    product of its own, since the fused update takes it as a number only: p + p x (-lr x decay), which rounds like the fused
    update. (In fp32 1 - lr x decay is off by up to 3e-8, and lr 1e-5 with decay 0.01 is 1e-7.) Betas and epsilon are
    numbers: a captured step keeps those it was captured with.
    """

    def __init__(self, module: nn.Module) -> None:
        device = next(module.parameters()).device
        self._lr = torch.zeros((), device=device)
        self._shrink = torch.zeros((), device=device)
        super().__init__(module)
        for p in self.parameters:
            self._adamw.state[p] = {"step": torch.zeros((), device=device), **{m: torch.zeros_like(p) for m in MOMENTS}}

    def _make_adamw(self) -> torch.optim.AdamW:
        adamw = torch.optim.AdamW(
            [{"params": self._decaying}, {"params": self._exempt}], lr=self._lr, weight_decay=0.0, fused=True, capturable=True
        )
        adamw._warned_capturable_if_run_uncaptured = True  # steps outside a graph are meant: no warning
        return adamw

    def reset(self) -> None:
        self.clear_gradients()
        for state in self._adamw.state.values():
            torch._foreach_zero_([state["step"], *(state[m] for m in MOMENTS)])

    def set(self, hparams: HParams, lr: float, weight_decay: float) -> None:
        self._lr.fill_(lr)
        self._shrink.fill_(-lr * weight_decay)
        for group in self._adamw.param_groups:
            group["betas"], group["eps"] = (hparams.adam_beta1, hparams.adam_beta2), hparams.adam_epsilon

    def step(self) -> None:
        with torch.no_grad():
            for p in self._decaying:
                if p.grad is not None:
                    p.addcmul_(p, self._shrink)
        super().step()

    def load_moments(self, moments: Mapping[str, torch.Tensor], steps: int) -> None:
        for name, p in self._named.items():
            if f"{name}/{MOMENTS[0]}" not in moments:
                continue
            state = self._adamw.state[p]
            state["step"].fill_(steps)
            for moment in MOMENTS:
                state[moment].copy_(moments[f"{name}/{moment}"])


def exempt_from_decay(module: nn.Module) -> set[str]:
    """Names of biases and of LayerNorm parameters (Devlin et al. 2019, appendix A.2)."""
    norms = {
        f"{prefix}.{name}"
        for prefix, child in module.named_modules()
        if isinstance(child, nn.LayerNorm)
        for name, _ in child.named_parameters()
    }
    return norms | {name for name, _ in module.named_parameters() if name.endswith("bias")}
