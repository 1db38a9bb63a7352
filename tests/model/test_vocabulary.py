from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from tests.training.conftest import make_split
from tuneoff.model.network import Network
from tuneoff.model.vocabulary import compact
from tuneoff.task.kinds import scoring
from tuneoff.training.batches import DeviceSplit
from tuneoff.training.finetune import Job, finetune
from tuneoff.training.hparams import HParams


def test_leaving_out_unused_word_rows_changes_no_score(base):
    """Rows 1, 3, 5, ... are used by nobody: with and without them, training gives the same evaluations."""
    train, validation = (make_split(n, seed) for n, seed in ((60, 1), (40, 2)))
    train, validation = (replace(s, input_ids=s.input_ids // 2 * 2) for s in (train, validation))
    small, (small_train, small_validation) = compact(base, [train, validation])
    name = next(n for n in base.weights if n.endswith("word_embeddings.weight"))
    assert len(small.weights[name]) == small.config.vocab_size < len(base.weights[name])
    assert base.config.vocab_size == len(base.weights[name]), "the original is left as it was"

    def scores(model, a, b):
        device = torch.device("cpu")
        job = Job(
            network=Network(model, device),
            train=DeviceSplit(a, device),
            validation=DeviceSplit(b, device),
            test=None,
            scoring=scoring(2),
            bf16=False,
        )
        run = finetune(job, HParams(learning_rate=1e-2, weight_decay=0.1, batch_size=16, num_epochs=3), seed=1)
        return [(e.validation.metrics["accuracy"], e.validation.loss) for e in run]

    whole, slim = scores(base, train, validation), scores(small, small_train, small_validation)
    assert np.allclose(whole, slim, atol=1e-5)


def test_padding_keeps_row_zero(base):
    split = replace(make_split(20, 1))
    small, (renumbered,) = compact(base, [split])
    assert small.config.pad_token_id == 0
    assert renumbered.input_ids.min() >= 1
    assert renumbered.input_ids.max() < small.config.vocab_size
