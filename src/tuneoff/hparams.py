"""The hyperparameters of the training function: their names, defaults and limits. Knows neither Ray nor torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from tuneoff.errors import UserError

LR_SCHEDULES = ("linear", "constant", "cosine")


class HParamError(UserError):
    """A hyperparameter that does not exist or whose value the training function does not accept."""


@dataclass(frozen=True, kw_only=True)
class HParams:
    """What one trial trains with. Names and defaults follow transformers' `TrainingArguments` and the BERT paper.

    `warmup_steps`, where above 0, wins over `warmup_ratio` (as in transformers). A dropout of None keeps the model's
    own.
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

    def __post_init__(self) -> None:
        for name, (low, high, rule) in LIMITS.items():
            value = getattr(self, name)
            if value is None and name.endswith("dropout"):
                continue
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise HParamError(f"{name} is {value!r}, but it must be a number ({rule})")
            if name in WHOLE and int(value) != value:
                raise HParamError(f"{name} is {value!r}, but it must be a whole number ({rule})")
            if not low <= value <= high:
                raise HParamError(f"{name} is {value!r}, but it must be {rule}")
        if self.learning_rate == 0:
            raise HParamError("learning_rate is 0, but it must be above 0")
        if self.lr_schedule not in LR_SCHEDULES:
            raise HParamError(f"lr_schedule is {self.lr_schedule!r}, but it must be one of {', '.join(LR_SCHEDULES)}")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> HParams:
        unknown = set(values) - set(NAMES)
        if unknown:
            raise HParamError(f"unknown hyperparameter {sorted(unknown)[0]!r}; there are {', '.join(NAMES)}")
        whole: dict[str, Any] = {k: int(v) for k, v in values.items() if k in WHOLE and _is_whole(v)}
        return cls(**{**values, **whole})

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def replace(self, changes: Mapping[str, Any]) -> HParams:
        return self.from_dict({**self.to_dict(), **changes})


def _is_whole(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and float(value).is_integer()


WHOLE = ("batch_size", "num_epochs", "warmup_steps")
LIMITS: dict[str, tuple[float, float, str]] = {
    "learning_rate": (0.0, 1.0, "above 0 and at most 1"),
    "weight_decay": (0.0, 1.0, "from 0 to 1"),
    "batch_size": (1, 4096, "from 1 to 4096"),
    "num_epochs": (1, 1000, "from 1 to 1000"),
    "warmup_ratio": (0.0, 1.0, "from 0 to 1"),
    "warmup_steps": (0, 10_000_000, "at least 0"),
    "max_grad_norm": (0.0, 1e9, "at least 0 (0 switches clipping off)"),
    "hidden_dropout": (0.0, 0.99, "from 0 to 0.99, or null for the model's own"),
    "attention_dropout": (0.0, 0.99, "from 0 to 0.99, or null for the model's own"),
    "adam_beta1": (0.0, 0.99999, "from 0 to 0.99999"),
    "adam_beta2": (0.0, 0.99999, "from 0 to 0.99999"),
    "adam_epsilon": (1e-16, 1.0, "from 1e-16 to 1"),
}
NAMES = tuple(field.name for field in fields(HParams))
