"""Only the word rows that the data uses: exact, and most of a small encoder's optimiser traffic.

A word embedding that no example looks up has no gradient and no effect on any output, so the rows can be left out of
the model without changing a single number of the rest. (With weight decay they would shrink, unseen.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tuneoff.model.batch import Encoded
from tuneoff.model.loading import BaseModel

E = TypeVar("E", bound=Encoded)


def used_rows(base: BaseModel, splits: Sequence[Encoded]) -> NDArray[np.int64] | None:
    """Numbers of the rows that the splits use and of those that the architecture says it needs, the padding's among them,
    ascending; None where the architecture is not known."""
    if base.architecture is None:
        return None
    return np.unique(np.concatenate([base.architecture.kept_rows(base.config), *(split.input_ids for split in splits)]))


def compact(base: BaseModel, splits: Sequence[E], used: NDArray[np.int64] | None = None) -> tuple[BaseModel, list[E]]:
    """The model with the used rows only, and the splits renumbered; both as they are where the architecture is not known.

    used: those of `used_rows`, where they are known already.
    """
    if base.architecture is None:
        return base, list(splits)
    name, pad = base.architecture.word_rows, base.config.pad_token_id or 0
    used = used_rows(base, splits) if used is None else used
    assert used is not None
    renumber = np.zeros(len(base.weights[name]), dtype=np.int32)
    renumber[used] = np.arange(len(used), dtype=np.int32)
    config = base.config.replaced(vocab_size=len(used), pad_token_id=int(renumber[pad]))
    small = replace(base, config=config, weights={**base.weights, name: np.ascontiguousarray(base.weights[name][used])})
    return small, [replace(split, input_ids=renumber[split.input_ids]) for split in splits]  # type: ignore[type-var]


def expand(
    base: BaseModel, used: NDArray[np.int64] | None, weights: Mapping[str, NDArray[np.float32]]
) -> dict[str, NDArray[np.float32]]:
    """The trained weights of a compact model with every word row of `base`: rows that were left out are as they were there.

    used: those that the compact model has; None where none was left out.
    """
    if used is None or base.architecture is None:
        return dict(weights)
    name = base.architecture.word_rows
    rows = np.array(base.weights[name])
    rows[used] = weights[name]
    return {**weights, name: rows}
