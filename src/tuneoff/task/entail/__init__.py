"""The built-in task `entail`: does the second sentence follow from the first?

Sentence pairs from a seeded grammar written for this project. They turn on quantifiers, negation, hypernyms, numbers,
modifiers, roles and connectives, and are labelled by construction. It is not GLUE, nor derived from it.
"""

from __future__ import annotations

import numpy as np

from tuneoff.task.base import Task, TaskError, TextSplit
from tuneoff.task.entail.pairs import PHENOMENA, Pair, draw_pair

LABEL_NAMES = ("not_entailment", "entailment")
DEFAULT_SEED = 20
DEFAULT_SIZES = {"train": 2400, "dev": 600, "test": 2000}


def build(
    *,
    seed: int = DEFAULT_SEED,
    train: int = DEFAULT_SIZES["train"],
    dev: int = DEFAULT_SIZES["dev"],
    test: int = DEFAULT_SIZES["test"],
) -> Task:
    """Splits of the given numbers of pairs; no pair occurs twice, within a split or in two.

    Each split draws from its own generator and test is drawn first, so the test split is the same for any size of the
    others. In each, labels and phenomena alternate: counts differ by at most one.

    Raises:
        TaskError: a size that is negative, or a training split without pairs.
    """
    sizes = {"test": test, "dev": dev, "train": train}
    for name, size in sizes.items():
        if size < (1 if name == "train" else 0):
            raise TaskError(f"entail's {name} has {size} pairs, but it must be at least {int(name == 'train')}")
    taken: set[Pair] = set()
    splits = {}
    for (name, size), child in zip(sizes.items(), np.random.SeedSequence(seed).spawn(len(sizes)), strict=True):
        if size:
            splits[name] = _split(np.random.Generator(np.random.PCG64(child)), size, taken)
    return Task(
        name="entail",
        label_names=LABEL_NAMES,
        splits={n: splits[n] for n in ("train", "dev", "test") if n in splits},
        source=f"built-in grammar, seed {seed}",
        positive=LABEL_NAMES.index("entailment"),
        built_in=True,
    )


def phenomenon_of(row: int) -> str:
    """Which phenomenon the pair in row `row` (before any shuffling) of a split is about."""
    names = tuple(PHENOMENA)
    return names[(row // 2) % len(names)]


def label_of(row: int) -> int:
    """The label of row `row` of a split as `build` gives it."""
    return row % 2


def draw_new(rng: np.random.Generator, phenomenon: str, entailed: bool, taken: set[Pair]) -> Pair:
    """A pair that is not in `taken`, to which it is added."""
    while (pair := draw_pair(rng, phenomenon, entailed)) in taken:
        pass
    taken.add(pair)
    return pair


def _split(rng: np.random.Generator, size: int, taken: set[Pair]) -> TextSplit:
    pairs = [draw_new(rng, phenomenon_of(row), bool(label_of(row)), taken) for row in range(size)]
    return TextSplit(
        text_a=tuple(p for p, _ in pairs),
        text_b=tuple(h for _, h in pairs),
        label=np.array([label_of(row) for row in range(size)], dtype=np.int64),
    )
