"""Accuracy against cost: what each search reached, and what it was charged.

Filled: the incumbent's test score. Hollow, for up to three searches: its validation score; the line between them is
selection optimism. Faint: single repeats. Only finished cells.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from tuneoff.report import wording
from tuneoff.report.algorithms import Algorithms
from tuneoff.report.cells import Block
from tuneoff.report.figures import _style as style
from tuneoff.report.figures._shared import CROWD, common_rate
from tuneoff.report.frames import Frames


@dataclass(frozen=True, kw_only=True)
class Data:
    """points: a row a cell, with algorithm, minutes (charged device-minutes), validation, test."""

    points: pd.DataFrame
    metric: str
    algorithms: Algorithms
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
    return Data(
        points=points,
        metric=block.metric,
        algorithms=frames.algorithms,
        device=wording.device_label(cells["device_kind"]),
        dollars_per_minute=common_rate(cells),
    )


def draw(data: Data, figure: Figure) -> None:
    axes = figure.subplots()
    means = data.means
    few = len(means) < CROWD
    for name in data.algorithms.order(means.index):
        tint, mark = data.algorithms.color(name), data.algorithms.marker(name)
        own, middle = data.points[data.points["algorithm"] == name], means.loc[name]
        if len(own) > 1:
            axes.scatter(own["minutes"], own["test"], s=9, color=tint, alpha=0.3, linewidths=0, marker=mark)
        if few:
            axes.plot([middle["minutes"]] * 2, [middle["test"], middle["validation"]], color=tint, linewidth=0.9)
            axes.scatter(
                middle["minutes"], middle["validation"], s=30, facecolors="white", edgecolors=tint, marker=mark, zorder=3
            )
        axes.scatter(
            middle["minutes"], middle["test"], s=42, facecolors=tint, marker=mark, zorder=3, edgecolors="white", linewidths=0.5
        )
    axes.set_xlim(0, 1.04 * data.points["minutes"].max())
    axes.margins(y=0.1)
    names = data.algorithms.order(means.index)
    tests, minutes = (means.loc[names, what].to_numpy(float) for what in ("test", "minutes"))
    style.end_labels(
        axes,
        [(n, float(test), data.algorithms.color(n)) for n, test in zip(names, tests, strict=True)],
        start={n: float(at) for n, at in zip(names, minutes, strict=True)},
    )
    axes.set_xlabel(
        f"charged {data.device}-minutes (top: dollars)" if data.dollars_per_minute else f"charged {data.device}-minutes"
    )
    style.score_axis(axes, data.metric, f"test {data.metric}" + (" (hollow: validation)" if few else ""))
    style.dollar_axis(axes, data.dollars_per_minute)
