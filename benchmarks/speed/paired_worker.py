"""python -m benchmarks.speed.paired_worker SETTING PRECISION WAY,WAY SEED...: one JSON line a training on standard output."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.speed.setting import Setting, read_rows
from tuneoff.engine.batches import DeviceSplit
from tuneoff.engine.model import Network, load_base, load_tokenizer
from tuneoff.engine.vocabulary import compact
from tuneoff.finetune import Job, finetune
from tuneoff.hparams import HParams
from tuneoff.task.base import TextSplit
from tuneoff.task.encode import encode


class Ours:
    """Loaded once; each call trains anew."""

    def __init__(self, setting: Setting, precision: str) -> None:
        settings, cpu = setting.model_settings, torch.device("cpu")
        tokenizer = load_tokenizer(settings)
        parts = [encode(_split(setting, name), tokenizer, settings.max_length, 2) for name in ("train", "test")]
        base, (train, test) = compact(load_base(settings, 2), parts)
        self._hparams = HParams(learning_rate=setting.learning_rates[0], weight_decay=0.0, batch_size=setting.batch_size,
                                num_epochs=setting.epochs)
        self._job: dict[str, Any] = {
            "network": Network(base, cpu), "train": DeviceSplit(train, cpu), "validation": DeviceSplit(test, cpu), "test": None,
            "n_labels": 2, "metrics": ("accuracy",), "device": cpu, "bf16": precision == "bf16"}

    def __call__(self, seed: int, bucket: bool) -> tuple[float, float, int]:
        """(accuracy after the last epoch, seconds of training an epoch, rows evaluated)."""
        done = list(finetune(Job(**self._job, bucket_lengths=bucket), self._hparams, seed=seed))
        seconds = sum(e.cost.train_seconds for e in done) / self._hparams.num_epochs
        return done[-1].validation.metrics["accuracy"], seconds, done[-1].validation.n_examples


def _split(setting: Setting, name: str) -> TextSplit:
    rows = read_rows(Path(setting.folder) / f"{name}.jsonl")
    return TextSplit(text_a=tuple(r["a"] for r in rows), text_b=tuple(r["b"] for r in rows),
                     label=np.array([r["label"] for r in rows], dtype=np.int64))


def trainer(setting: Setting, seed: int) -> tuple[float, float, int]:
    """As Ours' call. Trainer pads each batch to its longest row; the optimiser, schedule and clipping are its defaults."""
    from transformers import DataCollatorWithPadding, Trainer, TrainingArguments

    from benchmarks.speed.trainer_trial import Rows, accuracy, model_init_and_data
    model_init, tokenizer, train, _ = model_init_and_data(setting, pad=False)
    test = Rows(setting, "test", tokenizer, pad=False)
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder, learning_rate=setting.learning_rates[0], weight_decay=0.0, num_train_epochs=setting.epochs,
            per_device_train_batch_size=setting.batch_size, per_device_eval_batch_size=64, seed=seed, use_cpu=True,
            save_strategy="no", eval_strategy="no", report_to="none", disable_tqdm=True)
        made = Trainer(model_init=model_init, args=arguments, train_dataset=train, compute_metrics=accuracy,
                       data_collator=DataCollatorWithPadding(tokenizer))
        began = time.perf_counter()
        made.train()
        seconds = (time.perf_counter() - began) / setting.epochs
        return float(made.evaluate(test)["eval_accuracy"]), seconds, len(test)


def main() -> None:
    path, precision, ways, *seeds = sys.argv[1:]
    torch.set_num_threads(1)
    setting = Setting.load(Path(path))
    ours = Ours(setting, precision)
    ours(10**6, True)  # not counted: memory and prepared products are there for all that follow
    for seed in map(int, seeds):
        for way in ways.split(",") if seed // 2 % 2 == 0 else reversed(ways.split(",")):
            found = trainer(setting, seed) if way == "trainer" else ours(seed, way != "random")
            print(json.dumps({"seed": seed, "way": way, "accuracy": found[0], "epoch_seconds": found[1], "rows": found[2]}),
                  flush=True)


if __name__ == "__main__":
    main()
