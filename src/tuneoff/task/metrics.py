"""Classification metrics over logits. All are better when higher. Knows neither Ray nor torch."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tuneoff.evaluation import Score

Labels = NDArray[np.int64]


def _accuracy(labels: Labels, predicted: Labels) -> float:
    return float((labels == predicted).mean())


def _f1(labels: Labels, predicted: Labels) -> float:
    """F1 of class 1 (two classes), 0 where class 1 is neither present nor predicted."""
    hits = int(((labels == 1) & (predicted == 1)).sum())
    size = int((labels == 1).sum() + (predicted == 1).sum())
    return 2 * hits / size if size else 0.0


def _macro_f1(labels: Labels, predicted: Labels) -> float:
    from sklearn.metrics import f1_score

    return float(f1_score(labels, predicted, average="macro", zero_division=0.0))


def _matthews(labels: Labels, predicted: Labels) -> float:
    from sklearn.metrics import matthews_corrcoef

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one class only: the coefficient is 0 by convention
        return float(matthews_corrcoef(labels, predicted))


METRICS: dict[str, Callable[[Labels, Labels], float]] = {
    "accuracy": _accuracy,
    "f1": _f1,
    "macro_f1": _macro_f1,
    "matthews": _matthews,
}


def score_predictions(
    logits: NDArray[np.float32], labels: Labels, metrics: tuple[str, ...], *, keep_predictions: bool
) -> Score:
    """logits: (n, n_labels); labels: (n,). The loss is the mean cross-entropy in nats."""
    predicted: Labels = logits.argmax(axis=1)
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    log_likelihood = shifted[np.arange(len(labels)), labels] - np.log(np.exp(shifted).sum(axis=1))
    return Score(
        metrics={name: METRICS[name](labels, predicted) for name in metrics},
        loss=float(-log_likelihood.mean()),
        n_examples=len(labels),
        predicted_counts=tuple(int(c) for c in np.bincount(predicted, minlength=logits.shape[1])),
        predictions=tuple(int(p) for p in predicted) if keep_predictions else None,
    )
