"""Rows that belong together, and draws that keep them together."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

import numpy as np
from numpy.typing import NDArray

from tuneoff.task.base import TextSplit

GROUP_BY = ("sentence", "text_a", "text_b", "pair", "row")


def group_rows(rows: TextSplit, by: str) -> NDArray[np.int64]:
    """Group of each row, int64 (n,), numbered from 0 in order of first appearance.

    by: "sentence" joins rows with a text in common in either column, transitively; "text_a" and "text_b" those with
    that column equal; "pair" those with all columns equal; "row" joins none. Texts are compared exactly. A
    single-sentence task has one column, so all but "row" mean the same there.
    """
    if by == "row":
        return np.arange(len(rows), dtype=np.int64)
    if by == "sentence" and rows.text_b is not None:
        return _connected(rows.text_a, rows.text_b)
    keys: dict[Hashable, int] = {}
    return np.array([keys.setdefault(key, len(keys)) for key in _keys(rows, by)], dtype=np.int64)


def _keys(rows: TextSplit, by: str) -> Iterator[Hashable]:
    if rows.text_b is None or by == "text_a":
        return iter(rows.text_a)
    return iter(rows.text_b) if by == "text_b" else zip(rows.text_a, rows.text_b, strict=True)


def _connected(text_a: tuple[str, ...], text_b: tuple[str, ...]) -> NDArray[np.int64]:
    """Union-find over sentences; each row joins its two."""
    ids: dict[str, int] = {}
    a = [ids.setdefault(text, len(ids)) for text in text_a]
    b = [ids.setdefault(text, len(ids)) for text in text_b]
    parent = list(range(len(ids)))

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for left, right in zip(a, b, strict=True):
        parent[root(left)] = root(right)
    number: dict[int, int] = {}
    return np.array([number.setdefault(root(node), len(number)) for node in a], dtype=np.int64)


def draw_groups(label: NDArray[np.int64], group: NDArray[np.int64], rows: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Mask (n,) of whole groups that together have about `rows` rows, with each label's share as in the whole.

    Groups are visited in random order, larger ones first. `behind` holds, for each label, how many rows should have
    been taken of those visited minus how many were; a group is taken if that brings `behind` closer to 0. The groups
    of one row come last and settle what the large ones left over, so the result is exact where they suffice.
    """
    size = int(group.max()) + 1
    members = np.zeros((size, int(label.max()) + 1))
    np.add.at(members, (group, label), 1)
    total = members.sum(axis=0)
    share = apportion(total, rows) / np.maximum(total, 1)
    order = rng.permutation(size)
    order = order[np.argsort(-members.sum(axis=1)[order], kind="stable")]
    behind, taken = np.zeros(len(total)), np.zeros(size, dtype=np.bool_)
    for index, row in zip(order, members[order], strict=True):
        behind += share * row
        if 2 * (behind @ row) > row @ row:
            taken[index] = True
            behind -= row
    return taken[group]


def apportion(total: NDArray[np.float64], rows: int) -> NDArray[np.int64]:
    """`rows` over the labels in proportion to `total` (largest remainder): whole numbers (n_labels,), sum `rows`."""
    exact = total * (rows / total.sum())
    whole: NDArray[np.int64] = np.floor(exact).astype(np.int64)
    largest = np.argsort(-(exact - whole), kind="stable")[: rows - int(whole.sum())]
    whole[largest] += 1
    return whole
