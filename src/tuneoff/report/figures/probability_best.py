"""The probability that each search is the best choice, by budget.

Line: the probability that the search's incumbent has the highest mean test score at that budget, by a bootstrap over the
repeats, in pairs, smoothed over neighbouring budgets. No look-ahead. A line ends where the search's recorded spending does.
Dashed: 95 %, from where on the table of budgets says that one leads."""

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
from tuneoff.report.verdicts.best_by_budget import CERTAIN, BestByBudget, best_by_budget


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
        axes.axhline(CERTAIN, color=style.FAINT, linewidth=0.8, linestyle="--")
        ends = {}
        for name, chances in zip(choice.names, choice.smoothed.T, strict=True):
            known = np.flatnonzero(np.isfinite(chances))
            if len(known) == 0:
                continue
            axes.plot(choice.budget[known], chances[known], color=data.algorithms.color(name))
            ends[name] = (float(choice.budget[known[-1]]), float(chances[known[-1]]))
        axes.set_xlim(choice.budget[0], choice.budget[-1])
        axes.set_ylim(-0.02, 1.02)
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.set_ylabel("probability of\nbeing the best")
        axes.set_xlabel(names[choice.unit])
        style.end_labels(
            axes,
            [(name, y, data.algorithms.color(name)) for name, (_, y) in ends.items()],
            start={name: x for name, (x, _) in ends.items()},
        )
        if choice.unit == "minutes":
            style.dollar_axis(axes, data.dollars_per_minute)
