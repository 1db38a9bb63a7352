"""Where the money went: each search's charge, by what the devices did.

Means over repeats, in charged device-minutes. Idle is what was charged and not busy. Where trials share a device they
can be busy for longer than was charged: then there is no idle share, and the bar is longer than the charge (tick).
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from tuneoff.report import style, wording
from tuneoff.report.figures._shared import common_rate
from tuneoff.report.frames import LEDGER, Frames
from tuneoff.report.reading import Block

IDLE, LOST = "idle", "lost"
PARTS = {"train_seconds": "train", "evaluate_seconds": "evaluate", "test_seconds": "test", "save_seconds": "save",
         "load_seconds": "load", "start_up_seconds": "start up"}
_COLOURS = {"train": "#3d4f66", "evaluate": "#8fa6c4", "test": "#a3c293", "save": "#d3b26f", "load": "#8a6d1d",
            "start up": "#b9a3cf", IDLE: "#e4e4e4"}
"""Muted, as the full colours stand for algorithms everywhere."""


@dataclass(frozen=True, kw_only=True)
class Data:
    """minutes: index algorithm; columns the parts and idle, charged, lost (in failed and diverged trials)."""

    minutes: pd.DataFrame
    device: str
    dollars_per_minute: float | None


def data(block: Block, frames: Frames) -> Data | None:  # noqa: ARG001 - every figure takes its block
    done = frames.finished()
    if done.cells.empty or not (done.cells["busy_seconds"] > 0).any():
        return None
    table = done.cells.groupby("algorithm")[[*LEDGER, "charged_seconds", "busy_seconds"]].mean() / 60
    table = table.rename(columns=PARTS).loc[wording.order(done.cells["algorithm"])]
    table[IDLE] = (table["charged_seconds"] - table["busy_seconds"]).clip(lower=0)
    bad = done.trials[done.trials["status"].isin(["failed", "diverged"])]
    repeats = done.cells.groupby("algorithm").size()
    table[LOST] = (bad.groupby("algorithm")["busy_seconds"].sum() / 60 / repeats).reindex(table.index).fillna(0.0)
    return Data(minutes=table.rename(columns={"charged_seconds": "charged"}).drop(columns="busy_seconds"),
                device=wording.device_label(done.cells["device_kind"]), dollars_per_minute=common_rate(done.cells))


def draw(data: Data, figure: Figure) -> None:
    table = data.minutes
    figure.set_size_inches(style.COLUMN_INCHES, 1.35 + 0.34 * len(table))
    axes = figure.subplots()
    left = pd.Series(0.0, index=table.index)
    rows = range(len(table))
    for part, tint in _COLOURS.items():
        if (table[part] > 0.002 * table["charged"]).any():
            axes.barh(rows, table[part], left=left, color=tint, height=0.62, label=part)
        left = left + table[part]
    axes.scatter(table["charged"], rows, marker="|", s=150, color=style.INK, linewidths=1.2)
    for row, (lost, end) in enumerate(zip(table[LOST], left, strict=True)):
        if lost > 0:
            axes.annotate(f"{wording.amount([lost])} min in failed trials", (end, row), (4, 0), fontsize=7, va="center",
                          textcoords="offset points", annotation_clip=False)
    axes.set_yticks(rows, list(table.index))
    axes.set_ylim(len(table) - 0.5, -0.5)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(f"{data.device}-minutes (mark: charged" + ("; top: dollars)" if data.dollars_per_minute else ")"))
    style.dollar_axis(axes, data.dollars_per_minute)
    parts = len(axes.get_legend_handles_labels()[0])
    figure.legend(loc="outside lower center", ncols=parts if parts < 6 else 4, frameon=False, fontsize=7,
                  handlelength=1.0)
