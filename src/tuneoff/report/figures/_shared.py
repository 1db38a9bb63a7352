"""What several figures ask of the frames, and draw alike."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from tuneoff.report import style, wording
from tuneoff.report.curves import Band
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
    return {name: str(cells[cells["algorithm"] == name]["cell"].iloc[0]) for name in wording.order(cells["algorithm"])}


def curve_panel(axes: Axes, curves: Mapping[str, Band]) -> None:
    """Each curve ends where its search ends; a dotted line carries its result to the right edge.

    Bands are left out from CROWD searches on: nobody can tell them apart.
    """
    last = max(float(b.cost[-1]) for b in curves.values())
    for name, b in curves.items():
        tint = style.colour(name)
        axes.step(b.cost, b.mean, where="post", color=tint)
        if b.repeats > 1 and len(curves) < CROWD:
            axes.fill_between(b.cost, b.low, b.high, step="post", color=tint, alpha=0.12, linewidth=0)
        if b.cost[-1] < last:
            axes.plot([b.cost[-1], last], [b.mean[-1]] * 2, color=tint, linewidth=0.7, linestyle=":")
        axes.plot(b.cost[-1], b.mean[-1], marker=style.marker(name), markersize=3.5, color=tint)
    axes.set_xlim(0, last if np.isfinite(last) and last > 0 else 1)
    style.end_labels(axes, [(name, float(b.mean[-1]), style.colour(name)) for name, b in curves.items()])
