"""How far shallow cues go on entail: two logistic regressions that see no structure, as a check on the grammar."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tuneoff.task.base import TextSplit

NEGATIVE = frozenset({"not", "no", "neither", "nor"})
FEATURES = (
    "shared words",
    "shared / premise",
    "shared / hypothesis",
    "Jaccard",
    "length difference",
    "absolute length difference",
    "premise length",
    "hypothesis length",
    "shared bigrams / hypothesis bigrams",
    "negation in premise only",
    "negation in hypothesis only",
    "negation in both",
    "same first word",
    "same last word",
    "new words in hypothesis",
    "lost words of premise",
)


def overlap_features(premise: str, hypothesis: str) -> list[float]:
    """One number for each of `FEATURES`."""
    a, b = premise.split(), hypothesis.split()
    first, second = set(a), set(b)
    shared = len(first & second)
    pairs_a, pairs_b = set(pairwise(a)), set(pairwise(b))
    not_a, not_b = bool(first & NEGATIVE), bool(second & NEGATIVE)
    return [
        shared,
        shared / len(first),
        shared / len(second),
        shared / len(first | second),
        len(b) - len(a),
        abs(len(b) - len(a)),
        len(a),
        len(b),
        len(pairs_a & pairs_b) / max(len(pairs_b), 1),
        not_a and not not_b,
        not_b and not not_a,
        not_a and not_b,
        a[0] == b[0],
        a[-1] == b[-1],
        len(second - first),
        len(first - second),
    ]


def overlap_accuracy(train: TextSplit, test: TextSplit) -> float:
    """Test accuracy of a logistic regression on `overlap_features`, fitted on `train`."""
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    model.fit(_overlaps(train), train.label)
    return float(model.score(_overlaps(test), test.label))


def hypothesis_only_accuracy(train: TextSplit, test: TextSplit, *, ngrams: int = 1) -> float:
    """Test accuracy of a logistic regression on the counts of the hypothesis' words, or n-grams up to `ngrams`."""
    model = make_pipeline(
        CountVectorizer(token_pattern=r"\S+", ngram_range=(1, ngrams)), LogisticRegression(C=0.1, max_iter=1000)
    )
    model.fit(_hypotheses(train), train.label)
    return float(model.score(_hypotheses(test), test.label))


def _overlaps(split: TextSplit) -> NDArray[np.float64]:
    return np.array([overlap_features(p, h) for p, h in zip(split.text_a, _hypotheses(split), strict=True)], dtype=np.float64)


def _hypotheses(split: TextSplit) -> Sequence[str]:
    assert split.text_b is not None
    return split.text_b
