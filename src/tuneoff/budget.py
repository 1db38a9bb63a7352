"""A search's budget: training epochs, device-minutes or dollars. Work that would exceed it is refused before it begins."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from tuneoff.errors import UserError
from tuneoff.price import Price

UNITS = ("epochs", "minutes", "dollars")


MayStart: TypeAlias = Callable[[str, Mapping[str, Any], float], bool]
"""Whether the budget lets a trial start, given its name, its hyperparameters and how many of its epochs are trained already."""


class BudgetError(UserError):
    """A budget that can't be read or buys nothing."""


@dataclass(frozen=True, kw_only=True)
class Budget:
    """unit: one of UNITS; minutes are device-minutes charged (wall x devices held)."""

    unit: str
    amount: float

    @classmethod
    def parse(cls, text: object) -> Budget:
        """Parses "epochs:54", "minutes:10" or "dollars:0.05". Raises BudgetError where the text is anything else."""
        match = re.fullmatch(rf"({'|'.join(UNITS)}):([0-9.eE+-]+)", str(text))
        try:
            amount = float(match[2]) if match else math.nan
        except ValueError:
            amount = math.nan
        if match is None or not math.isfinite(amount) or amount <= 0:
            raise BudgetError(
                f"budget is {text!r}, but it must be a unit and an amount above 0: budget=epochs:54, "
                "budget=minutes:10 (device-minutes) or budget=dollars:0.05"
            )
        return cls(unit=match[1], amount=amount)

    def wall_seconds(self, price: Price, devices: int) -> float | None:
        """Wall seconds for which the devices may be held; None for a budget in epochs. Raises BudgetError for dollars at a
        price of 0."""
        if self.unit == "epochs":
            return None
        if self.unit == "minutes":
            return self.amount * 60 / devices
        if price.per_device_hour_usd == 0:
            raise BudgetError(
                f"budget is dollars:{self.amount:g}, but price={price.name} costs nothing an hour: "
                "give a price, or budget=minutes:..."
            )
        return self.amount / price.per_device_hour_usd * 3600 / devices
