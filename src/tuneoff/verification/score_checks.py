"""Scores against what is stored beside them: predictions, how often each class was predicted, how often it occurs."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tuneoff.evaluation import Score
from tuneoff.verification.discrepancy import Discrepancy, Log, close, named
from tuneoff.verification.header_checks import MULTILABEL, positive_class


def check_scores(log: Log) -> Iterator[Discrepancy]:
    data = log.header.data
    recorded = (log.header.config.get("record") or {}).get("test_rows")
    for number, record in log.evaluations:
        for part, score in (("validation", record.validation), ("test", record.test)):
            if score is None:
                continue
            size = data.get(f"n_{part}") if part == "validation" or recorded is None else None
            facts = (data.get("parts") or {}).get(part, {}) if score.n_examples == data.get(f"n_{part}") else {}
            for place, found, expected in _score(score, size, facts.get("label_counts"), data, log.ours):
                yield log.wrong(number, f"{named(record)}, {part}.{place}", found, expected)


def _score(
    score: Score, size: int | None, labels: Sequence[int] | None, data: Mapping[str, Any], ours: bool
) -> Iterator[tuple[str, Any, Any]]:
    """(place, found, expected) of what does not agree. size: of the part. labels: how often it has each class."""
    if size is not None and score.n_examples != size:
        yield "n_examples", score.n_examples, f"{size}, the rows of the part"
    counts, classes = score.predicted_counts, data.get("labels")
    if ours and counts and sum(counts) != score.n_examples:  # a script may score several sets, and count one
        yield "predicted_counts", f"{list(counts)}, which are {sum(counts)}", f"{score.n_examples} in sum"
    if counts and min(counts) < 0:
        yield "predicted_counts", list(counts), "0 or more"
    sets = data.get("kind") == MULTILABEL
    if sets and list(counts) != sorted(counts, reverse=True):
        yield "predicted_counts", list(counts), "the largest first"
    if ours and counts and isinstance(classes, list) and not sets and len(counts) != len(classes):
        yield "predicted_counts", f"{len(counts)} classes", len(classes)
    if score.predictions is not None:
        if ours and len(score.predictions) != score.n_examples:
            yield "predictions", f"{len(score.predictions)} of them", score.n_examples
        found = Counter(score.predictions)
        if counts and any(found.get(c, 0) != n for c, n in enumerate(counts)):
            yield "predictions, counted", [found.get(c, 0) for c in range(len(counts))], list(counts)
    if not math.isfinite(score.loss) or (ours and score.loss < 0):
        yield "loss", score.loss, "0 or more"
    if ours:
        yield from _metrics(score, labels, positive_class(data))


def _metrics(score: Score, labels: Sequence[int] | None, positive: int) -> Iterator[tuple[str, Any, Any]]:
    """An accuracy is a whole number of right answers; between two classes it decides, with both counts, every other metric."""
    accuracy = score.metrics.get("accuracy")
    if accuracy is None:
        return
    right = round(accuracy * score.n_examples)
    if not 0 <= right <= score.n_examples or not close(accuracy, right / score.n_examples):
        yield "metrics.accuracy", accuracy, f"{right}/{score.n_examples} = {right / score.n_examples}, the nearest share"
        return
    counts = score.predicted_counts
    if labels is None or sum(labels) != score.n_examples or len(counts) != len(labels):
        return
    most = sum(min(a, b) for a, b in zip(counts, labels, strict=True))
    if right > most:
        yield "metrics.accuracy", accuracy, f"{most}/{score.n_examples} at most, by the counts of labels and predictions"
    elif len(labels) == 2:
        yield from _two_classes(score.metrics, right, counts, labels, positive)


def _two_classes(
    metrics: Mapping[str, float], right: int, counts: Sequence[int], labels: Sequence[int], positive: int
) -> Iterator[tuple[str, Any, Any]]:
    """From the right answers and both margins of the table of two classes: its four cells, and so F1, macro-F1 and Matthews."""
    n = sum(labels)
    twice = right + counts[1] + labels[1] - n
    if twice % 2 or not 0 <= twice // 2 <= min(counts[1], labels[1]):
        yield (
            "metrics.accuracy",
            f"{right} right answers",
            f"another number: of {counts} predictions and {labels} labels none has so many",
        )
        return
    hits = {1: twice // 2, 0: right - twice // 2}
    f1 = {c: 2 * hits[c] / (counts[c] + labels[c]) if counts[c] + labels[c] else 0.0 for c in (0, 1)}
    spread = math.sqrt(float(counts[0]) * counts[1] * labels[0] * labels[1])
    matthews = (hits[1] * hits[0] - (counts[1] - hits[1]) * (counts[0] - hits[0])) / spread if spread else 0.0
    derived = {
        "f1": f1[positive],
        "macro_f1": sum(f1[c] for c in (0, 1) if counts[c] + labels[c]) / sum(1 for c in (0, 1) if counts[c] + labels[c]),
        "matthews": matthews,
        "objective": right / n + f1[positive],
        "balanced_accuracy": sum(hits[c] / labels[c] for c in (0, 1) if labels[c]) / sum(1 for c in (0, 1) if labels[c]),
    }
    for name, expected in derived.items():
        if name in metrics and not close(metrics[name], expected):
            yield f"metrics.{name}", metrics[name], expected
