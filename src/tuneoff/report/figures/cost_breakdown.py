"""Where the money went: each search's charge, by purchase and by the outcome of the trials.

Upper bar: by purchase. Lower, thinner bar: the same time by the outcome of the trial that it was spent on.
Means over repeats, in charged device-minutes; both bars end at the charge (mark), unless trials that share a device
were busy for longer together than it was held.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tuneoff.report import wording
from tuneoff.report.cells import Block
from tuneoff.report.figures import _style as style
from tuneoff.report.figures._shared import common_rate
from tuneoff.report.frames import Frames
from tuneoff.report.ledger import BOUGHT, EXPLOITED, IDLE, NOBODY, OUTCOMES, REPEATED, SHARED, UNENDED

_BOUGHT = dict(zip((*BOUGHT, IDLE), ("#b9a3cf", "#3d4f66", "#8fa6c4", "#a3c293", "#c9a04e", "#e8e8e8"), strict=True))
_OUTCOMES = {
    "completed": "#5b8c6e",
    "stopped": "#b9d4bf",
    EXPLOITED: "#d9a88f",
    REPEATED: "#c4c08a",
    "diverged": "#b5594f",
    "failed": "#8c1d18",
    "interrupted": "#7d7d7d",
    UNENDED: "#a8a8a8",
    NOBODY: "#e8e8e8",
}
"""Muted, as the full colours stand for algorithms everywhere."""
_SHORTEST_SHARE = 0.002


@dataclass(frozen=True, kw_only=True)
class Data:
    """bought, outcomes: index algorithm, device-minutes by column; either sums to charged + shared."""

    bought: pd.DataFrame
    outcomes: pd.DataFrame
    charged: pd.Series
    device: str
    dollars_per_minute: float | None


def data(block: Block, frames: Frames) -> Data | None:  # noqa: ARG001 - every figure takes its block
    done = frames.finished()
    book, names = done.ledger, frames.algorithms.order(done.cells["algorithm"])
    if not book["bought"].isin(list(BOUGHT)).any():
        return None
    repeats = done.cells.groupby("algorithm").size()

    def minutes(column: str, part: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
        table = part.pivot_table(index="algorithm", columns=column, values="microseconds", aggfunc="sum", fill_value=0)
        table = table.reindex(index=names, columns=columns, fill_value=0)
        return table.div(repeats.reindex(names) * 60e6, axis=0)

    real = book[book["bought"] != SHARED]
    bought = minutes("bought", real, list(_BOUGHT))
    shared = minutes("bought", book, [SHARED])[SHARED]
    return Data(
        bought=bought,
        outcomes=minutes("outcome", real, [*OUTCOMES, NOBODY]),
        charged=bought.sum(axis=1) - shared,
        device=wording.device_label(done.cells["device_kind"]),
        dollars_per_minute=common_rate(done.cells),
    )


def draw(data: Data, figure: Figure) -> None:
    rows = len(data.bought)
    figure.set_size_inches(style.COLUMN_INCHES, 1.75 + 0.44 * rows)
    axes = figure.subplots()
    _bars(axes, data.bought, _BOUGHT, offset=-0.12, height=0.42)
    _bars(axes, data.outcomes, _OUTCOMES, offset=0.23, height=0.2)
    axes.scatter(data.charged, range(rows), marker="|", s=230, color=style.INK, linewidths=1.2)
    axes.set_yticks(range(rows), list(data.bought.index))
    axes.set_ylim(rows - 0.5, -0.5)
    axes.set_xlim(left=0)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(f"{data.device}-minutes (mark: charged" + ("; top: dollars)" if data.dollars_per_minute else ")"))
    style.dollar_axis(axes, data.dollars_per_minute)
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=4, frameon=False, fontsize=7, handlelength=1.0, columnspacing=1.2
    )


def _bars(axes: Axes, table: pd.DataFrame, tints: Mapping[str, str], *, offset: float, height: float) -> None:
    left, total = pd.Series(0.0, index=table.index), table.sum(axis=1)
    at = [i + offset for i in range(len(table))]
    for part, tint in tints.items():
        if (table[part] > _SHORTEST_SHARE * total).any():
            axes.barh(at, table[part], left=left, color=tint, height=height, label=None if part == NOBODY else part)
        left = left + table[part]
