"""A kind of task from outside the repository: ratings, whose classes are in order; and a source of such rows."""

from dataclasses import dataclass

import numpy as np

from tuneoff.plugins import register
from tuneoff.task import Task, TaskSettings, TextSplit
from tuneoff.task.kinds.classification import Classification
from tuneoff.task.kinds.contracts import Answers, Metric

STARS = ("one", "two", "three", "four", "five")
WORDS = ("awful", "poor", "fair", "good", "superb")


@register("kind", "rating")
class Rating(Classification):
    """Trained as classes are, but the answer is the median of the predicted distribution, not its largest part."""

    def predict(self, outputs):
        shares = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        below = np.cumsum(shares / shares.sum(axis=1, keepdims=True), axis=1)
        return (below < 0.5).sum(axis=1).clip(max=outputs.shape[1] - 1)


@register("metric", "mean_distance")
class MeanDistance(Metric):
    """In stars."""

    higher_is_better = False

    def score(self, answers: Answers) -> float:
        return float(np.abs(answers.targets - answers.predicted).mean())


@register("task", "made_up_ratings")
@dataclass(frozen=True, kw_only=True)
class MadeUpRatings(TaskSettings):
    """task.rows in each split. Each setting is a field, and a line in conf/task/NAME.yaml."""

    rows: int = 200

    def load(self) -> Task:
        return Task(
            name=self.name,
            kind="rating",
            label_names=STARS,
            splits={split: self._split(number) for number, split in enumerate(("train", "dev", "test"))},
            source=f"made up, seed {self.seed}",
            metrics=("accuracy", "mean_distance"),
        )

    def _split(self, number: int) -> TextSplit:
        stars = np.random.default_rng([self.seed, number]).integers(len(STARS), size=self.rows)
        texts = tuple(f"{split_row} was {WORDS[star]}" for split_row, star in enumerate(stars, start=number * self.rows))
        return TextSplit(text_a=texts, text_b=None, label=stars.astype(np.int64))
