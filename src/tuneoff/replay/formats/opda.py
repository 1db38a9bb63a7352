"""Random searches published with `opda` (Lourie, Cho and He 2023, arXiv 2311.09480): DeBERTa and DeBERTa-v3 on MultiNLI.

Validation is MultiNLI's matched set, test its mismatched one. A budget counts training examples: curves, recorded every 1,000
steps, are read every quarter of an epoch, at the last evaluation at or before it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tuneoff.replay.foreign import Options
from tuneoff.replay.table import RecordedTrial, Table
from tuneoff.space import Float, Int, SearchSpace

EVALUATIONS_PER_EPOCH = 4
MISMATCHED_ROWS = 9832
SPACE = SearchSpace(
    {
        "num_epochs": Int(low=1, high=4),
        "batch_size": Int(low=16, high=64),
        "learning_rate": Float(low=1e-6, high=1e-3, log=True),
        "warmup_proportion": Float(low=0.0, high=0.6),
        "cls_dropout": Float(low=0.0, high=0.3),
    }
)
ATTRIBUTION = (
    "Computed from the DeBERTa Hyperparameter Tuning Data, (c) 2023 by Nicholas Lourie, licensed under CC BY-SA 4.0 "
    "(http://creativecommons.org/licenses/by-sa/4.0/), which holds for what is derived from it here as well. Lourie, Cho and "
    "He (2023): Show Your Work with Confidence, arXiv 2311.09480."
)


def read(path: Path, options: Options) -> Table:  # noqa: ARG001
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return Table(
        name=path.name.split("_")[0],
        source=path.name,
        metric="accuracy",
        space=SPACE,
        trials=tuple(trial(row) for row in rows),
        evaluations_per_epoch=EVALUATIONS_PER_EPOCH,
        max_epochs=4,
        drawn_at_random=True,
        test_rows=MISMATCHED_ROWS,
        attribution=ATTRIBUTION,
    )


def trial(row: Mapping[str, Any]) -> RecordedTrial:
    epochs, curves = int(row["num_train_epochs"]), row["learning_curves"]
    steps_an_epoch = row["total_model_steps"] / epochs
    count = epochs * EVALUATIONS_PER_EPOCH
    ends = [math.inf if k == count else k / EVALUATIONS_PER_EPOCH * steps_an_epoch for k in range(1, count + 1)]
    point = {
        "num_epochs": epochs,
        "batch_size": int(row["train_batch_size"]),
        "learning_rate": SPACE.domains["learning_rate"].clip(row["learning_rate"]),
        "warmup_proportion": SPACE.domains["warmup_proportion"].clip(row["warmup_steps"] / steps_an_epoch),
        "cls_dropout": SPACE.domains["cls_dropout"].clip(row["cls_drop_out"]),
    }
    unknown = (math.nan,) * count
    return RecordedTrial(
        point=point,
        split="",
        validation=tuple(_last(curves["matched"], end) for end in ends),
        test=tuple(_last(curves["mismatched"], end) for end in ends),
        train_seconds=unknown,
        evaluate_seconds=unknown,
        test_seconds=unknown,
    )


def _last(curve: list[list[float]], step: float) -> float:
    """The score known after `step` steps: of the last evaluation by then."""
    return float([score for at, score in curve if at <= step + 1e-9][-1])
