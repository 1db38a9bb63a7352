"""Accuracy against cost: what each search reached, and what it was charged.

Mark: mean test score and mean charge over repeats, with 95 % intervals in both directions (of the score: for repeats and test
rows both). Faint, for up to three searches: single repeats. Dashed: the untuned default, dotted: the best constant answer. Only
finished cells. Cost is logarithmic where it spans more than a decade."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from tuneoff.report import wording
from tuneoff.report.algorithms import Algorithms
from tuneoff.report.cells import Block
from tuneoff.report.curves import Searches
from tuneoff.report.figures import _style as style
from tuneoff.report.figures._shared import CROWD, common_rate
from tuneoff.report.frames import Frames
from tuneoff.report.verdicts.standing import Standing, standings, trivial_score

DECADE = 10


@dataclass(frozen=True, kw_only=True)
class Data:
    """points: a row a cell, with algorithm, minutes (charged device-minutes) and test. standings: the highest mean first.
    untuned, trivial: scores, None if unknown."""

    points: pd.DataFrame
    standings: list[Standing]
    metric: str
    algorithms: Algorithms
    device: str
    dollars_per_minute: float | None
    untuned: float | None
    trivial: float | None


def data(block: Block, frames: Frames) -> Data | None:
    cells = frames.finished().cells
    points = cells[["algorithm", "test"]].assign(minutes=cells["charged_seconds"] / 60).dropna(subset=["test"])
    if points.empty:
        return None
    searches = Searches.of(frames)
    found, trivial = standings(searches, block.metric), trivial_score(searches)
    return Data(
        points=points,
        standings=found,
        metric=block.metric,
        algorithms=frames.algorithms,
        device=wording.device_label(cells["device_kind"]),
        dollars_per_minute=common_rate(cells),
        untuned=next((s.score.estimate for s in found if s.name == searches.untuned), None),
        trivial=None if np.isnan(trivial) else trivial,
    )


def draw(data: Data, figure: Figure) -> None:
    axes = figure.subplots()
    for at, dashes, text in ((data.untuned, "--", "untuned"), (data.trivial, ":", "constant answer")):
        if at is not None:
            axes.axhline(at, color=style.FAINT, linewidth=0.9, linestyle=dashes)
            axes.annotate(text, xy=(0.01, at), xycoords=("axes fraction", "data"), va="bottom", fontsize=7, color=style.FAINT)
    few = len(data.standings) < CROWD
    for s in data.standings:
        tint, mark = data.algorithms.color(s.name), data.algorithms.marker(s.name)
        own = data.points[data.points["algorithm"] == s.name]
        if len(own) > 1 and few:
            axes.scatter(own["minutes"], own["test"], s=9, color=tint, alpha=0.25, linewidths=0, marker=mark)
        minutes = [value / 60 for value in (s.seconds.low, s.seconds.estimate, s.seconds.high)]
        if len(s.scores) > 1:
            axes.plot([minutes[1]] * 2, [s.score.low, s.score.high], color=tint, linewidth=1.2)
            axes.plot([max(minutes[0], 1e-9), minutes[2]], [s.score.estimate] * 2, color=tint, linewidth=1.2)
        axes.scatter(
            minutes[1], s.score.estimate, s=42, facecolors=tint, marker=mark, zorder=3, edgecolors="white", linewidths=0.5
        )
    ends = [s.seconds.estimate / 60 for s in data.standings]
    ends += [s.seconds.high / 60 for s in data.standings if np.isfinite(s.seconds.high)]
    ends += list(data.points["minutes"]) if few else []
    least, most = min(ends), max(ends)
    if least > 0 and most > DECADE * least:
        axes.set_xscale("log")
    else:
        axes.set_xlim(0, 1.04 * most)
    axes.margins(y=0.1)
    middle = {s.name: s.seconds.estimate / 60 for s in data.standings}
    style.end_labels(axes, [(s.name, s.score.estimate, data.algorithms.color(s.name)) for s in data.standings], start=middle)
    top = "" if axes.get_xscale() == "log" or not data.dollars_per_minute else " (top: dollars)"
    axes.set_xlabel(f"charged {data.device}-minutes{top}")
    style.score_axis(axes, data.metric, f"test {data.metric}")
    if top:
        style.dollar_axis(axes, data.dollars_per_minute)
