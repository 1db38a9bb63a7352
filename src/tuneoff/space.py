"""The search space: one object that every searcher and scheduler is given.

A space maps hyperparameter names to domains. A domain knows how to sample itself from an explicit generator, how to
clip a perturbed value back to a legal one, how to list grid values, and how to map itself to the unit interval and
back (what model-based searchers work on). Nothing here knows Ray.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

import numpy as np

from tuneoff.errors import UserError, as_whole, check_flag, check_number, is_number, shown

Value: TypeAlias = int | float | str | None
"""A hyperparameter's value. None, in a choice only, is the trainer's own value."""


class SpaceError(UserError):
    """A search space that is empty, contradictory or outside what the training function accepts."""


@dataclass(frozen=True, kw_only=True)
class Float:
    """A real number in [low, high]; with `log`, uniform in its logarithm."""

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        _check_bounds(self.low, self.high, self.log)

    def sample(self, rng: np.random.Generator) -> float:
        return self.from_unit(float(rng.random()))

    def contains(self, value: Value) -> bool:
        return is_number(value) and self.low <= value <= self.high

    def clip(self, value: Value) -> float:
        return min(max(_number(value), self.low), self.high)

    def to_unit(self, value: Value) -> float:
        return _to_unit(_number(value), self.low, self.high, self.log)

    def from_unit(self, unit: float) -> float:
        return self.clip(_from_unit(unit, self.low, self.high, self.log))

    def grid(self, points: int) -> list[Value]:
        """`points` values evenly spaced on the domain's own scale, both ends included."""
        return [self.from_unit(u) for u in _even(points)]


