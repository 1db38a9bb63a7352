"""Device-seconds to dollars. Prices are data (conf/price/*.yaml), each with its source and date."""

from __future__ import annotations

import datetime
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
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
    """The price of one device for an hour, with its source and its date.

    machines: on a cluster, prices that differ from it, by a word that tells machines apart; see `of_machines`.
    """

    name: str
    per_device_hour_usd: float
    source: str
    date: str
    note: str = ""
    machines: Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        for name in ("name", "source", "date", "note"):
            check_text(f"price.{name}", getattr(self, name), "text", PriceError, may_be_empty=True)
        rule = "a number of dollars >= 0: give your own, for example price=custom price.per_device_hour_usd=1.20"
        check_number("price.per_device_hour_usd", self.per_device_hour_usd, rule, PriceError, low=0)
        if self.machines is not None:
            check_mapping("price.machines", self.machines, "'price.machines={t4-spot:0.16,l4:0.81}'", PriceError)
            for word, dollars in self.machines.items():
                check_number(f"price.machines.{word}", dollars, "a number of dollars >= 0", PriceError, low=0)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Price:
        check_mapping("price", values, "price=cpu", PriceError)
        names = {f.name for f in fields(cls)}
        unknown, missing = set(values) - names, names - {"note", "machines"} - set(values)
        if unknown or missing:
            what = f"has no {sorted(missing)[0]!r}" if missing else f"has the unknown entry {sorted(unknown)[0]!r}"
            raise PriceError(f"the price {what}; it consists of {', '.join(f.name for f in fields(cls))}")
        date = values["date"]
        return cls(**{**values, "date": str(date) if isinstance(date, int | datetime.date) else date})

    def as_dict(self) -> dict[str, Any]:
        return {key: value for key, value in asdict(self).items() if key != "machines" or value is not None}

    def dollars(self, device_seconds: float) -> float:
        return device_seconds / _SECONDS_AN_HOUR * self.per_device_hour_usd


def of_machines(price: Price, held: Sequence[Collection[str]]) -> Price:
    """The mean price of a device, where they stand in machines of several prices. held: of each trial at once, the words for
    its machine: labels, resources and accelerators that Ray knows of it.

    Raises PriceError where a word of `price.machines` is for no machine that is held, or two are for the same.
    """
    if not price.machines or not held:
        return price
    rates, counted = [], dict.fromkeys(price.machines, 0)
    for words in held:
        known = [word for word in price.machines if word in words]
        if len(known) > 1:
            raise PriceError(
                f"price.machines has {known[0]!r} and {known[1]!r}, but there is a machine that is both: name each "
                "machine by one word"
            )
        rates.append(price.machines[known[0]] if known else price.per_device_hour_usd)
        for word in known:
            counted[word] += 1
    unused = [word for word, count in counted.items() if not count]
    if len(unused) == len(counted):
        there = sorted({word for words in held for word in words})
        raise PriceError(
            f"price.machines has {', '.join(map(repr, unused))}, but the machines of the cluster that trials run on are "
            f"known by {', '.join(there) or 'no word'}: use one of these, or give machines a label (ray start --labels)"
        )
    parts = [f"{count} x {word} at {price.machines[word]:g}" for word, count in counted.items() if count]
    others = len(held) - sum(counted.values())
    parts += [f"{others} x others at {price.per_device_hour_usd:g}"] if others else []
    mean = sum(rates) / len(rates)
    return replace(price, per_device_hour_usd=mean, machines=None, note="; ".join(filter(None, [price.note, ", ".join(parts)])))


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
