"""Who worked when: the trials of each search over its workers, the first finished repeat of each.

A bar is the time of one evaluation interval (its own device time, ending when it was known); trials take turns in two
shades, gaps are idle. Red: trials that failed or diverged. Pale: stopped early. Star: the winning evaluation. Up to nine
searches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerTuple
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from tuneoff.records.schema import DIVERGED, FAILED, STOPPED
from tuneoff.report.algorithms import Algorithms
from tuneoff.report.cells import Block
from tuneoff.report.figures import _style as style
from tuneoff.report.figures._shared import first_repeats
from tuneoff.report.frames import Frames, of_cell

MOST_PANELS = 9
_BAD = "#B2182B"
_SOLID, _TURN, _PALE = 0.95, 0.6, 0.3
_HEIGHT = 0.78


@dataclass(frozen=True, kw_only=True)
class Data:
    """bars: by algorithm, a row an evaluation: lane (worker), begin, end (wall minutes), trial (number), status, best.

    workers: how many each algorithm used.
    """

    bars: dict[str, pd.DataFrame]
    workers: dict[str, int]
    algorithms: Algorithms


def data(block: Block, frames: Frames) -> Data | None:  # noqa: ARG001 - every figure takes its block
    done = frames.finished()
    bars: dict[str, pd.DataFrame] = {}
    for name, cell in list(first_repeats(done).items())[:MOST_PANELS]:
        own = of_cell(done.evaluations, cell)
        if len(own):
            bars[name] = _bars(own, of_cell(done.trials, cell).set_index("trial_id")["status"])
    if not bars:
        return None
    workers = {name: int(table["lane"].max()) + 1 for name, table in bars.items()}
    return Data(bars=bars, workers=workers, algorithms=frames.algorithms)


def _bars(own: pd.DataFrame, status: pd.Series) -> pd.DataFrame:
    """Bars of one worker don't overlap: an interval begins no earlier than the one before it ended."""
    end = own["elapsed_seconds"].astype(float) / 60
    before = end.groupby(own["worker"]).shift(1).fillna(0.0)
    begin = np.maximum(end - own["busy_seconds"].astype(float) / 60, before)
    best = np.zeros(len(own), dtype=bool)
    best[np.flatnonzero(own["is_incumbent"])[-1]] = True
    return pd.DataFrame(
        {
            "lane": pd.factorize(own["worker"], sort=True)[0],
            "begin": begin,
            "end": end,
            "trial": pd.factorize(own["trial_id"])[0],
            "status": own["trial_id"].map(status),
            "best": best,
        }
    )


def draw(data: Data, figure: Figure) -> None:
    lanes = list(data.workers.values())
    figure.set_size_inches(style.COLUMN_INCHES, 0.8 + sum(0.4 + 0.11 * n for n in lanes))
    panels = figure.subplots(len(lanes), 1, sharex=True, squeeze=False, height_ratios=[2 + n for n in lanes])[:, 0]
    for axes, (name, bars) in zip(panels, data.bars.items(), strict=True):
        _panel(axes, name, bars, data.algorithms.color(name))
        axes.set_ylim(data.workers[name] - 0.4, -0.6)
    panels[-1].set_xlim(left=0)
    panels[-1].set_xlabel("wall minutes, a lane a worker")
    _legend(figure, {str(s) for bars in data.bars.values() for s in bars["status"]})


def _legend(figure: Figure, statuses: set[str]) -> None:
    """An entry for each look that occurs; the shades stand for those of any colour."""
    solid, turn, pale = (Patch(color=style.INK, alpha=alpha, linewidth=0) for alpha in (_SOLID, _TURN, _PALE))
    shown: dict[str, Any] = {"trials by turns": (solid, turn)}
    if STOPPED in statuses:
        shown["stopped early"] = pale
    if statuses & {FAILED, DIVERGED}:
        shown["failed or diverged"] = Patch(color=_BAD, alpha=_SOLID, linewidth=0)
    shown["the winning evaluation"] = Line2D([], [], linestyle="", marker="*", color=style.INK, markersize=7, markeredgewidth=0)
    figure.legend(
        list(shown.values()),
        list(shown),
        ncols=4,
        frameon=False,
        loc="outside lower center",
        fontsize=7,
        handlelength=1.6,
        handler_map={tuple: HandlerTuple(None, pad=0)},
    )


def _panel(axes: Axes, name: str, bars: pd.DataFrame, tint: str) -> None:
    many = len(bars) > style.MANY
    for (status, odd, _), part in bars.groupby(["status", bars["trial"] % 2, "lane"]):
        bad, stopped = status in (FAILED, DIVERGED), status == STOPPED
        spans = np.column_stack([part["begin"], part["end"] - part["begin"]])
        axes.broken_barh(
            spans.tolist(),
            (part["lane"].iloc[0] - _HEIGHT / 2, _HEIGHT),
            facecolor=_BAD if bad else tint,
            alpha=_PALE if stopped else _TURN if odd else _SOLID,
            edgecolor="white",
            linewidth=0 if many else 0.4,
            rasterized=many,
        )
    best = bars[bars["best"]].iloc[0]
    axes.plot(
        best["end"],
        best["lane"],
        marker="*",
        color=style.INK,
        markersize=7,
        markeredgecolor="white",
        markeredgewidth=0.5,
        clip_on=False,
        zorder=5,
    )
    axes.set_yticks([])
    axes.grid(axis="y", visible=False)
    axes.spines["left"].set_visible(False)
    axes.set_title(name, color=tint, fontsize=7.5, pad=2)
