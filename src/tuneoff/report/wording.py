"""How numbers and names are written, in tables, figures and sentences alike."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

FRACTIONS = frozenset({"accuracy", "f1", "macro_f1"})
"""Metrics from 0 to 1 that are written in per cent; their differences in points."""
_SHORT = {"accuracy": "acc."}
ORDER = ("default", "random", "random_asha", "grid", "bayesopt", "hyperopt", "pbt", "pbt_2020", "pbt_replay")
"""Simple before clever, as the published table has them; the others follow by name."""


def order(algorithms: Iterable[str]) -> list[str]:
    return sorted(set(algorithms), key=lambda a: (ORDER.index(a) if a in ORDER else len(ORDER), a))


def short_metric(metric: str) -> str:
    return _SHORT.get(metric, metric)


def scale_of(metric: str) -> float:
    """What a score is multiplied by before it is written."""
    return 100.0 if metric in FRACTIONS else 1.0


def unit_of(metric: str) -> str:
    return " %" if metric in FRACTIONS else ""


def score(values: Sequence[float], metric: str) -> str:
    """Mean, and its spread where there are repeats: "65.4 %", "65.4 ± 1.2 %"; "–" where nothing is known."""
    digits = 1 if metric in FRACTIONS else 3
    return _spread([v * scale_of(metric) for v in values], f".{digits}f", unit_of(metric))


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


def counted(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def _spread(values: Sequence[float], form: str, unit: str) -> str:
    known = [v for v in values if math.isfinite(v)]
    if not known:
        return "–"
    middle, sd = mean_sd(known)
    return format(middle, form) + (f" ± {sd:{form}}" if len(known) > 1 else "") + unit


def _digits(value: float) -> str:
    """Three significant digits; whole numbers as they are."""
    if value == round(value) or abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:#.3g}".rstrip(".")
