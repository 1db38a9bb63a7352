"""From settings to what every trial is given: rows, splits, tokens, pre-trained weights. Knows no Ray."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import torch

from tuneoff.config import ConfigError, RunConfig
from tuneoff.model.loading import BaseModel, load_base, load_tokenizer
from tuneoff.model.settings import ModelSettings
from tuneoff.model.vocabulary import compact
from tuneoff.task.base import Task
from tuneoff.task.encode import EncodedSplit, encode
from tuneoff.task.facts import summarise
from tuneoff.task.split import Splits


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """facts: for the run header, JSON-ready; includes sizes, hashes, model and, once it is known, precision."""

    task: Task
    splits: Splits
    train: EncodedSplit
    validation: EncodedSplit
    test: EncodedSplit
    base: BaseModel
    device: str
    facts: Mapping[str, Any]

    @property
    def bf16(self) -> bool:
        """False where nothing is known yet."""
        return bool(self.facts["precision"]) and self.facts["precision"]["chosen"] == "bf16"

    def with_precision(self, precision: Mapping[str, Any]) -> Prepared:
        """precision: `chosen` (fp32 or bf16), `by` what, and what was measured."""
        return replace(self, facts={**self.facts, "precision": precision})


@lru_cache(maxsize=1)
def load_model(settings: ModelSettings, num_labels: int) -> tuple[Any, BaseModel]:
    """Tokenizer and model, read once for all searches in a row that have the same. ModelError where they can't be had."""
    return load_tokenizer(settings), load_base(settings, num_labels)


def prepare(config: RunConfig, task: Task, splits: Splits, earlier: Mapping[str, Any] | None = None) -> Prepared:
    """Reads the model, as load_model, and encodes the task. UserError where something is missing or unfit.

    earlier: the facts of the run that is resumed. Its precision is kept, and its data must be the same.
    """
    tokenizer, whole = load_model(config.model, len(task.label_names))
    n_labels = len(task.label_names)
    parts = [encode(part.rows, tokenizer, config.model.max_length, n_labels) for part in splits.parts.values()]
    base, (train, validation, test) = compact(whole, parts)
    device, asked = resolve_device(config), config.training.precision
    precision = None if asked == "auto" else {"chosen": asked, "by": "setting"}
    facts = {
        **summarise(task, splits),
        "n_train": len(train),
        "n_validation": len(validation),
        "n_test": len(test),
        "max_length": config.model.max_length,
        "tokens": {name: int(part.offsets[-1]) for name, part in zip(splits.parts, parts, strict=True)},
        "encoded_sha256": {name: part.content_hash for name, part in zip(splits.parts, parts, strict=True)},
        "truncated_rows": {name: part.truncated_rows for name, part in zip(splits.parts, parts, strict=True)},
        "model_sha256": whole.content_hash,
        "model_source": config.model.source,
        "parameters": sum(w.size for w in whole.weights.values()),
        "word_rows_used": base.config.vocab_size,
        "device": device,
        "precision": earlier["precision"] if earlier else precision,
    }
    for name in ("split_sha256", "encoded_sha256", "model_sha256"):
        if earlier is not None and earlier[name] != facts[name]:
            raise ConfigError(
                f"the data or the model has changed since this search began ({name}): put it back as it "
                "was, or give study=NAME for a new search"
            )
    return Prepared(
        task=task, splits=splits, train=train, validation=validation, test=test, base=base, device=device, facts=facts
    )


def resolve_device(config: RunConfig) -> str:
    """cpu or cuda. ConfigError where more is asked for than there is; a cluster's GPUs are checked on connecting."""
    asked, gpus = config.resources.device, torch.cuda.device_count()
    local = config.resources.address is None
    device = asked if asked != "auto" else ("cuda" if gpus else "cpu")
    if device == "cuda" and local and gpus == 0:
        raise ConfigError(
            "resources.device is cuda, but this machine has 0 GPUs that torch can use: "
            "resources.device=cpu, or resources.address=ADDRESS of a Ray cluster with GPUs"
        )
    if device == "cuda" and config.price.name == "cpu":
        raise ConfigError(
            "price is cpu, but trials train on a GPU: name what it costs, for example price=h100 or "
            "price=custom price.per_device_hour_usd=1.20"
        )
    return device
