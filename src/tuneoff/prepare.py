"""From settings to what every trial is given: rows, splits, tokens, pre-trained weights, precision. Knows no Ray."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch

from tuneoff.calibrate import train_token_seconds
from tuneoff.config import ConfigError, RunConfig
from tuneoff.engine.batches import DeviceSplit
from tuneoff.engine.model import BaseModel, Network, load_base, load_tokenizer
from tuneoff.engine.settings import ModelSettings
from tuneoff.engine.vocabulary import compact
from tuneoff.finetune import Job
from tuneoff.seeds import derive
from tuneoff.task.base import Task
from tuneoff.task.encode import EncodedSplit, encode
from tuneoff.task.facts import summarise
from tuneoff.task.registry import load_task
from tuneoff.task.settings import TaskSettings
from tuneoff.task.split import Splits, make_splits


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """facts: for the run header, JSON-ready; includes sizes, hashes, model and precision."""

    task: Task
    splits: Splits
    train: EncodedSplit
    validation: EncodedSplit
    test: EncodedSplit
    base: BaseModel
    device: str
    bf16: bool
    facts: Mapping[str, Any]


def prepare(config: RunConfig, earlier: Mapping[str, Any] | None = None,
            precision: Mapping[str, Any] | None = None) -> Prepared:
    """Loads, splits and encodes the task and reads the model. UserError where something is missing or unfit.

    earlier: the facts of the run that is resumed. Its precision is kept, and its data must be the same.
    precision: what `auto` stands for where that was measured before; None measures it.
    """
    device = resolve_device(config)
    task, tokenizer, whole = _read(config.task, config.model)
    splits = make_splits(task, config.protocol, derive(config.seed, config.repeat)["split"])
    n_labels = len(task.label_names)
    parts = [encode(part.rows, tokenizer, config.model.max_length, n_labels) for part in splits.parts.values()]
    base, (train, validation, test) = compact(whole, parts)
    if earlier is not None:
        precision = earlier["precision"]
    elif precision is None or config.training.precision != "auto":
        precision = choose_precision(config, base, train, device)
    facts = {
        **summarise(task, splits), "n_train": len(train), "n_validation": len(validation), "n_test": len(test),
        "max_length": config.model.max_length,
        "tokens": {name: int(part.offsets[-1]) for name, part in zip(splits.parts, parts, strict=True)},
        "encoded_sha256": {name: part.content_hash for name, part in zip(splits.parts, parts, strict=True)},
        "truncated_rows": {name: part.truncated_rows for name, part in zip(splits.parts, parts, strict=True)},
        "model_sha256": whole.content_hash, "model_source": config.model.source,
        "parameters": sum(w.size for w in whole.weights.values()), "word_rows_used": base.config.vocab_size,
        "device": device, "precision": precision}
    for name in ("split_sha256", "encoded_sha256", "model_sha256"):
        if earlier is not None and earlier[name] != facts[name]:
            raise ConfigError(f"the data or the model has changed since this search began ({name}): put it back as it "
                              "was, or give study=NAME for a new search")
    return Prepared(task=task, splits=splits, train=train, validation=validation, test=test, base=base, device=device,
                    bf16=precision["chosen"] == "bf16", facts=facts)


@lru_cache(maxsize=1)
def _read(task_settings: TaskSettings, model_settings: ModelSettings) -> tuple[Task, Any, BaseModel]:
    """Task, tokenizer and model: read once for all searches in a row that have the same."""
    task = load_task(task_settings)
    return task, load_tokenizer(model_settings), load_base(model_settings, len(task.label_names))


def resolve_device(config: RunConfig) -> str:
    """cpu or cuda. ConfigError where more is asked for than there is; a cluster's GPUs are checked on connecting."""
    asked, gpus = config.resources.device, torch.cuda.device_count()
    local = config.resources.address is None
    device = asked if asked != "auto" else ("cuda" if gpus else "cpu")
    if device == "cuda" and local and gpus == 0:
        raise ConfigError("resources.device is cuda, but this machine has 0 GPUs that torch can use: "
                          "resources.device=cpu, or resources.address=ADDRESS of a Ray cluster with GPUs")
    if device == "cuda" and config.price.name == "cpu":
        raise ConfigError("price is cpu, but trials train on a GPU: name what it costs, for example price=h100 or "
                          "price=custom price.per_device_hour_usd=1.20")
    return device


def choose_precision(config: RunConfig, base: BaseModel, train: EncodedSplit,
                     device: str) -> dict[str, Any]:
    """`chosen` (fp32 or bf16), `by` what, and what was measured. `auto` times a few steps of each on the device and takes the
    faster; both start from the same weights and batches."""
    asked = config.training.precision
    if asked != "auto":
        return {"chosen": asked, "by": "setting"}
    where = torch.device(device)
    threads = torch.get_num_threads()
    torch.set_num_threads(config.resources.cpus_per_trial)
    try:
        network, split = Network(base, where), DeviceSplit(train, where)
        seconds = {}
        for name in ("fp32", "bf16"):
            job = Job(network=network, train=split, validation=split, test=None, n_labels=base.config.num_labels,
                      metrics=("accuracy",), device=where, bf16=name == "bf16",
                      cuda_graphs=config.training.cuda_graphs == "auto")
            seconds[name] = train_token_seconds(job, config.hparams)
    finally:
        torch.set_num_threads(threads)
    return {"chosen": min(seconds, key=lambda name: seconds[name]), "by": "measurement", "token_seconds": seconds}
