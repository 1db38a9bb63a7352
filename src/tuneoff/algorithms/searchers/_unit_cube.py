"""Points of a space as rows of numbers in [0, 1], for a model that has one length scale for all of them.

Every domain is mapped on its own scale (log for a log domain), text to a block of zeros with a single one. A model of a
discrete domain has to be constant between its values: `snap` moves every row to the point that would be trained
(Garrido-Merchan and Hernandez-Lobato 2018, arXiv 1805.03463).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TypeAlias, TypeGuard

import numpy as np
from numpy.typing import NDArray

from tuneoff.space import Choice, Domain, Float, Int, Value

Rows: TypeAlias = NDArray[np.float64]
HALFWAY = 1e-6
"""Distance from halfway between two whole numbers within which the domain itself is asked which one is meant."""


class UnitCube:
    """The cube of `domains`, each of at least two values; a point is a sequence of their values."""

    def __init__(self, domains: Sequence[Domain]) -> None:
        self.domains = tuple(domains)
        widths = [len(domain.values) if _is_text(domain) else 1 for domain in self.domains]
        starts = np.cumsum([0, *widths]).tolist()
        self.blocks = [slice(start, end) for start, end in pairwise(starts)]
        self.dim = int(starts[-1])
        """Numbers in a row."""
        even = [(block.start, _count(domain)) for domain, block in self._each() if _is_even(domain)]
        self._even_columns = np.array([column for column, _ in even], dtype=int)
        self._even_counts = np.array([count for _, count in even], dtype=float)
        self._texts = [block for domain, block in self._each() if _is_text(domain)]
        self._log_ints = [(domain, block.start) for domain, block in self._each() if isinstance(domain, Int) and domain.log]
        self.continuous = all(isinstance(domain, Float) for domain in self.domains)

    def row(self, values: Sequence[Value]) -> Rows:
        """Of one point, shape (dim,)."""
        made = np.zeros(self.dim)
        for (domain, block), value in zip(self._each(), values, strict=True):
            if _is_text(domain):
                made[block.start + domain.values.index(value)] = 1.0
            else:
                made[block.start] = domain.to_unit(value)
        return made

    def values(self, row: Rows) -> tuple[Value, ...]:
        return tuple(
            domain.values[int(np.argmax(row[block]))] if _is_text(domain) else domain.from_unit(float(row[block.start]))
            for domain, block in self._each()
        )

    def draw(self, count: int, random: np.random.RandomState) -> Rows:
        """Rows of shape (count, dim), domain by domain."""
        made = np.zeros((count, self.dim))
        for domain, block in self._each():
            if _is_text(domain):
                made[np.arange(count), block.start + random.randint(0, len(domain.values), count)] = 1.0
            else:
                made[:, block.start] = random.uniform(0.0, 1.0, count)
        return made

    def snap(self, rows: Rows) -> Rows:
        """The rows of the points that are nearest by the domains' own rules, shape as given."""
        if self.continuous:
            return rows
        made = rows.copy()
        if len(self._even_columns):
            counts = self._even_counts
            shares = np.floor(rows[:, self._even_columns] * counts)
            made[:, self._even_columns] = (np.minimum(np.maximum(shares, 0.0), counts - 1.0) + 0.5) / counts
        for domain, column in self._log_ints:
            made[:, column] = _snap_log(domain, rows[:, column])
        for block in self._texts:
            largest = np.argmax(rows[:, block], axis=1)
            made[:, block] = 0.0
            made[np.arange(len(rows)), block.start + largest] = 1.0
        return made

    def _each(self) -> zip[tuple[Domain, slice]]:
        return zip(self.domains, self.blocks, strict=True)


def _snap_log(domain: Int, units: Rows) -> Rows:
    low, high = np.log(domain.low - 0.5), np.log(domain.high + 0.5)
    numbers = np.exp(low + units * (high - low))
    values = np.clip(np.rint(numbers), domain.low, domain.high)
    for i in np.flatnonzero(np.abs(numbers - np.floor(numbers) - 0.5) < HALFWAY * numbers):
        values[i] = domain.from_unit(float(units[i]))
    distinct, which = np.unique(values, return_inverse=True)
    return np.array([domain.to_unit(int(value)) for value in distinct])[which]


def _is_text(domain: Domain) -> TypeGuard[Choice]:
    return isinstance(domain, Choice) and not domain.ordered


def _is_even(domain: Domain) -> bool:
    """Whether its values have equal shares of [0, 1]."""
    return domain.ordered if isinstance(domain, Choice) else isinstance(domain, Int) and not domain.log


def _count(domain: Domain) -> int:
    if isinstance(domain, Choice):
        return len(domain.values)
    assert isinstance(domain, Int)
    return domain.high - domain.low + 1
