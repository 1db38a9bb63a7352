"""A network and splits small enough that a training run takes a fraction of a second."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, BertConfig

from tuneoff.model.loading import BaseModel
from tuneoff.model.network import Network
from tuneoff.task.kinds import scoring
from tuneoff.training.batches import DeviceSplit
from tuneoff.training.finetune import Job
from tuneoff.training.protocol import Environment, Shared

WORDS = 60


@dataclass(frozen=True, kw_only=True)
class Ragged:
    input_ids: np.ndarray
    token_type_ids: np.ndarray
    offsets: np.ndarray
    labels: np.ndarray


def make_split(n: int, seed: int) -> Ragged:
    """Sequences of 4 to 12 tokens whose label is whether the first word is in the upper half of the vocabulary."""
    rng = np.random.default_rng(seed)
    rows = [rng.integers(1, WORDS, size=rng.integers(4, 13)) for _ in range(n)]
    return Ragged(
        input_ids=np.concatenate(rows).astype(np.int32),
        token_type_ids=np.concatenate([(np.arange(len(r)) > 2).astype(np.int8) for r in rows]),
        offsets=np.concatenate([[0], np.cumsum([len(r) for r in rows])]).astype(np.int64),
        labels=np.array([int(r[0] >= WORDS // 2) for r in rows], dtype=np.int64),
    )


def make_base(num_labels: int = 2) -> BaseModel:
    config = BertConfig(
        vocab_size=WORDS,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=32,
        num_labels=num_labels,
        initializer_range=0.2,
    )
    torch.manual_seed(0)
    model = AutoModelForSequenceClassification.from_config(config)
    weights = {name: t.numpy().copy() for name, t in model.state_dict().items()}
    return BaseModel(config=config, weights=weights, missing=("classifier.bias", "classifier.weight"), content_hash="")


@pytest.fixture(scope="session")
def base() -> BaseModel:
    return make_base()


@pytest.fixture
def job(base: BaseModel) -> Job:
    device = torch.device("cpu")
    return Job(
        network=Network(base, device),
        train=DeviceSplit(make_split(70, 1), device),
        validation=DeviceSplit(make_split(40, 2), device),
        test=DeviceSplit(make_split(50, 3), device),
        scoring=scoring(2),
        bf16=False,
    )


@pytest.fixture
def job_2020(job: Job) -> Job:
    return replace(job, environment=Environment(resume="trainer_2020"))


def local(value: object, key: str = "a") -> Shared:
    """As an engine shares a large value, without Ray."""
    return Shared(key=key, fetch=lambda: value)
