"""One small, randomly initialised classifier of each architecture that we say we support."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import transformers as t

from tests.training.conftest import WORDS, Ragged, make_split
from tuneoff.model.loading import BaseModel

SIZES: dict[str, Any] = {
    "vocab_size": WORDS,
    "hidden_size": 24,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 40,
    "max_position_embeddings": 40,
    "num_labels": 2,
    "initializer_range": 0.3,
}
LAST_IS_PADDING = {"pad_token_id": WORDS - 1, "bos_token_id": 1, "cls_token_id": 1, "eos_token_id": 2, "sep_token_id": 2}
CONFIGS: dict[str, Any] = {
    "bert": t.BertConfig(**SIZES),
    "distilbert": t.DistilBertConfig(
        vocab_size=WORDS, dim=24, n_layers=3, n_heads=2, hidden_dim=40, max_position_embeddings=40, initializer_range=0.3
    ),
    "roberta": t.RobertaConfig(**SIZES, type_vocab_size=1),
    "xlm-roberta": t.XLMRobertaConfig(**SIZES, type_vocab_size=1),
    "camembert": t.CamembertConfig(**SIZES, type_vocab_size=1),
    "electra": t.ElectraConfig(**SIZES, embedding_size=16),
    "albert": t.AlbertConfig(**SIZES, embedding_size=16),
    "deberta-v2": t.DebertaV2Config(  # as deberta-v3-base
        **SIZES,
        relative_attention=True,
        pos_att_type=["p2c", "c2p"],
        position_buckets=8,
        max_relative_positions=-1,
        share_att_key=True,
        norm_rel_ebd="layer_norm",
        position_biased_input=False,
        type_vocab_size=0,
    ),
    "deberta-v2 with a convolution": t.DebertaV2Config(
        **SIZES, relative_attention=True, pos_att_type=["c2p"], conv_kernel_size=3, conv_act="gelu", type_vocab_size=0
    ),
    "mpnet": t.MPNetConfig(**SIZES, pad_token_id=1),
    "modernbert": t.ModernBertConfig(**SIZES, **LAST_IS_PADDING, local_attention=8, global_attn_every_n_layers=2),
}


def theirs(config: Any) -> torch.nn.Module:
    torch.manual_seed(1)
    return t.AutoModelForSequenceClassification.from_config(config, dtype=torch.float32).eval()


def base_of(module: torch.nn.Module) -> BaseModel:
    """As if its head had been missing."""
    weights = {name: tensor.numpy().copy() for name, tensor in module.state_dict().items()}
    head = tuple(n for n in weights if n.startswith(("classifier.", "pre_classifier.")))
    return BaseModel(config=module.config, weights=weights, missing=head, content_hash="")


def split_of(n: int, seed: int, padding: int) -> Ragged:
    """Words 5, 8, 11, ...: rows below the padding's and many others are used by nobody."""
    split = make_split(n, seed)
    split.input_ids[:] = np.clip(split.input_ids // 3 * 3 + 2, 5, WORDS - 4)
    assert padding not in split.input_ids
    return split
