"""A metric from outside the repository: the mean of the classes' recalls."""

import numpy as np

from tuneoff.plugins import register
from tuneoff.task.kinds.contracts import SHARE, Answers, Metric


@register("metric", "balanced_accuracy")
class BalancedAccuracy(Metric):
    unit = SHARE  # written in per cent; PLAIN numbers are written as they are

    def score(self, answers: Answers) -> float:
        right = answers.targets == answers.predicted
        return float(np.mean([right[answers.targets == c].mean() for c in np.unique(answers.targets)]))
