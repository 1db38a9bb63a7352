"""Outcomes of the trials: completed, stopped early, collapsed to one answer, diverged, failed.

All trials of a search, over all repeats, unfinished ones too. Drawn where at least one trial went wrong; the reasons
are in the table.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from tuneoff.report.cells import Block
from tuneoff.report.figures import _style as style
from tuneoff.report.frames import Frames, faulty_trials

_TINTS = {
    "completed": "#5b8c6e",
    "stopped": "#b9d4bf",
    "unended": "#d0d0d0",
    "interrupted": "#7d7d7d",
    "collapsed": "#e0b33c",
    "diverged": "#b5594f",
    "failed": "#6d1511",
}
_HATCH = {"collapsed": "///", "failed": "xxx"}


@dataclass(frozen=True, kw_only=True)
class Data:
    """counts: index algorithm, a column an outcome."""

    counts: pd.DataFrame


def data(block: Block, frames: Frames) -> Data | None:  # noqa: ARG001 - every figure takes its block
    bad = faulty_trials(frames.trials)
    if bad.empty:
        return None
    outcome = bad["fault"].reindex(frames.trials.index).fillna(frames.trials["status"])
    counts = pd.crosstab(frames.trials["algorithm"], outcome)
    return Data(counts=counts.reindex(index=frames.algorithms.order(counts.index), columns=list(_TINTS), fill_value=0))


def draw(data: Data, figure: Figure) -> None:
    counts = data.counts
    figure.set_size_inches(style.COLUMN_INCHES, 1.2 + 0.28 * len(counts))
    axes = figure.subplots()
    left, rows = pd.Series(0, index=counts.index), range(len(counts))
    for outcome, tint in _TINTS.items():
        if counts[outcome].any():
            axes.barh(
                rows,
                counts[outcome],
                left=left,
                color=tint,
                height=0.62,
                label=outcome,
                hatch=_HATCH.get(outcome),
                edgecolor="white",
                linewidth=0.4,
            )
        left = left + counts[outcome]
    for row, end in enumerate(left):
        wrong = int(counts.iloc[row][["interrupted", "collapsed", "diverged", "failed"]].sum())
        if wrong:
            axes.annotate(f"{wrong} of {end}", (end, row), (4, 0), textcoords="offset points", va="center", fontsize=7)
    axes.set_yticks(rows, list(counts.index))
    axes.set_ylim(len(counts) - 0.5, -0.5)
    axes.set_xlim(0, 1.12 * left.max())
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("trials, all repeats (beside the bar: those that went wrong)")
    figure.legend(loc="outside lower center", ncols=4, frameon=False, fontsize=7, handlelength=1.0)
