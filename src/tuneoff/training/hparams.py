"""The hyperparameters of `finetune`: their names, defaults and limits. Knows neither Ray nor torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from tuneoff.hparams import Hyperparameter, Hyperparameters
from tuneoff.model.adapter import ATTENTION, TARGETS, Adapter

LR_SCHEDULES = ("linear", "constant", "cosine")


@dataclass(frozen=True, kw_only=True)
class HParams:
    """The values that one trial trains with. Names and defaults follow transformers' `TrainingArguments` and the BERT paper.

    `warmup_steps`, where above 0, wins over `warmup_ratio` (as in transformers). A dropout of None keeps the model's own. The
    values of an adapter are all set or all None.
    Raises HParamError where a value is outside its limits.
    """

    learning_rate: float = 5e-5
    weight_decay: float = 0.01
    batch_size: int = 32
    num_epochs: int = 3
    warmup_ratio: float = 0.0
    warmup_steps: int = 0
    lr_schedule: str = "linear"
    max_grad_norm: float = 1.0
    hidden_dropout: float | None = None
    attention_dropout: float | None = None
    adam_beta1: float = 0.9
    adam_beta2: float = 0.999
    adam_epsilon: float = 1e-8
    lora_rank: int | None = None
    lora_alpha: float | None = None
    lora_dropout: float | None = None
    lora_targets: str | None = None

    def __post_init__(self) -> None:
        for name, value in _ALL.check(asdict(self)).items():
            object.__setattr__(self, name, value)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> HParams:
        """Makes it from `values`, and defaults for the rest. Raises HParamError for a name that is not declared."""
        known: dict[str, Any] = _ALL.check(values)
        return cls(**known)

    def to_dict(self) -> dict[str, Any]:
        """Without those of an adapter where there is none."""
        return {name: value for name, value in asdict(self).items() if value is not None or name not in OF_LORA}

    @property
    def adapter(self) -> Adapter | None:
        """The adapter that is trained; None where the whole model is."""
        rank, alpha, dropout, targets = self.lora_rank, self.lora_alpha, self.lora_dropout, self.lora_targets
        if rank is None or alpha is None or dropout is None or targets is None:
            return None
        return Adapter(rank=rank, alpha=alpha, dropout=dropout, targets=targets)

    @property
    def of_the_model(self) -> frozenset[str]:
        """Names of the hyperparameters that are set and that not every model can apply."""
        return frozenset(name for name in ("hidden_dropout", "attention_dropout") if getattr(self, name) is not None)

    def replace(self, changes: Mapping[str, Any]) -> HParams:
        return self.from_dict({**self.to_dict(), **changes})


_DROPOUT: dict[str, Any] = {"low": 0.0, "high": 0.99, "optional": True, "rule": "from 0 to 0.99, or null for the model's own"}
_LIMITS: dict[str, dict[str, Any]] = {
    "learning_rate": {"above": 0.0, "high": 1.0, "rule": "above 0 and at most 1", "mutable": True},
    "weight_decay": {"low": 0.0, "high": 1.0, "rule": "from 0 to 1", "mutable": True},
    "batch_size": {"low": 1, "high": 4096, "whole": True, "rule": "from 1 to 4096", "mutable": True},
    "num_epochs": {"low": 1, "high": 1000, "whole": True, "rule": "from 1 to 1000"},
    "warmup_ratio": {"low": 0.0, "high": 1.0, "rule": "from 0 to 1"},
    "warmup_steps": {"low": 0, "high": 10_000_000, "whole": True, "rule": "at least 0"},
    "lr_schedule": {"choices": LR_SCHEDULES},
    "max_grad_norm": {"low": 0.0, "high": 1e9, "rule": "at least 0 (0 switches clipping off)"},
    "hidden_dropout": _DROPOUT,
    "attention_dropout": _DROPOUT,
    "adam_beta1": {"low": 0.0, "high": 0.99999, "rule": "from 0 to 0.99999"},
    "adam_beta2": {"low": 0.0, "high": 0.99999, "rule": "from 0 to 0.99999"},
    "adam_epsilon": {"low": 1e-16, "high": 1.0, "rule": "from 1e-16 to 1"},
}
_LORA: dict[str, dict[str, Any]] = {
    "lora_rank": {"default": 8, "low": 1, "high": 4096, "whole": True, "rule": "from 1 to 4096", "shapes": True},
    "lora_alpha": {"default": 16.0, "above": 0.0, "high": 1e6, "rule": "above 0", "mutable": True},
    "lora_dropout": {"default": 0.0, "low": 0.0, "high": 0.99, "rule": "from 0 to 0.99"},
    "lora_targets": {"default": ATTENTION, "choices": TARGETS, "shapes": True},
}
OF_LORA = tuple(_LORA)
_BASE = tuple(
    Hyperparameter(name=field.name, default=field.default, **_LIMITS[field.name])  # type: ignore[arg-type]
    for field in fields(HParams)
    if field.name not in _LORA
)
HYPERPARAMETERS = Hyperparameters(*_BASE)
"""The declaration of `finetune`."""
WITH_LORA = Hyperparameters(*_BASE, *(Hyperparameter(name=name, **limits) for name, limits in _LORA.items()))
"""The same with model.adapter=lora."""
_ALL = Hyperparameters(
    *_BASE, *(Hyperparameter(name=name, **{**limits, "default": None}, optional=True) for name, limits in _LORA.items())
)
