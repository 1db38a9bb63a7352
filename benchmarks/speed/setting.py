"""The input of every arm: the same files of rows, the same model, the same frozen list of trials."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from tuneoff.commands.composition import CONF
from tuneoff.errors import UserError
from tuneoff.model.settings import ModelSettings
from tuneoff.task.base import TextSplit
from tuneoff.task.registry import load_task
from tuneoff.task.settings import TaskSettings

ARMS = ("stock", "tuned", "ours")
PBT_ARMS = ("documented", "tuned", "ours")
WEIGHT_DECAYS = (0.0, 0.3)
"""The range of weight decays, which a population mutates besides the learning rate, in all arms."""
STUB_TEST_ROWS = 40
"""Ours wants a test split; this small copy of the first dev rows stands in, so that no arm pays for what others don't."""


def asked(options: argparse.Namespace) -> dict[str, Any]:
    """The options, JSON-ready, without this machine's folders."""
    return {name: value for name, value in vars(options).items() if name not in ("files", "out")}


class SpeedError(UserError):
    """An option that is wrong, or an arm that did not finish."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """folder: holds train.jsonl, dev.jsonl and test.jsonl. slots: trials at once, one core each.

    A population draws its learning rates from the least to the largest of `learning_rates`, and has no one `batch_size`.
    """

    folder: str
    model: str
    layers: int | None
    epochs: int
    batch_size: int
    learning_rates: tuple[float, ...]
    slots: int = 2
    members: int = 8
    """Of a population."""

    def __post_init__(self) -> None:
        if not self.learning_rates or len(set(self.learning_rates)) != len(self.learning_rates):
            raise SpeedError(f"--learning-rates is {list(self.learning_rates)}, but it must be one or more different numbers")
        for name in ("epochs", "batch_size", "slots", "members"):
            if getattr(self, name) < 1:
                raise SpeedError(f"--{name.replace('_', '-')} is {getattr(self, name)}, but it must be at least 1")
        if not (CONF / "model" / f"{self.model}.yaml").exists():
            names = ", ".join(sorted(p.stem for p in (CONF / "model").glob("*.yaml")))
            raise SpeedError(f"--model is {self.model!r}, but it must be one of {names}")

    @property
    def model_settings(self) -> ModelSettings:
        values = yaml.safe_load((CONF / "model" / f"{self.model}.yaml").read_text(encoding="utf-8"))
        return ModelSettings(**{**values, "num_layers": self.layers or values["num_layers"]})

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @staticmethod
    def load(path: Path) -> Setting:
        values = json.loads(path.read_text(encoding="utf-8"))
        return Setting(**{**values, "learning_rates": tuple(values["learning_rates"])})


@dataclass(frozen=True, kw_only=True)
class Work:
    """The computation of one trial, padding not counted: the same in every arm.

    flops: 2 per multiply-add of matrix products. Training is three times a forward pass.
    """

    train_rows: int
    dev_rows: int
    train_tokens: int
    """In one epoch."""
    train_flops: float
    """Of a whole trial."""
    evaluate_flops: float


def write_rows(folder: Path, files: str | None, rows: int | None, *, whole_test: bool = False) -> None:
    """The first `rows` of train and the whole of dev, of MRPC's `files` or of the built-in task; test, or its stub."""
    values: dict[str, Any] = {"kind": "mrpc", "name": "mrpc", "files": files} if files else {"kind": "entail", "name": "entail"}
    task = load_task(TaskSettings.from_dict(values))
    train, dev = task.splits["train"], task.splits["dev"]
    wanted = len(train) if rows is None else rows
    if not 10 <= wanted <= len(train):
        raise SpeedError(f"--rows is {wanted}, but it must be from 10 to {len(train)}, the rows of train")
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "train.jsonl", train, wanted)
    _write(folder / "dev.jsonl", dev, len(dev))
    if whole_test:
        _write(folder / "test.jsonl", task.splits["test"], len(task.splits["test"]))
    else:
        _write(folder / "test.jsonl", dev, min(STUB_TEST_ROWS, len(dev)))


def _write(path: Path, split: TextSplit, rows: int) -> None:
    assert split.text_b is not None
    lines = [
        json.dumps({"a": a, "b": b, "label": int(y)})
        for a, b, y in zip(split.text_a[:rows], split.text_b[:rows], split.label[:rows], strict=True)
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def work_of(setting: Setting) -> Work:
    """Counts from the real lengths of the rows that are trained and evaluated on."""
    from transformers import AutoConfig

    from tuneoff.model.loading import load_tokenizer, locate

    settings = setting.model_settings
    config, tokenizer = AutoConfig.from_pretrained(locate(settings)), load_tokenizer(settings)
    lengths = {}
    for name in ("train", "dev"):
        rows = read_rows(Path(setting.folder) / f"{name}.jsonl")
        encoded = tokenizer(
            [r["a"] for r in rows], [r["b"] for r in rows], truncation="longest_first", max_length=settings.max_length
        )["input_ids"]
        lengths[name] = [len(ids) for ids in encoded]
    layers = settings.num_layers or config.num_hidden_layers
    forward = {
        name: forward_flops(n, layers=layers, width=config.hidden_size, inner=config.intermediate_size)
        for name, n in lengths.items()
    }
    return Work(
        train_rows=len(lengths["train"]),
        dev_rows=len(lengths["dev"]),
        train_tokens=sum(lengths["train"]),
        train_flops=3 * forward["train"] * setting.epochs,
        evaluate_flops=forward["dev"] * setting.epochs,
    )


def forward_flops(lengths: Sequence[int], *, layers: int, width: int, inner: int) -> float:
    """Of the encoder's matrix products over the real tokens of rows of these lengths: projections, feed-forward, attention."""
    linear = 2.0 * sum(lengths) * (4 * width * width + 2 * width * inner)
    attention = 4.0 * width * sum(n * n for n in lengths)
    return layers * (linear + attention)
