"""Hyperparameters against score: the values that each search tried, and their scores.

A dot is a trial, at its best validation score and the hyperparameters in force then. Ringed: each search's best.
Crosses: trials that were stopped early. A column for each hyperparameter that was varied, up to four of them, and from four
searches on a row for each search; logarithmic where the values are spread more evenly so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from tuneoff.records.schema import STOPPED
from tuneoff.report import wording
from tuneoff.report.algorithms import Algorithms
from tuneoff.report.cells import Block
from tuneoff.report.figures import _style as style
from tuneoff.report.figures._shared import CROWD
from tuneoff.report.frames import HPARAM, Frames

MOST_PANELS = 4
FEW = 5
"""Up to this many different whole values, each has its tick."""


@dataclass(frozen=True, kw_only=True)
class Data:
    """trials: a row a trial of a finished cell: algorithm, cell, validation, stopped, and a column a varied
    hyperparameter."""

    trials: pd.DataFrame
    varied: tuple[str, ...]
    metric: str
    algorithms: Algorithms


def data(block: Block, frames: Frames) -> Data | None:
    done = frames.finished().evaluations
    if done.empty:
        return None
    best = done.sort_values("validation", kind="stable", ascending=False).drop_duplicates(["cell", "trial_id"])
    columns = [c for c in best.columns if c.startswith(HPARAM)]
    varied = [c for c in columns if pd.api.types.is_numeric_dtype(best[c]) and best[c].nunique() > 1]
    varied = sorted(varied, key=lambda c: -best[c].nunique())[:MOST_PANELS]
    if not varied or len(best) < 3:
        return None
    names = {c: c.removeprefix(HPARAM) for c in varied}
    ends = frames.trials[["cell", "trial_id", "status"]]
    best = best.merge(ends, on=["cell", "trial_id"], how="left").assign(stopped=lambda t: t["status"] == STOPPED)
    trials = best[["algorithm", "cell", "validation", "stopped", *varied]].rename(columns=names)
    return Data(
        trials=trials.reset_index(drop=True), varied=tuple(names.values()), metric=block.metric, algorithms=frames.algorithms
    )


def is_logarithmic(values: pd.Series) -> bool:
    """Over more than a factor of 8, and with a median that is nearer to the middle in logarithms than as it is."""
    low, middle, high = float(values.min()), float(values.median()), float(values.max())
    if low <= 0 or high <= 8 * low:
        return False
    return abs(math.log(middle / low) / math.log(high / low) - 0.5) < abs((middle - low) / (high - low) - 0.5)


def draw(data: Data, figure: Figure) -> None:
    names = data.algorithms.order(data.trials["algorithm"])
    if len(names) < CROWD:
        _together(data, names, figure)
    else:
        _apart(data, names, figure)


def _together(data: Data, names: Sequence[str], figure: Figure) -> None:
    columns = min(2, len(data.varied))
    rows = -(-len(data.varied) // columns)
    figure.set_size_inches(style.COLUMN_INCHES, 0.5 + 1.6 * rows)
    panels = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for axes, name in zip(panels.flat, data.varied, strict=False):
        _panel(data, name, axes)
        axes.set_xlabel(name.replace("_", " "))
    for axes in panels.flat[len(data.varied) :]:
        axes.set_visible(False)
    for axes in panels[:, 0]:
        style.score_axis(axes, data.metric, f"validation {wording.short_metric(data.metric)}")
    handles = [
        Line2D([], [], linestyle="", marker=data.algorithms.marker(n), color=data.algorithms.color(n), markersize=4)
        for n in names
    ]
    figure.legend(
        handles, names, loc="outside upper center", ncols=min(5, len(names)), frameon=False, fontsize=7.5, handletextpad=0.1
    )


def _apart(data: Data, names: Sequence[str], figure: Figure) -> None:
    figure.set_size_inches(style.COLUMN_INCHES, 0.5 + 0.82 * len(names))
    panels = figure.subplots(len(names), len(data.varied), sharex="col", sharey=True, squeeze=False)
    for row, algorithm in zip(panels, names, strict=True):
        for axes, name in zip(row, data.varied, strict=True):
            _panel(data, name, axes, algorithm)
        style.score_axis(row[0], data.metric, "")
        row[0].margins(y=0.15)
        row[0].set_title(algorithm, fontsize=7.5, color=data.algorithms.color(algorithm), pad=2)
    for axes, name in zip(panels[-1], data.varied, strict=True):
        axes.set_xlabel(name.replace("_", " "))
    figure.supylabel(f"validation {data.metric}", fontsize=8)


def _panel(data: Data, name: str, axes: Axes, only: str | None = None) -> None:
    """All searches, or one of them; the axis fits all of them in either case."""
    trials = data.trials
    for algorithm in data.algorithms.order(trials["algorithm"]) if only is None else [only]:
        own, tint = trials[trials["algorithm"] == algorithm], data.algorithms.color(algorithm)
        ran, cut, many = own[~own["stopped"]], own[own["stopped"]], len(own) > style.MANY
        axes.scatter(
            ran[name],
            ran["validation"],
            s=9,
            color=tint,
            alpha=0.55,
            linewidths=0,
            marker=data.algorithms.marker(algorithm),
            rasterized=many,
        )
        axes.scatter(cut[name], cut["validation"], s=11, color=tint, alpha=0.6, linewidths=0.7, marker="x", rasterized=many)
        top = own.sort_values("validation", kind="stable").iloc[-1]
        axes.scatter(top[name], top["validation"], s=48, facecolors="none", edgecolors=tint, linewidths=1.2)
    if is_logarithmic(trials[name]):
        axes.set_xscale("log")
        axes.xaxis.set_minor_formatter(NullFormatter())
    elif trials[name].nunique() <= FEW and (trials[name] % 1 == 0).all():
        values = sorted(trials[name].unique())
        axes.set_xticks(values, [f"{v:g}" for v in values])
        axes.margins(x=0.3 / len(values) + 0.05)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 5, 10]))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}".replace("e-0", "e-")))
