"""Numbers and names as text: the same in tables, figures and sentences."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from tuneoff.task.units import declared, is_share, metric_range, number, scale_of, unit_of, usual_margin

__all__ = [
    "amount",
    "counted",
    "device_label",
    "difference_range",
    "fine",
    "is_share",
    "listed",
    "mean_sd",
    "metric_about",
    "metric_range",
    "minutes",
    "number",
    "scale_of",
    "score",
    "short_metric",
    "size",
    "unit_of",
    "usual_margin",
]

_SHORT = {"accuracy": "acc."}
_LONG = {"f1": "F1"}


def difference_range(metric: str) -> tuple[float, float]:
    """The lowest and highest possible difference of two scores."""
    low, high = metric_range(metric)
    return low - high, high - low


def short_metric(metric: str) -> str:
    return _SHORT.get(metric, metric)


def metric_about(metric: str, classes: Iterable[str]) -> str:
    """The metric, with the classes that it is about where it is about one: F1 of class 'fraud'."""
    found, names = declared(metric), [repr(name) for name in sorted(set(classes)) if name]
    about = found is not None and found.needs_positive and names
    return f"{_LONG.get(metric, metric)} of class {listed(names)}" if about else metric


def fine(value: float, metric: str, sign: str = "", beside: Sequence[float] = ()) -> str:
    """A predicted score or gap without its unit: a digit more than a measured one where it is a share. beside: see number."""
    return f"{100 * value:{sign}.2f}" if is_share(metric) else number(value, metric, sign=sign, beside=beside)


def size(margin: float, metric: str) -> str:
    """ "1 point", "0.5 points"; without a unit where the metric is no share."""
    if not is_share(metric):
        return f"{margin:g}"
    points = round(100 * margin, 6)
    return f"{points:g} point" + ("" if points == 1 else "s")


def score(values: Sequence[float], metric: str) -> str:
    """Mean, and its spread where there are repeats: "65.4 %", "65.4 ± 1.2 %"; "–" where nothing is known."""
    known = [v for v in values if math.isfinite(v)]
    if not known:
        return "–"
    middle, sd = mean_sd(known)
    return number(middle, metric) + (f" ± {number(sd, metric, beside=[middle])}" if len(known) > 1 else "") + unit_of(metric)


def chance(share: float) -> str:
    """No certainty from a finite number of draws."""
    return "over 99 %" if share > 0.99 else "under 1 %" if share < 0.01 else f"{100 * share:.0f} %"


def amount(values: Sequence[float]) -> str:
    """Mean ± sd to three significant digits: minutes, epochs, counts; no spread where all are the same."""
    known = [round(v, 9) for v in values if math.isfinite(v)]
    if not known:
        return "–"
    middle, sd = mean_sd(known)
    return _digits(middle) + (f" ± {_digits(sd)}" if sd > 0 else "")


def minutes(device_seconds: Sequence[float]) -> str:
    return amount([s / 60 for s in device_seconds])


def device_label(kinds: Iterable[str]) -> str:
    """GPU, CPU, or both where cells ran on both."""
    labels = {"CPU" if kind.strip().lower().startswith("cpu") else "GPU" for kind in kinds}
    return "/".join(sorted(labels)) or "device"


def mean_sd(values: Sequence[float]) -> tuple[float, float]:
    """Mean and sample standard deviation (n - 1); NaN where there is one value."""
    n = len(values)
    middle = math.fsum(values) / n
    return middle, math.sqrt(math.fsum((v - middle) ** 2 for v in values) / (n - 1)) if n > 1 else math.nan


def listed(names: Sequence[str]) -> str:
    """a; a and b; a, b and c."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def counted(n: int, noun: str) -> str:
    """ "1 repeat", "2 repeats"."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def _digits(value: float) -> str:
    """Three significant digits; whole numbers as they are."""
    if value == round(value) or abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:#.3g}".rstrip(".")
