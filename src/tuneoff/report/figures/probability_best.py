"""The probability that each search is the best choice, by budget.

Height of a band: the probability that the search's incumbent has the highest mean test score at that budget, by a
bootstrap over the repeats, in pairs. Bands add up to one. No look-ahead. Dotted: from there on a search is
missing, as its recorded spending ends; the others share what is left.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from tuneoff.report import wording
from tuneoff.report.algorithms import Algorithms
from tuneoff.report.cells import Block
from tuneoff.report.figures import _style as style
from tuneoff.report.figures._shared import common_rate
from tuneoff.report.frames import Frames
from tuneoff.report.verdicts.best_by_budget import BestByBudget, best_by_budget

NARROW = 0.08
"""Lower bands have no name at the edge; inside, those have one that grow to twice this."""


@dataclass(frozen=True, kw_only=True)
class Data:
    """dollars_per_minute: None where the cells differ in it."""

    choices: tuple[BestByBudget, ...]
    device: str
    dollars_per_minute: float | None
    algorithms: Algorithms


def data(block: Block, frames: Frames) -> Data | None:
    choices = tuple(c for c in (best_by_budget(frames, unit, block.metric) for unit in ("epochs", "minutes")) if c is not None)
    if not choices:
        return None
    return Data(
        choices=choices,
        device=wording.device_label(frames.cells["device_kind"]),
        dollars_per_minute=common_rate(frames.finished().cells),
        algorithms=frames.algorithms,
    )


def draw(data: Data, figure: Figure) -> None:
    names = {"epochs": "budget in epochs", "minutes": f"budget in {data.device}-minutes"}
    figure.set_size_inches(style.COLUMN_INCHES, 0.3 + 2.1 * len(data.choices))
    grid = figure.subplots(len(data.choices), 1, squeeze=False)[:, 0]
    for axes, choice in zip(grid, data.choices, strict=True):
        chances = np.nan_to_num(choice.best).T
        axes.stackplot(
            choice.budget,
            chances,
            colors=[data.algorithms.color(n) for n in choice.names],
            linewidth=0.4,
            edgecolor="white",
            alpha=0.85,
        )
        axes.set_xlim(choice.budget[0], choice.budget[-1])
        axes.set_ylim(0, 1)
        axes.grid(visible=False)
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.set_ylabel("probability of\nbeing the best")
        axes.set_xlabel(names[choice.unit])
        ends = chances[:, -1]
        middles = np.cumsum(ends) - ends / 2
        style.end_labels(
            axes,
            [
                (name, float(middle), data.algorithms.color(name))
                for name, middle, end in zip(choice.names, middles, ends, strict=True)
                if end >= NARROW
            ],
        )
        for name, band, top in zip(choice.names, chances, np.cumsum(chances, axis=0), strict=True):
            widest = int(band.argmax())
            if band[-1] < NARROW and band[widest] >= 2 * NARROW:
                left = widest < len(band) / 2
                axes.annotate(
                    name,
                    (choice.budget[widest], top[widest] - band[widest] / 2),
                    (4 if left else -4, 0),
                    fontsize=7,
                    textcoords="offset points",
                    color="white",
                    ha="left" if left else "right",
                    va="center",
                )
        axes.set_ylim(0, 1)
        for edge in np.flatnonzero(np.diff(np.isfinite(choice.best).sum(axis=1)) < 0):
            axes.axvline(choice.budget[edge + 1], color=style.INK, linewidth=0.8, linestyle=":")
        if choice.unit == "minutes":
            style.dollar_axis(axes, data.dollars_per_minute)
