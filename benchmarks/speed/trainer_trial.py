"""The code that transformers' documentation asks a search's author for, and a callback that measures. Imported in Ray's
workers."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForSequenceClassification, TrainerCallback

from benchmarks.speed.setting import Setting, read_rows
from tuneoff.model.loading import load_tokenizer, locate


@dataclass(frozen=True, kw_only=True)
class ModelInit:
    source: str
    layers: int | None

    def __call__(self) -> Any:
        torch.set_num_threads(1)
        cut = {} if self.layers is None else {"num_hidden_layers": self.layers}
        return AutoModelForSequenceClassification.from_pretrained(self.source, num_labels=2, **cut)


class Rows(torch.utils.data.Dataset):  # type: ignore[type-arg]
    """Tokenised once, before the search. pad: to max_length, as run_glue does unless told otherwise."""

    def __init__(self, setting: Setting, name: str, tokenizer: Any, pad: bool) -> None:
        rows = read_rows(Path(setting.folder) / f"{name}.jsonl")
        self._encoded = tokenizer(
            [r["a"] for r in rows],
            [r["b"] for r in rows],
            truncation=True,
            max_length=setting.model_settings.max_length,
            padding="max_length" if pad else False,
        )
        self._labels = [r["label"] for r in rows]

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, row: int) -> dict[str, Any]:
        return {**{key: values[row] for key, values in self._encoded.items()}, "labels": self._labels[row]}


def accuracy(prediction: Any) -> dict[str, float]:
    return {"accuracy": float((np.argmax(prediction.predictions, axis=1) == prediction.label_ids).mean())}


class Meter(TrainerCallback):  # type: ignore[misc]
    """One line per trial in `file`: when its training began, what training took, and its last accuracy.

    Evaluation comes between epochs and is not part of `train_seconds`; nor is saving, which comes after a step.
    """

    def __init__(self, file: str) -> None:
        self._file = file

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        self._facts: dict[str, Any] = {
            "first_step": time.time(),
            "learning_rate": args.learning_rate,
            "train_seconds": 0.0,
            "save_seconds": 0.0,
        }

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        self._epoch = time.perf_counter()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        self._step = time.perf_counter()

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        self._facts["save_seconds"] += time.perf_counter() - self._step

    def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        self._facts["train_seconds"] += time.perf_counter() - self._epoch

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: dict[str, float], **_: Any) -> None:  # noqa: ARG002
        self._facts["accuracy"] = metrics["eval_accuracy"]
        self._facts.setdefault("first_evaluation", time.time())

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        self._facts["train_seconds"] -= self._facts["save_seconds"]
        with open(self._file, "a", encoding="utf-8") as lines:
            lines.write(json.dumps({**self._facts, "steps": state.global_step}) + "\n")


class StepClock(TrainerCallback):  # type: ignore[misc]
    """Seconds of each training step."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        self._began = time.perf_counter()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        self.seconds.append(time.perf_counter() - self._began)


def model_init_and_data(setting: Setting, pad: bool) -> tuple[ModelInit, Any, Rows, Rows]:
    """(model_init, tokenizer, train, dev)."""
    settings = setting.model_settings
    tokenizer = load_tokenizer(settings)
    model_init = ModelInit(source=locate(settings), layers=settings.num_layers)
    return model_init, tokenizer, Rows(setting, "train", tokenizer, pad), Rows(setting, "dev", tokenizer, pad)
