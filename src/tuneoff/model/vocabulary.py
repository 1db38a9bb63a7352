"""Only the word rows that the data uses: exact, and most of a small encoder's optimiser traffic.

A word embedding that no example looks up has no gradient and no effect on any output, so the rows can be left out of
the model without changing a single number of the rest. (With weight decay they would shrink, unseen.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from tuneoff.model.batch import Encoded
from tuneoff.model.loading import BaseModel

E = TypeVar("E", bound=Encoded)


def compact(base: BaseModel, splits: Sequence[E]) -> tuple[BaseModel, list[E]]:
    """The model with the used rows only, and the splits renumbered; both as they are where the architecture is not known.

    Rows that the architecture says it needs, the padding's among them, are always kept.
    """
    if base.architecture is None:
        return base, list(splits)
    name, pad = base.architecture.word_rows, base.config.pad_token_id or 0
    used = np.unique(np.concatenate([base.architecture.kept_rows(base.config), *(split.input_ids for split in splits)]))
    renumber = np.zeros(len(base.weights[name]), dtype=np.int32)
    renumber[used] = np.arange(len(used), dtype=np.int32)
    config = base.config.replaced(vocab_size=len(used), pad_token_id=int(renumber[pad]))
    small = replace(base, config=config, weights={**base.weights, name: np.ascontiguousarray(base.weights[name][used])})
    return small, [replace(split, input_ids=renumber[split.input_ids]) for split in splits]  # type: ignore[type-var]
