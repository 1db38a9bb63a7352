"""Test scores, the best first.

Mark and bar: mean over repeats with its 95 % interval, for repeats and test rows both. Faint: single repeats. Shaded: within
the margin of the best. Dashed: the untuned default. Dotted: the best constant answer. Bold: the
search that is recommended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from tuneoff.report import wording
from tuneoff.report.algorithms import Algorithms
from tuneoff.report.cells import Block
from tuneoff.report.curves import Searches
from tuneoff.report.figures import _style as style
from tuneoff.report.frames import Frames
from tuneoff.report.verdicts.recommendation import recommend, rule_of
from tuneoff.report.verdicts.standing import Standing, standings, trivial_score


@dataclass(frozen=True, kw_only=True)
class Data:
    """standings: the highest mean first. untuned: the default's mean, trivial: the best constant answer's; None if unknown."""

    standings: list[Standing]
    metric: str
    algorithms: Algorithms
    untuned: float | None
    trivial: float | None
    margin: float
    recommended: str | None


def data(block: Block, frames: Frames) -> Data | None:
    searches = Searches.of(frames)
    found = standings(searches, block.metric)
    if not found:
        return None
    trivial, rule = trivial_score(searches), rule_of(frames, block.metric)
    made = recommend(searches, block.metric, rule)
    return Data(
        standings=found,
        metric=block.metric,
        algorithms=frames.algorithms,
        untuned=next((s.score.estimate for s in found if s.name == searches.untuned), None),
        trivial=None if np.isnan(trivial) else trivial,
        margin=rule.margin,
        recommended=made.name if made is not None and not made.missing else None,
    )


def draw(data: Data, figure: Figure) -> None:
    figure.set_size_inches(style.COLUMN_INCHES, 0.9 + 0.3 * max(4, len(data.standings)))
    axes = figure.subplots()
    best = data.standings[0].score.estimate
    axes.axvspan(best - data.margin, best, color="#dfe9f3", linewidth=0)
    lines = ((data.untuned, "--", "untuned"), (data.trivial, ":", "constant answer"))
    for at, dashes, _ in lines:
        if at is not None:
            axes.axvline(at, color=style.FAINT, linewidth=0.9, linestyle=dashes)
    for row, s in enumerate(data.standings):
        tint = data.algorithms.color(s.name)
        if len(s.scores) > 1:
            axes.scatter(s.scores, [row] * len(s.scores), s=9, color=tint, alpha=0.3, linewidths=0)
            axes.plot([s.score.low, s.score.high], [row, row], color=tint, linewidth=1.8)
        axes.plot(s.score.estimate, row, marker=data.algorithms.marker(s.name), color=tint, markersize=5.5)
        axes.annotate(
            wording.score([s.score.estimate], data.metric),
            xy=(1.02, row),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=7.5,
        )
    axes.set_yticks(range(len(data.standings)), [s.name for s in data.standings])
    for label in axes.get_yticklabels():
        label.set_fontweight("bold" if label.get_text() == data.recommended else "normal")
    axes.set_ylim(len(data.standings) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    _name_lines(axes, [(at, text) for at, _, text in lines if at is not None])
    factor, unit = wording.scale_of(data.metric), wording.unit_of(data.metric)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v * factor:.4g}{unit}"))
    axes.set_xlabel(f"test {data.metric}")


def _name_lines(axes: Axes, known: Sequence[tuple[float, str]]) -> None:
    """Names above the axes, pushed apart where the lines are close."""
    low, high = axes.get_xlim()
    places = style.spread_apart([at for at, _ in known], 0.24 * (high - low))
    for place, (_, text) in zip(places, known, strict=True):
        axes.annotate(
            text,
            xy=(place, 1.01),
            xycoords=("data", "axes fraction"),
            ha="center",
            va="bottom",
            fontsize=7,
            color=style.FAINT,
            annotation_clip=False,
        )
