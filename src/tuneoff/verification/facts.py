"""How many facts of unsealed records follow from nothing else, so that a change of them can't be found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from tuneoff.records.schema import EvaluationRecord, Header
from tuneoff.verification.discrepancy import Log
from tuneoff.verification.rows import BY_PREDICTIONS

DERIVED = ("kind", "trial_id", "evaluation", "parent_trial_id", "parent_evaluation", "examples_seen", "epoch", "session")
"""Fields of a log's line that follow from other lines."""
DERIVED_HEADER = (
    "study",
    "task",
    "model",
    "algorithm",
    "repeat",
    "protocol",
    "metric",
    "status",
    "config",
    "config_hash",
    "seeds",
    "space",
    "price",
)
"""Fields of a header that follow from its configuration, or that its hash covers."""
_BINARY = ("f1", "macro_f1", "matthews", "objective", "balanced_accuracy")


def unchecked_facts(header: Header, logs: Iterable[Log], *, with_rows: bool) -> int:
    """Numbers and texts. with_rows: the task's rows are at hand, which decide its facts and the scores of predictions."""
    rest = {name: value for name, value in asdict(header).items() if name not in DERIVED_HEADER}
    count = _leaves({**rest, "data": {} if with_rows else _without_derived_data(header.data)})
    for log in logs:
        for _, record in log.lines:
            values = {name: value for name, value in asdict(record).items() if name not in DERIVED}
            if isinstance(record, EvaluationRecord):
                values["hparams"] = {n: v for n, v in record.hparams.items() if n in header.space}
                for part in ("validation", "test"):
                    values[part] = _undecided(values[part], header, part, with_rows)
            count += _leaves(values)
    return count


def _undecided(score: Mapping[str, Any] | None, header: Header, part: str, with_rows: bool) -> dict[str, Any]:
    """Of a score, what neither its counts nor the rows decide."""
    if score is None:
        return {}
    decided = {"n_examples"}
    metrics = dict(score["metrics"])
    if len((header.data.get("parts") or {}).get(part, {}).get("label_counts") or ()) == 2 and "accuracy" in metrics:
        metrics = {name: value for name, value in metrics.items() if name not in _BINARY}
    if score["predictions"] is not None:
        decided.add("predicted_counts")
        if with_rows:
            metrics = {name: value for name, value in metrics.items() if name not in BY_PREDICTIONS}
    return {**{name: value for name, value in score.items() if name not in decided}, "metrics": metrics}


def _without_derived_data(data: Mapping[str, Any]) -> dict[str, Any]:
    parts = {
        name: {k: v for k, v in part.items() if k in ("from", "index", "label_counts", "targets")}
        for name, part in (data.get("parts") or {}).items()
    }
    return {**{k: v for k, v in data.items() if k not in ("n_train", "n_validation", "n_test", "protocol")}, "parts": parts}


def _leaves(value: Any) -> int:
    if isinstance(value, Mapping):
        return sum(map(_leaves, value.values()))
    if isinstance(value, Sequence) and not isinstance(value, str):
        return sum(map(_leaves, value))
    return value is not None
