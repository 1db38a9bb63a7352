"""Small tasks made in place."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tuneoff.task import Task, TextSplit


def rows(text_a: Sequence[str], label: Sequence[int], text_b: Sequence[str] | None = None) -> TextSplit:
    return TextSplit(
        text_a=tuple(text_a), text_b=None if text_b is None else tuple(text_b), label=np.array(label, dtype=np.int64)
    )


def task_of(labels: int = 2, **splits: TextSplit) -> Task:
    return Task(name="toy", label_names=tuple(f"label{i}" for i in range(labels)), splits=splits, source="test")
