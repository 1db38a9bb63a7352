"""How a trainer declares its hyperparameters: name, type, limits and default. Knows neither Ray nor torch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, TypeAlias

from tuneoff.errors import UserError, as_whole, check_one_of, is_number, shown
from tuneoff.redaction import names_a_secret

HParamValue: TypeAlias = int | float | str | None
"""A hyperparameter's value. None, where it is allowed, is the trainer's own value."""

NUM_EPOCHS = "num_epochs"
"""The one hyperparameter that every trainer declares: the length of a trial."""


class HParamError(UserError):
    """A hyperparameter that does not exist, or whose value the trainer does not accept."""


@dataclass(frozen=True, kw_only=True)
class Hyperparameter:
    """One value that a trial trains with.

    rule: the limits in words, for messages. low, high: both included. above: excluded lower limit, or None. choices: the
    texts that are accepted; a hyperparameter with choices is text, any other a number. optional: None is accepted.
    mutable: population-based training mutates it unless told otherwise. shapes: the weights' shapes depend on it, so that it
    can't change while they are trained.
    """

    name: str
    default: HParamValue
    rule: str = ""
    low: float = -math.inf
    high: float = math.inf
    above: float | None = None
    whole: bool = False
    choices: tuple[str, ...] = ()
    optional: bool = False
    mutable: bool = False
    shapes: bool = False

    def check(self, value: Any) -> HParamValue:
        """Returns the value, as an int where the hyperparameter is whole. Raises HParamError where the value breaks the
        rule."""
        if value is None and self.optional:
            return None
        if self.choices:
            check_one_of(self.name, value, self.choices, HParamError)
            return str(value)
        if not is_number(value):
            raise HParamError(f"{self.name} is {shown(value)}, but it must be a number ({self.rule})")
        if self.whole and as_whole(value) is None:
            raise HParamError(f"{self.name} is {value!r}, but it must be a whole number ({self.rule})")
        if not self.low <= value <= self.high or (self.above is not None and value <= self.above):
            raise HParamError(f"{self.name} is {value!r}, but it must be {self.rule}")
        return int(value) if self.whole else value


class Hyperparameters:
    """The hyperparameters that a trainer declares, by name, in the order of declaration."""

    def __init__(self, *declared: Hyperparameter) -> None:
        self._declared = {one.name: one for one in declared}
        assert len(self._declared) == len(declared), "a name is declared twice"
        assert NUM_EPOCHS in self._declared, "every trainer declares the length of a trial, num_epochs"

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._declared)

    @property
    def mutable(self) -> tuple[str, ...]:
        return tuple(name for name, one in self._declared.items() if one.mutable)

    @property
    def shaping(self) -> tuple[str, ...]:
        return tuple(name for name, one in self._declared.items() if one.shapes)

    def __contains__(self, name: object) -> bool:
        return name in self._declared

    def __getitem__(self, name: str) -> Hyperparameter:
        """Raises HParamError, with the nearest name, where the hyperparameter is not declared."""
        if name not in self._declared:
            raise HParamError(f"unknown hyperparameter {name!r}{self.hint(name)}")
        return self._declared[name]

    def hint(self, name: str) -> str:
        """The nearest name to one that is not declared, and all there are, for a message."""
        close = get_close_matches(str(name), self.names, n=1)
        return (
            f": did you mean {close[0]}? There are {', '.join(self.names)}" if close else f": there are {', '.join(self.names)}"
        )

    def check(self, values: Mapping[str, Any]) -> dict[str, HParamValue]:
        """Returns `values`, checked. Raises HParamError for an undeclared name or a value that breaks its rule."""
        return {name: self[name].check(value) for name, value in values.items()}

    def complete(self, values: Mapping[str, Any], searched: Iterable[str] = ()) -> dict[str, HParamValue]:
        """Returns a value for every declared hyperparameter, and for those that `values` or `searched` name: the one in
        `values`, checked, or its default. Raises HParamError as `check` does, and where one is a secret by its name."""
        given, domains = self.check(values), tuple(searched)
        names = dict.fromkeys([*self._declared, *given, *domains])
        full = {name: given.get(name, self[name].default) for name in names}
        for name, value in full.items():
            if names_a_secret(name) and (isinstance(value, str) or name in domains):
                raise HParamError(
                    f"{name} has a value, but hyperparameters are recorded, and by its name this one is a secret: leave it "
                    "null, and read it from the environment where it is needed"
                )
        return full
