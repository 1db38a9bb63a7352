"""The score of an answer that does not look at its input."""

from __future__ import annotations

import math
from collections.abc import Sequence


def constant_answer_score(metric: str, label_counts: Sequence[int], positive: int = 1) -> float:
    """The highest score of always answering one class; NaN for a metric without a known rule, or without labelled rows.

    label_counts: how often each class occurs, shape (classes,). positive: index of the class that `f1` is of. With p the
    share of the answered class: accuracy is p; F1 of that class 2p / (1 + p), of any other 0, so that macro-F1 is
    2p / (1 + p) over the number of classes; balanced accuracy is 1 / classes; Matthews' coefficient is 0 by convention.
    """
    total, classes = sum(label_counts), len(label_counts)
    if total == 0:
        return math.nan
    share = max(label_counts) / total
    if metric == "accuracy":
        return share
    if metric == "f1":
        own = label_counts[positive] / total if 0 <= positive < classes else math.nan
        return 2 * own / (1 + own)
    if metric == "macro_f1":
        return 2 * share / (1 + share) / sum(count > 0 for count in label_counts)
    if metric == "balanced_accuracy":
        return 1 / sum(count > 0 for count in label_counts)
    return 0.0 if metric == "matthews" else math.nan


def constant_set_score(metric: str, label_counts: Sequence[int], rows: int) -> float:
    """The highest score of giving every row the same labels; NaN for a metric that the counts don't decide.

    label_counts: in how many of the rows each label occurs. With the j most frequent labels, of c rows in all, micro-F1 is
    2c / (j rows + the sum of all counts); with all that occur macro-F1 is the mean of 2c / (rows + c).
    """
    there = sorted((count for count in label_counts if count), reverse=True)
    if metric == "micro_f1" and there:
        return max(2 * sum(there[:j]) / (j * rows + sum(there)) for j in range(1, len(there) + 1))
    if metric == "macro_f1" and there:
        return sum(2 * c / (rows + c) for c in there) / len(there)
    return math.nan
