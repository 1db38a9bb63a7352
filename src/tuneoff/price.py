"""Device-seconds to dollars. Prices are data (conf/price/*.yaml), each with its source and date."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import yaml

from tuneoff.errors import UserError, check_mapping, check_number, check_text

PRICE_FOLDER = Path(__file__).resolve().parent / "conf" / "price"
_SECONDS_AN_HOUR = 3600.0


class PriceError(UserError):
    """A price that is missing, unknown or not a sum of money; the message names the remedy."""


@dataclass(frozen=True, kw_only=True)
class Price:
    """The price of one device for an hour, with its source and its date."""

    name: str
    per_device_hour_usd: float
    source: str
    date: str
    note: str = ""

    def __post_init__(self) -> None:
        for name in ("name", "source", "date", "note"):
            check_text(f"price.{name}", getattr(self, name), "text", PriceError, may_be_empty=True)
        rule = "a number of dollars >= 0: give your own, for example price=custom price.per_device_hour_usd=1.20"
        check_number("price.per_device_hour_usd", self.per_device_hour_usd, rule, PriceError, low=0)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Price:
        check_mapping("price", values, "price=cpu", PriceError)
        names = {f.name for f in fields(cls)}
        unknown, missing = set(values) - names, names - {"note"} - set(values)
        if unknown or missing:
            what = f"has no {sorted(missing)[0]!r}" if missing else f"has the unknown entry {sorted(unknown)[0]!r}"
            raise PriceError(f"the price {what}; it consists of {', '.join(f.name for f in fields(cls))}")
        date = values["date"]
        return cls(**{**values, "date": str(date) if isinstance(date, int | datetime.date) else date})

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def dollars(self, device_seconds: float) -> float:
        return device_seconds / _SECONDS_AN_HOUR * self.per_device_hour_usd


def charged_device_seconds(wall_seconds: float, devices: int) -> float:
    """The published table's rule: every device held is paid for while the wall clock runs, idle or not."""
    return wall_seconds * devices


def price_names(folder: Path = PRICE_FOLDER) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.yaml"))


def load_price(name: str, folder: Path = PRICE_FOLDER) -> Price:
    """One entry of the price table. Raises PriceError for a name that isn't there, listing those that are."""
    path = folder / f"{name}.yaml"
    if name not in price_names(folder):
        raise PriceError(
            f"price is {name!r}, but it must be one of {', '.join(price_names(folder))}; for your own: "
            "price=custom price.per_device_hour_usd=1.20"
        )
    values = yaml.safe_load(path.read_text(encoding="utf-8"))
    return Price.from_dict(values)


def format_dollars(dollars: float) -> str:
    """Two decimals, halves up as the published table has them (2.295 -> 2.30); two digits for sums below 10 cents."""
    if not math.isfinite(dollars):
        return "–"
    if 0 < dollars < 0.1:
        return f"{dollars:.{1 - math.floor(math.log10(dollars))}f}"
    exact = Decimal(repr(round(float(dollars), 9)))  # a frame's number is numpy's, whose repr names its type
    return str(exact.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP))
