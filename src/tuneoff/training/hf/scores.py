"""From the metrics of a Trainer to the scores of a search."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tuneoff.errors import ConfigError, is_number
from tuneoff.evaluation import Score

MAXIMISE, MINIMISE = "maximise", "minimise"
OBJECTIVE = "objective"
"""The sum of all that compute_metrics returns, which transformers' own search maximises by default."""
VALIDATION, TEST = "eval", "test"
_ABOUT_TIME = ("runtime", "samples_per_second", "steps_per_second", "model_preparation_time", "jit_compilation_time")


@dataclass(frozen=True, kw_only=True)
class Objective:
    """metric: without the prefix of a split."""

    metric: str
    direction: str = MAXIMISE

    @property
    def name(self) -> str:
        """The name in records, of the number that searches maximise."""
        return self.metric if self.direction == MAXIMISE else f"minus_{self.metric}"

    def of(self, metrics: Mapping[str, float]) -> float:
        """Raises ConfigError where the metric is missing."""
        if self.metric == OBJECTIVE and OBJECTIVE not in metrics:
            value = sum(number for name, number in metrics.items() if name != "loss")
        elif self.metric in metrics:
            value = metrics[self.metric]
        else:
            raise ConfigError(missing(self.metric, metrics))
        return value if self.direction == MAXIMISE else -value


def missing(metric: str, metrics: Mapping[str, float]) -> str:
    listed = ", ".join(f"{VALIDATION}_{name}" for name in metrics)
    return (
        f"engine.metric is {metric!r}, but an evaluation of the Trainer returns {listed or 'nothing'}: name one of these, or "
        f"{OBJECTIVE} for the sum of what compute_metrics returns"
    )


def without_prefix(metric: str) -> str:
    return metric.removeprefix(f"{VALIDATION}_")


def numbers(metrics: Mapping[str, Any], split: str) -> dict[str, float]:
    """The metrics of a split without its prefix; those about time or memory are left out."""
    found = {name.removeprefix(f"{split}_"): value for name, value in metrics.items() if name.startswith(f"{split}_")}
    return {
        name: float(value)
        for name, value in found.items()
        if isinstance(value, int | float) and not name.endswith(_ABOUT_TIME) and not name.startswith("mem_")
    }


@dataclass(frozen=True, kw_only=True)
class Heard:
    """The predictions that compute_metrics was given. counts: see Score.predicted_counts. classes: the class predicted for each
    example; None where numbers, sequences or the like are predicted."""

    counts: tuple[int, ...] = ()
    classes: tuple[float, ...] | None = None


def heard(prediction: Any) -> Heard:
    """prediction: transformers' EvalPrediction."""
    labels, predicted = prediction.label_ids, prediction.predictions
    predicted = predicted[0] if isinstance(predicted, tuple) else predicted
    if not isinstance(labels, np.ndarray) or not isinstance(predicted, np.ndarray):
        return Heard()
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer) or len(predicted) != len(labels):
        return Heard()
    if predicted.ndim == 2 and predicted.shape[1] > 1:
        classes, count = predicted.argmax(axis=1), predicted.shape[1]
    elif predicted.ndim == 1 and np.issubdtype(predicted.dtype, np.integer) and predicted.min() >= 0:
        classes, count = predicted, int(max(predicted.max(), labels.max())) + 1
    else:
        return Heard()
    counts = tuple(np.bincount(classes, minlength=count).tolist())
    return Heard(counts=counts, classes=tuple(float(value) for value in classes))


def score(metrics: Mapping[str, Any], split: str, objective: Objective, said: Heard, n_examples: int) -> Score:
    """Raises ConfigError where the metric, or the loss, is missing."""
    found = numbers(metrics, split)
    if "loss" not in found:
        raise ConfigError(f"an evaluation of the Trainer returns no loss: its {split} dataset needs labels")
    best = objective.of(found)
    loss = found.pop("loss")
    named = {objective.name: best, **{name: value for name, value in found.items() if name != objective.name}}
    return Score(
        metrics={name: value for name, value in named.items() if math.isfinite(value) or name == objective.name},
        loss=loss,
        n_examples=n_examples,
        predicted_counts=said.counts,
        predictions=said.classes if split == TEST else None,
    )


def finite(scored: Score, objective: Objective) -> bool:
    return is_number(scored.loss) and is_number(scored.metrics[objective.name])
