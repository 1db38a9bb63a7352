"""A Trainer for a task and a model of ours, as a script of its own would make it: for presets that go through Trainer."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from torch.utils.data import Dataset
from transformers import DataCollatorWithPadding, Trainer, TrainingArguments

from tuneoff.model.loading import load_classifier, load_tokenizer
from tuneoff.model.settings import ModelSettings
from tuneoff.task.base import Task, TaskError, TextSplit
from tuneoff.task.kinds import kind_of, scoring_of
from tuneoff.task.kinds.contracts import CLASSES, LABEL_SETS, NUMBERS
from tuneoff.task.protocol import ProtocolSettings
from tuneoff.task.registry import load_task
from tuneoff.task.settings import TaskSettings
from tuneoff.task.split import make_splits
from tuneoff.training.protocol import Request

OUTPUT = str(Path(tempfile.gettempdir()) / "tuneoff-trainer")
"""Nothing is written there, since nothing is saved."""


def make_trainer(request: Request, eval_steps: int = 500) -> tuple[Trainer, Dataset[Any]]:
    """A Trainer with its defaults, evaluated every `eval_steps` steps, and its test rows.

    Raises TaskError for a metric that is better when lower: the sum of all is maximised.
    """
    task, rows, tokenizer = _rows(request.task, request.protocol, request.model, request.seeds["split"])
    for metric in scoring_of(task).metrics:
        if not metric.higher_is_better:
            raise TaskError(
                f"task.metrics is {list(task.metrics)}, but engine=task_trainer maximises their sum and {metric.name} is "
                "better when lower: leave it out, or use engine=finetune"
            )
    model, _, _ = load_classifier(request.model, kind_of(task).n_outputs(task))
    model.config.problem_type = _PROBLEMS[kind_of(task).targets]
    trainer = Trainer(
        model=model,
        args=TrainingArguments(
            output_dir=OUTPUT,
            eval_strategy="steps",
            eval_steps=eval_steps,
            save_strategy="no",
            report_to="none",
            per_device_eval_batch_size=request.training.evaluation_batch_size,
            disable_tqdm=True,
        ),
        train_dataset=rows["train"],
        eval_dataset=rows["validation"],
        processing_class=tokenizer,
        data_collator=DataCollatorWithPadding(tokenizer),
        compute_metrics=partial(_metrics, task),
    )
    return trainer, rows["test"]


_PROBLEMS = {CLASSES: "single_label_classification", NUMBERS: "regression", LABEL_SETS: "multi_label_classification"}
"""By targets, transformers' names for its losses."""


class Rows(Dataset[dict[str, Any]]):
    """Encoded rows and their labels."""

    def __init__(self, rows: TextSplit, tokenizer: Any, max_length: int) -> None:
        second = None if rows.text_b is None else list(rows.text_b)
        encoded = tokenizer(list(rows.text_a), second, truncation=True, max_length=max_length)
        names = [name for name in tokenizer.model_input_names if name in encoded]
        labels = (rows.label if rows.label.ndim == 1 else rows.label.astype(np.float64)).tolist()
        self._rows = [{**{name: encoded[name][i] for name in names}, "labels": labels[i]} for i in range(len(rows))]

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self._rows[index]


@lru_cache(maxsize=1)
def _rows(
    settings: TaskSettings, protocol: ProtocolSettings, model: ModelSettings, seed: int
) -> tuple[Task, Mapping[str, Rows], Any]:
    """The task, its rows by part, encoded once a process, and the tokenizer."""
    task = load_task(settings)
    splits, tokenizer = make_splits(task, protocol, seed), load_tokenizer(model)
    return task, {name: Rows(part.rows, tokenizer, model.max_length) for name, part in splits.parts.items()}, tokenizer


def _metrics(task: Task, prediction: Any) -> dict[str, float]:
    """The task's metrics, without sums of others."""
    scoring = scoring_of(task)
    outputs, targets = np.asarray(prediction.predictions, dtype=np.float32), np.asarray(prediction.label_ids)
    targets = targets if targets.ndim == 1 else targets.astype(np.int64)
    scored = scoring.score(outputs, targets, keep_predictions=False)
    return {name: value for name, value in scored.metrics.items() if name != "objective"}
