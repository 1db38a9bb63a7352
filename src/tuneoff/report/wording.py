"""Numbers and names as text: the same in tables, figures and sentences."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from tuneoff.plugins import PluginError
from tuneoff.task.kinds import find_metric
from tuneoff.task.kinds.contracts import SHARE, Metric

_SHORT = {"accuracy": "acc."}
_LONG = {"f1": "F1"}


def metric_range(metric: str) -> tuple[float, float]:
    """The lowest and highest possible score, as the metric declares them; infinite for an unknown one."""
    declared = _declared(metric)
    if declared is None:
        return -math.inf, math.inf
    return (0.0, 1.0) if declared.unit == SHARE else declared.limits


def difference_range(metric: str) -> tuple[float, float]:
    """The lowest and highest possible difference of two scores."""
    low, high = metric_range(metric)
    return low - high, high - low


def short_metric(metric: str) -> str:
    return _SHORT.get(metric, metric)


def is_share(metric: str) -> bool:
    """Whether the metric declares a share of 1: written in per cent, its differences in points. False for an unknown one."""
    declared = _declared(metric)
    return declared is not None and declared.unit == SHARE


def metric_about(metric: str, classes: Iterable[str]) -> str:
    """The metric, with the classes that it is about where it is about one: F1 of class 'fraud'."""
    declared, names = _declared(metric), [repr(name) for name in sorted(set(classes)) if name]
    about = declared is not None and declared.needs_positive and names
    return f"{_LONG.get(metric, metric)} of class {listed(names)}" if about else metric


def _declared(metric: str) -> Metric | None:
    """None for a metric of a plugin that this process has not loaded: its numbers are written as they are."""
    try:
        return find_metric(metric)
    except PluginError:
        return None


def scale_of(metric: str) -> float:
    """The factor by which a score is multiplied before it is written."""
    return 100.0 if is_share(metric) else 1.0


def unit_of(metric: str) -> str:
    return " %" if is_share(metric) else ""


def score(values: Sequence[float], metric: str) -> str:
    """Mean, and its spread where there are repeats: "65.4 %", "65.4 ± 1.2 %"; "–" where nothing is known."""
    digits = 1 if is_share(metric) else 3
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


def counted(n: int, noun: str) -> str:
    """ "1 repeat", "2 repeats"."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


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
