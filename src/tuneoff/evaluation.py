"""One evaluation of a trial: its scores, and its cost since the one before. Knows neither Ray nor torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields


@dataclass(frozen=True, kw_only=True)
class Score:
    """Metrics on one set of examples. `collapsed` means that every answer was the same: one class, or one set of labels."""

    metrics: Mapping[str, float]
    loss: float
    n_examples: int
    predicted_counts: tuple[int, ...]
    """The count of predictions of each class; shape (n_classes,). Of several labels a row, the count of each set of labels that
    was predicted, the largest first. () where numbers are predicted."""
    predictions: tuple[float, ...] | None = None
    """The class (a whole number) or number predicted for each example, in the split's order. Kept for test scores, where paired
    tests need it; None for sets of labels."""

    @property
    def collapsed(self) -> bool:
        return max(self.predicted_counts, default=-1) == self.n_examples


@dataclass(frozen=True, kw_only=True)
class Cost:
    """An increment of device time and work. Seconds are wall seconds on the trial's device share."""

    start_up_seconds: float = 0.0
    train_seconds: float = 0.0
    evaluate_seconds: float = 0.0
    test_seconds: float = 0.0
    save_seconds: float = 0.0
    load_seconds: float = 0.0
    train_steps: int = 0
    train_examples: int = 0
    train_tokens: int = 0
    """Real tokens, padding not counted."""

    def __add__(self, other: Cost) -> Cost:
        return Cost(**{name: getattr(self, name) + getattr(other, name) for name in COST_NAMES})

    def to_dict(self) -> dict[str, float]:
        """Equals dataclasses.asdict, ten times as fast: a report calls it twice a record."""
        return {name: getattr(self, name) for name in COST_NAMES}

    @property
    def seconds(self) -> float:
        return (
            self.start_up_seconds
            + self.train_seconds
            + self.evaluate_seconds
            + self.test_seconds
            + self.save_seconds
            + self.load_seconds
        )


COST_NAMES = tuple(f.name for f in fields(Cost))
