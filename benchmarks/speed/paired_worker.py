"""python -m benchmarks.speed.paired_worker SETTING PRECISION WAY,WAY SEED...: one JSON line a training on standard output."""

from __future__ import annotations

import itertools
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.speed.setting import Setting, read_rows
from tuneoff.model.loading import load_base, load_tokenizer
from tuneoff.model.network import Network
from tuneoff.model.vocabulary import compact
from tuneoff.task.base import TextSplit
from tuneoff.task.encode import encode
from tuneoff.task.kinds import scoring
from tuneoff.training.batches import DeviceSplit, epoch_order
from tuneoff.training.finetune import Job, finetune
from tuneoff.training.hparams import HParams
from tuneoff.training.protocol import Environment
from tuneoff.training.settings import TrainingSettings

FEW_ROWS = 16
"""Rows of validation, which a job must have and nothing here uses."""


@dataclass(frozen=True, kw_only=True)
class Trained:
    """After the last epoch, on all rows of test. epoch_seconds: of training alone, the mean over epochs."""

    accuracy: float
    loss: float
    epoch_seconds: float
    rows: int


class Ours:
    """Loaded once; each call trains anew."""

    def __init__(self, setting: Setting, precision: str) -> None:
        settings, cpu = setting.model_settings, torch.device("cpu")
        tokenizer = load_tokenizer(settings)
        splits = _split(setting, "train"), _split(setting, "test"), _split(setting, "test", FEW_ROWS)
        base, (train, test, few) = compact(
            load_base(settings, 2), [encode(split, tokenizer, settings.max_length) for split in splits]
        )
        self._train = DeviceSplit(train, cpu)
        self._hparams = HParams(
            learning_rate=setting.learning_rates[0], weight_decay=0.0, batch_size=setting.batch_size, num_epochs=setting.epochs
        )
        self._job: dict[str, Any] = {
            "network": Network(base, cpu),
            "train": self._train,
            "validation": DeviceSplit(few, cpu),
            "test": DeviceSplit(test, cpu),
            "scoring": scoring(2),
            "bf16": precision == "bf16",
        }

    def __call__(self, seed: int, bucket: bool) -> Trained:
        evaluations = itertools.count(1)  # test is scored at the last one alone
        at_the_end = Environment(wants_test=lambda _: next(evaluations) == self._hparams.num_epochs)
        job = Job(**self._job, settings=TrainingSettings(bucket_lengths=bucket), environment=at_the_end)
        done = list(finetune(job, self._hparams, seed=seed))
        score, seconds = done[-1].test, sum(e.cost.train_seconds for e in done)
        assert score is not None
        return Trained(
            accuracy=score.metrics["accuracy"],
            loss=score.loss,
            epoch_seconds=seconds / self._hparams.num_epochs,
            rows=score.n_examples,
        )

    def order(self, seed: int, epoch: int) -> list[int]:
        """Of rows, as an unbucketed training goes through them."""
        rows: list[int] = epoch_order(self._train.lengths, seed, epoch, bucket=False).tolist()
        return rows


def _split(setting: Setting, name: str, first: int | None = None) -> TextSplit:
    rows = read_rows(Path(setting.folder) / f"{name}.jsonl")[:first]
    return TextSplit(
        text_a=tuple(r["a"] for r in rows),
        text_b=tuple(r["b"] for r in rows),
        label=np.array([r["label"] for r in rows], dtype=np.int64),
    )


class InOrder(torch.utils.data.Sampler[int]):
    """order(epoch): the rows of that epoch; asked for anew each time that the rows are gone through."""

    def __init__(self, rows: int, order: Callable[[int], list[int]]) -> None:
        self._rows, self._order, self._epochs = rows, order, itertools.count()

    def __len__(self) -> int:
        return self._rows

    def __iter__(self) -> Iterator[int]:
        return iter(self._order(next(self._epochs)))


def trainer(setting: Setting, seed: int, order: Callable[[int, int], list[int]] | None = None) -> Trained:
    """Pads each batch to its longest row; optimiser, schedule and clipping are Trainer's defaults. order: (seed, epoch) ->
    rows, in place of its own."""
    from transformers import DataCollatorWithPadding, Trainer, TrainingArguments

    from benchmarks.speed.trainer_trial import Rows, accuracy, model_init_and_data

    model_init, tokenizer, train, _ = model_init_and_data(setting, pad=False)
    test = Rows(setting, "test", tokenizer, pad=False)
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            learning_rate=setting.learning_rates[0],
            weight_decay=0.0,
            num_train_epochs=setting.epochs,
            per_device_train_batch_size=setting.batch_size,
            per_device_eval_batch_size=64,
            seed=seed,
            use_cpu=True,
            save_strategy="no",
            eval_strategy="no",
            report_to="none",
            disable_tqdm=True,
        )
        made = Trainer(
            model_init=model_init,
            args=arguments,
            train_dataset=train,
            compute_metrics=accuracy,
            data_collator=DataCollatorWithPadding(tokenizer),
        )
        if order is not None:
            made._get_train_sampler = lambda *_: InOrder(len(train), lambda epoch: order(seed, epoch))
        began = time.perf_counter()
        made.train()
        seconds = (time.perf_counter() - began) / setting.epochs
        scores = made.evaluate(test)
        return Trained(
            accuracy=float(scores["eval_accuracy"]), loss=float(scores["eval_loss"]), epoch_seconds=seconds, rows=len(test)
        )


def main() -> None:
    path, precision, ways, *seeds = sys.argv[1:]
    torch.set_num_threads(1)
    setting = Setting.load(Path(path))
    ours = Ours(setting, precision)
    ours(10**6, True)  # not counted: memory and prepared products are there for all that follow
    for seed in map(int, seeds):
        for way in ways.split(",") if seed // 2 % 2 == 0 else reversed(ways.split(",")):
            if way.startswith("trainer"):
                found = trainer(setting, seed, ours.order if way == "trainer-same" else None)
            else:
                found = ours(seed, way != "random")
            print(json.dumps({"seed": seed, "way": way, **asdict(found)}), flush=True)


if __name__ == "__main__":
    main()
