"""How scores are written: in the metric's own unit, the same on a terminal, in tables, figures and sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tuneoff.plugins import PluginError
from tuneoff.task.kinds import find_metric
from tuneoff.task.kinds.contracts import SHARE, Metric

SMALLEST = 1e-6
"""Smaller numbers are written with an exponent."""
KNOWN_MARGIN = 0.01
"""A difference that hardly matters, of a metric whose range is known: one point, or a hundredth."""


def declared(metric: str) -> Metric | None:
    """None for a metric of a plugin or a script that this process has not loaded: its numbers are written as they are."""
    try:
        return find_metric(metric)
    except PluginError:
        return None


def is_share(metric: str) -> bool:
    """Whether the metric declares a share of 1: written in per cent, its differences in points. False for an unknown one."""
    found = declared(metric)
    return found is not None and found.unit == SHARE


def metric_range(metric: str) -> tuple[float, float]:
    """The lowest and highest possible score, as the metric declares them; infinite for an unknown one."""
    found = declared(metric)
    if found is None:
        return -math.inf, math.inf
    return (0.0, 1.0) if found.unit == SHARE else found.limits


def has_scale(metric: str) -> bool:
    """Whether the range is known, so that a hundredth of it means something whatever the data; not so of an error in the unit
    of the targets."""
    return all(math.isfinite(end) for end in metric_range(metric))


def usual_margin(metric: str) -> float | None:
    """In the metric's own unit; None where only its user can know."""
    return KNOWN_MARGIN if has_scale(metric) else None


def scale_of(metric: str) -> float:
    """The factor by which a score is multiplied before it is written."""
    return 100.0 if is_share(metric) else 1.0


def unit_of(metric: str) -> str:
    return " %" if is_share(metric) else ""


def number(value: float, metric: str, *, digits: int = 4, sign: str = "", beside: Sequence[float] = ()) -> str:
    """A score without its unit: per cent with one digit after the point, three where the range is known, else as many as make
    `digits` significant ones.

    sign: "+" for a sign in any case. beside: numbers written next to it, of which the largest decides how many digits stand
    after the point.
    """
    if is_share(metric):
        return f"{100 * value + 0.0:{sign}.1f}"
    if has_scale(metric):
        return f"{value + 0.0:{sign}.3f}"
    return significant(value, digits, sign, max((abs(x) for x in (value, *beside) if math.isfinite(x)), default=0.0))


def significant(value: float, digits: int, sign: str = "", largest: float | None = None) -> str:
    """So many significant digits, of `largest` where that is given, and no exponent but for tiny numbers."""
    size = abs(value) if largest is None else largest
    if size == 0 or not math.isfinite(value):
        return f"{value + 0.0:{sign}g}"
    if size < SMALLEST:
        return f"{value:{sign}.{digits}g}"
    return f"{value + 0.0:{sign}.{max(0, digits - 1 - math.floor(math.log10(size)))}f}"


def written(value: float | None, metric: str) -> str:
    """A score with its unit, "–" where it is not known."""
    return "–" if value is None or not math.isfinite(value) else number(value, metric) + unit_of(metric)
