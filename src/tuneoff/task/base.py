"""A task: labelled text in named splits. Knows neither Ray nor torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuneoff.errors import UserError

UNLABELLED = -1


class TaskError(UserError):
    """Data that is missing, unreadable or unfit for its kind of task; the message names the remedy."""


@dataclass(frozen=True, kw_only=True)
class TextSplit:
    """Rows of one split.

    text_a: n strings. text_b: n strings, or None for single-sentence tasks.
    label: shape (n,). int64, class indices, `UNLABELLED` where the label is hidden; or float64, numbers, NaN where hidden. Or
    shape (n, labels), int64, 1 where a row has the label, `UNLABELLED` where hidden.
    """

    text_a: tuple[str, ...]
    text_b: tuple[str, ...] | None
    label: NDArray[Any]

    def __len__(self) -> int:
        return len(self.text_a)

    @property
    def labelled(self) -> bool:
        hidden = np.isnan(self.label) if self.label.dtype.kind == "f" else self.label == UNLABELLED
        return not hidden.any()


@dataclass(frozen=True, kw_only=True)
class TrainLimit:
    """At most `rows` rows are trained on, drawn with `seed` after validation and test are cut."""

    rows: int
    seed: int


@dataclass(frozen=True, kw_only=True)
class Task:
    """A task as its source gives it, before any protocol.

    splits: "train" and, where they exist, "dev" and "test", each whole and in the order of its source. `source` says
    where the rows came from, for the run header.
    """

    name: str
    label_names: tuple[str, ...]
    splits: Mapping[str, TextSplit]
    source: str
    metrics: tuple[str, ...] = ("accuracy",)
    """The first is what searches maximise; the rest are reported."""
    kind: str = "classification"
    """Name of the file of task/kinds, or of a registered kind, that knows targets, loss and metrics."""
    positive: int | None = None
    """Index of the class that metrics such as F1 are about."""
    train_limit: TrainLimit | None = None
    built_in: bool = False
    """Whether its rows are of the grammar that the built-in model was pre-trained on."""
