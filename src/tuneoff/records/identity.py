"""THE rule of which cells may be averaged and compared: they share the task's data, the test rows and the model's weights."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from tuneoff.records.schema import Header

TASK_DATA, TEST_ROWS, MODEL_WEIGHTS = "task data", "test rows", "model weights"
IDENTITY = (TASK_DATA, TEST_ROWS, MODEL_WEIGHTS)
"""The facts that cells must share, in words."""
UNKNOWN = "unknown"


def identity(header: Header) -> dict[str, str]:
    """As `identity_of`, from what a header holds."""
    return identity_of(header.data, header.config)


def identity_of(data: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, str]:
    """A hash for each of IDENTITY; equal hashes mean equal data. UNKNOWN, as a value of its own, where the facts lack it.

    task data: all rows of the source, how many of them may be trained on, and the class that the metric is about. test rows:
    which rows of which split are the test set. model weights: before training.

    data: `Header.data`. config: `Header.config`.
    """
    task = config.get("task")
    limit = task.get("max_train_rows") if isinstance(task, Mapping) else None
    test = data.get("parts", {}).get("test", {})
    known = {
        TASK_DATA: data.get("source_rows") and [data.get("source_rows"), limit, data.get("positive")],
        TEST_ROWS: test.get("index") and [test.get("from"), test.get("index")],
        MODEL_WEIGHTS: data.get("model_sha256"),
    }
    return {name: UNKNOWN if known[name] is None else digest(known[name]) for name in IDENTITY}


def digest(value: Any) -> str:
    """Twelve hexadecimal digits of SHA-256 over canonical JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]
