"""Parts that several figures share: facts from the frames, and panels that are drawn alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from tuneoff.report.algorithms import Algorithms
from tuneoff.report.curves import Band
from tuneoff.report.figures import _style as style
from tuneoff.report.frames import Frames

CROWD = 4
"""From so many searches on, figures give each a panel of its own, or leave out what would lie on top of each other."""


def common_rate(cells: pd.DataFrame) -> float | None:
    """Dollars per device-minute, or None where the cells differ in it."""
    rates = cells["per_device_hour_usd"].unique()
    return float(rates[0]) / 60 if len(rates) == 1 else None


def first_repeats(done: Frames) -> dict[str, str]:
    """The cell of each algorithm's lowest finished repeat, by algorithm in the usual order."""
    cells = done.cells.sort_values("repeat")
    return {name: str(cells[cells["algorithm"] == name]["cell"].iloc[0]) for name in done.algorithms.order(cells["algorithm"])}


def curve_panel(axes: Axes, curves: Mapping[str, Band], algorithms: Algorithms) -> None:
    """Mean curves, each as long as all of its repeats have a value, with its name at the right edge.

    Bands are left out from CROWD searches on: nobody can tell them apart.
    """
    last = max(float(b.cost[-1]) for b in curves.values())
    for name, b in curves.items():
        tint = algorithms.color(name)
        axes.step(b.cost, b.mean, where="post", color=tint)
        if b.repeats > 1 and len(curves) < CROWD:
            axes.fill_between(b.cost, b.low, b.high, step="post", color=tint, alpha=0.12, linewidth=0)
        axes.plot(b.cost[-1], b.mean[-1], marker=algorithms.marker(name), markersize=3.5, color=tint)
    axes.set_xlim(0, last if np.isfinite(last) and last > 0 else 1)
    style.end_labels(
        axes,
        [(name, float(b.mean[-1]), algorithms.color(name)) for name, b in curves.items()],
        start={name: float(b.cost[-1]) for name, b in curves.items()},
    )


def repeats_text(curves: Iterable[Band]) -> str:
    """ "mean of 10 repeats", "mean of 3 to 10 repeats", or "" for single runs."""
    counts = sorted({b.repeats for b in curves})
    if counts in ([], [1]):
        return ""
    return f"mean of {counts[0]} repeats" if len(counts) == 1 else f"mean of {counts[0]} to {counts[-1]} repeats"
