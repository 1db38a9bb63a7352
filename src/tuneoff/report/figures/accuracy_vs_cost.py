"""Accuracy against cost: what each search reached, and what it was charged.

Filled: the incumbent's test score. Hollow: its validation score; the line between them is selection optimism.
Faint: single repeats. Only finished cells.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tuneoff.report import style, wording
from tuneoff.report.figures._shared import common_rate
from tuneoff.report.frames import Frames
from tuneoff.report.reading import Block


@dataclass(frozen=True, kw_only=True)
class Data:
    """points: a row a cell, with algorithm, minutes (charged device-minutes), validation, test."""

    points: pd.DataFrame
    metric: str
    device: str
    dollars_per_minute: float | None

    @property
    def means(self) -> pd.DataFrame:
        return self.points.groupby("algorithm")[["minutes", "validation", "test"]].mean()


def data(block: Block, frames: Frames) -> Data | None:
    cells = frames.finished().cells
    points = cells[["algorithm", "validation", "test"]].assign(minutes=cells["charged_seconds"] / 60)
    points = points.dropna(subset=["validation", "test"])
    if points.empty:
        return None
    return Data(points=points, metric=block.metric, device=wording.device_label(cells["device_kind"]),
                dollars_per_minute=common_rate(cells))


def draw(data: Data, figure: Figure) -> None:
    axes = figure.subplots()
    means = data.means
    for name in wording.order(means.index):
        tint, mark = style.colour(name), style.marker(name)
        own, middle = data.points[data.points["algorithm"] == name], means.loc[name]
        if len(own) > 1:
            axes.scatter(own["minutes"], own["test"], s=9, color=tint, alpha=0.35, linewidths=0, marker=mark)
        axes.plot([middle["minutes"]] * 2, [middle["test"], middle["validation"]], color=tint, linewidth=0.9)
        axes.scatter(middle["minutes"], middle["test"], s=42, color=tint, marker=mark, zorder=3)
        axes.scatter(middle["minutes"], middle["validation"], s=30, facecolors="white", edgecolors=tint,
                     marker=mark, zorder=3)
    axes.set_xlim(0, 1.15 * data.points["minutes"].max())
    axes.margins(y=0.1)
    _label(data, axes)
    axes.set_xlabel(f"charged {data.device}-minutes (top: dollars)" if data.dollars_per_minute
                    else f"charged {data.device}-minutes")
    style.score_axis(axes, data.metric, f"test {data.metric} (hollow: validation)")
    style.dollar_axis(axes, data.dollars_per_minute)


def _label(data: Data, axes: Axes) -> None:
    """Names beside the test markers; those close in cost are pushed apart in height."""
    means = data.means.loc[wording.order(data.means.index)]
    low, high = axes.get_ylim()
    gap, near = 0.06 * (high - low), 0.2 * axes.get_xlim()[1]
    for name, row in means.iterrows():
        close = means[(means["minutes"] - row["minutes"]).abs() < near]
        at = style.spread_apart(list(close["test"]), gap)[list(close.index).index(name)]
        right = row["minutes"] >= close["minutes"].max() or row["minutes"] > close["minutes"].mean()
        axes.annotate(str(name), xy=(row["minutes"], row["test"]), xytext=(row["minutes"], at), va="center",
                      ha="left" if right else "right", color=style.colour(str(name)), fontsize=7.5,
                      xycoords="data", textcoords=("data"), annotation_clip=False,
                      bbox={"pad": 0, "alpha": 0}).set_x(row["minutes"] + (0.02 if right else -0.02)
                                                         * axes.get_xlim()[1])
