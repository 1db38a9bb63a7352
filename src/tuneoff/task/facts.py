"""Facts about a task's rows, before training on them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuneoff.task.base import Task, TextSplit
from tuneoff.task.encode import BLOCK_ROWS
from tuneoff.task.kinds import find_metric, kind_of, scoring_of
from tuneoff.task.split import Splits, hash_rows, sentences, shares_sentence


@dataclass(frozen=True, kw_only=True)
class Lengths:
    """Lengths of texts in word pieces, special tokens included, before truncation, also of texts longer than the model can
    take."""

    mean: float
    median: float
    p95: float
    max: int
    over_limit: int
    """Rows that max_length truncates."""


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """How many rows of one split have a text that occurs in another, by column: a_in_b counts rows whose text_a is
    some row's text_b there. `pairs`: the whole row occurs there."""

    rows: int
    a_in_a: int
    a_in_b: int
    b_in_a: int
    b_in_b: int
    pairs: int


def measure_lengths(rows: TextSplit, tokenizer: Any, max_length: int) -> Lengths:
    """`tokenizer`: a fast one of transformers."""
    lengths = _token_counts(rows, tokenizer)
    return Lengths(
        mean=float(lengths.mean()),
        median=float(np.median(lengths)),
        max=int(lengths.max()),
        p95=float(np.percentile(lengths, 95)),
        over_limit=int((lengths > max_length).sum()),
    )


def _token_counts(rows: TextSplit, tokenizer: Any) -> NDArray[np.int64]:
    """Shape (n,)."""
    found: list[int] = []
    for start in range(0, len(rows), BLOCK_ROWS):
        texts = [list(c[start : start + BLOCK_ROWS]) for c in (rows.text_a, rows.text_b) if c is not None]
        batch = tokenizer(*texts, truncation=False, padding=False, return_attention_mask=False, verbose=False)
        found += map(len, batch["input_ids"])
    return np.array(found, dtype=np.int64)


def count_duplicates(rows: TextSplit) -> int:
    """Rows whose texts, all columns, are those of an earlier row."""
    return len(rows) - len(set(_pairs(rows)))


def measure_overlap(rows: TextSplit, other: TextSplit) -> Overlap:
    there = set(_pairs(other))
    return Overlap(
        rows=int(shares_sentence(rows, sentences(other)).sum()),
        a_in_a=_count(rows.text_a, other.text_a),
        a_in_b=_count(rows.text_a, other.text_b),
        b_in_a=_count(rows.text_b, other.text_a),
        b_in_b=_count(rows.text_b, other.text_b),
        pairs=sum(pair in there for pair in _pairs(rows)),
    )


def summarise(task: Task, splits: Splits) -> dict[str, Any]:
    """The facts for a run's header, JSON-ready: source, hashes, sizes, constant answers' scores, indices of the split and
    their hash."""
    kind, scoring = kind_of(task), scoring_of(task)
    about_one = any(find_metric(name).needs_positive for name in task.metrics)
    return {
        "name": task.name,
        "source": task.source,
        "built_in": task.built_in,
        "kind": task.kind,
        "labels": list(task.label_names),
        "metrics": list(task.metrics),
        "positive": task.label_names[task.positive] if task.positive is not None and about_one else None,
        "source_rows": {name: {"rows": len(rows), "sha256": hash_rows(rows)} for name, rows in task.splits.items()},
        "protocol": splits.protocol,
        "description": splits.description,
        "split_sha256": splits.hash,
        "parts": {
            name: {
                "from": part.source,
                "rows": len(part),
                "index": ranges(part.index),
                **kind.facts(task, part.rows),
                "constant_scores": scoring.constant_scores(part.rows.label),
            }
            for name, part in splits.parts.items()
        },
    }


def ranges(index: NDArray[np.int64]) -> str:
    """Ascending row numbers in short form: "0-4 7 9-12"."""
    if not len(index):
        return ""
    runs = np.split(index, np.flatnonzero(np.diff(index) != 1) + 1)
    return " ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def _pairs(rows: TextSplit) -> Sequence[Hashable]:
    return rows.text_a if rows.text_b is None else tuple(zip(rows.text_a, rows.text_b, strict=True))


def _count(texts: Sequence[str] | None, others: Sequence[str] | None) -> int:
    there = set(others or ())
    return sum(text in there for text in texts or ())