@dataclass(frozen=True, kw_only=True)
class Int:
    """A whole number in [low, high], both included."""

    low: int
    high: int
    log: bool = False

    def __post_init__(self) -> None:
        _check_bounds(self.low, self.high, self.log)
        if as_whole(self.low) is None or as_whole(self.high) is None:
            raise SpaceError(f"an int domain has bounds {self.low} and {self.high}, but they must be whole numbers")

    def sample(self, rng: np.random.Generator) -> int:
        return self.from_unit(float(rng.random()))

    def contains(self, value: Value) -> bool:
        return as_whole(value) is not None and self.low <= _number(value) <= self.high

    def clip(self, value: Value) -> int:
        return min(max(round(_number(value)), self.low), self.high)

    def to_unit(self, value: Value) -> float:
        """The middle of the value's share of the unit interval, so that `from_unit` gives it back."""
        if self.log:
            return min(max(_to_unit(_number(value), self.low - 0.5, self.high + 0.5, True), 0.0), 1.0)
        return (round(_number(value)) - self.low + 0.5) / (self.high - self.low + 1)

    def from_unit(self, unit: float) -> int:
        if self.log:
            return self.clip(_from_unit(unit, self.low - 0.5, self.high + 0.5, True))
        return self.clip(self.low + math.floor(unit * (self.high - self.low + 1)))

    def grid(self, points: int) -> list[Value]:
        values = {self.from_unit(u) for u in _even(min(points, self.high - self.low + 1))}
        return list[Value](sorted(values))


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One of `values`: all numbers, or all text, either with None.

    Numbers without None are ordered (sorted ascending), so that a perturbation moves to a neighbour.
    """

    values: tuple[Value, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise SpaceError("a choice has no values, but it must list at least one")
        for value in self.values:
            if not (value is None or isinstance(value, str) or is_number(value)):
                raise SpaceError(f"a choice lists {shown(value)}, but each value must be a number, text or null")
        if len(set(self.values)) != len(self.values):
            raise SpaceError(f"a choice lists {list(self.values)}, but each value must appear once")
        if len({isinstance(v, str) for v in self.values if v is not None}) > 1:
            raise SpaceError(f"a choice lists {list(self.values)}, but text and numbers can't be mixed")
        if self.ordered:
            object.__setattr__(self, "values", tuple(sorted(self.values, key=_number)))

    @property
    def ordered(self) -> bool:
        return all(is_number(value) for value in self.values)

    def sample(self, rng: np.random.Generator) -> Value:
        return self.values[int(rng.integers(len(self.values)))]

    def contains(self, value: Value) -> bool:
        return value in self.values

    def clip(self, value: Value) -> Value:
        """The nearest listed number; text and None must be listed already."""
        if value in self.values:
            return self.values[self.values.index(value)]
        numbers = [listed for listed in self.values if is_number(listed)]
        if not numbers or value is None:
            raise SpaceError(f"{shown(value)} is not one of {list(self.values)}")
        return min(numbers, key=lambda listed: abs(listed - _number(value)))

    def to_unit(self, value: Value) -> float:
        return (self.values.index(value) + 0.5) / len(self.values)

    def from_unit(self, unit: float) -> Value:
        return self.values[min(max(math.floor(unit * len(self.values)), 0), len(self.values) - 1)]

    def grid(self, points: int) -> list[Value]:  # noqa: ARG002 - a choice is its own grid
        return list(self.values)


Domain: TypeAlias = Float | Int | Choice


@dataclass(frozen=True)
class SearchSpace:
    """Named domains. Iteration order is the order of the configuration, so draws are reproducible."""

    domains: Mapping[str, Domain]

    def __post_init__(self) -> None:
        if not self.domains:
            raise SpaceError(
                "the search space is empty: give at least one hyperparameter, for example "
                "'+space.learning_rate={type:float,low:1e-5,high:1e-4,log:true}'"
            )

    def sample(self, rng: np.random.Generator) -> dict[str, Value]:
        return {name: domain.sample(rng) for name, domain in self.domains.items()}

    def contains(self, point: Mapping[str, Value]) -> bool:
        return set(point) == set(self.domains) and all(d.contains(point[n]) for n, d in self.domains.items())

    def clip(self, point: Mapping[str, Value]) -> dict[str, Value]:
        return {name: domain.clip(point[name]) for name, domain in self.domains.items()}

    def grid(self, points: int) -> Iterator[dict[str, Value]]:
        """The full factorial; `points` values for each continuous domain, every value of a choice."""
        axes = [domain.grid(points) for domain in self.domains.values()]
        for values in product(*axes):
            yield dict(zip(self.domains, values, strict=True))

    def size(self) -> int | None:
        """The number of points; None where a hyperparameter is continuous."""
        counts = [_count(domain) for domain in self.domains.values()]
        return None if None in counts else math.prod(count for count in counts if count is not None)

    def every_point(self) -> Iterator[dict[str, Value]]:
        """Every point of a countable space, in a fixed order. Raises SpaceError where a hyperparameter is continuous."""
        if self.size() is None:
            raise SpaceError("the space has a continuous hyperparameter, so its points can't be listed")
        axes = [list(d.values) if isinstance(d, Choice) else range(int(d.low), int(d.high) + 1) for d in self.domains.values()]
        for values in product(*axes):
            yield dict(zip(self.domains, values, strict=True))


def _count(domain: Domain) -> int | None:
    if isinstance(domain, Choice):
        return len(domain.values)
    return int(domain.high) - int(domain.low) + 1 if isinstance(domain, Int) else None


def _check_bounds(low: float, high: float, log: bool) -> None:
    for name, bound in (("low", low), ("high", high)):
        check_number(name, bound, "a finite number", SpaceError)
    check_flag("log", log, SpaceError)
    if low >= high:
        raise SpaceError(f"a domain has low={low} and high={high}, but low must be below high: give both bounds")
    if log and low <= 0:
        raise SpaceError(f"a log-scaled domain has low={low}, but it must be above 0")


def _number(value: Value) -> float:
    if value is None or isinstance(value, str):
        raise SpaceError(f"{shown(value)} is {'no number' if value is None else 'text'}, but a number is needed")
    return value


def _to_unit(value: float, low: float, high: float, log: bool) -> float:
    if log:
        return (math.log(value) - math.log(low)) / (math.log(high) - math.log(low))
    return (value - low) / (high - low)


def _from_unit(unit: float, low: float, high: float, log: bool) -> float:
    if log:
        return math.exp(math.log(low) + unit * (math.log(high) - math.log(low)))
    return low + unit * (high - low)


def _even(points: int) -> list[float]:
    if points < 1:
        raise SpaceError(f"the grid has points={points}, but it must be >= 1")
    return [0.5] if points == 1 else [i / (points - 1) for i in range(points)]
