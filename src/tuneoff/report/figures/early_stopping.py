"""Early stopping: the learning curves of trials, where they were cut, and the winner's score.

The first finished repeat of each search that stopped trials. Solid: ran to the end; faint with a cross: stopped early;
plus: failed or diverged there; dashed: where a stopped trial went on after the search, for the audit; dotted: the winner's
score. The title has the share that stopping saved over all repeats, and how many trials would have beaten their search's winner
had they gone on: measured where there is an audit, else an estimate (see the table: it can't be known without completing them).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from tuneoff.records.schema import DIVERGED, FAILED
from tuneoff.report import wording
from tuneoff.report.algorithms import Algorithms
from tuneoff.report.cells import Block
from tuneoff.report.figures import _style as style
from tuneoff.report.figures._shared import first_repeats
from tuneoff.report.frames import Frames, of_cell
from tuneoff.report.verdicts.stopping_audit import Audit, audits, stopped_trials

MOST_PANELS = 4


@dataclass(frozen=True, kw_only=True)
class Data:
    """curves: by algorithm, a row an evaluation of one cell: trial_id, epoch, validation, stopped, broken. later: the same of
    its audit, from each trial's last evaluation in the search on: trial_id, epoch, validation."""

    curves: dict[str, pd.DataFrame]
    later: dict[str, pd.DataFrame]
    audits: dict[str, Audit]
    metric: str
    algorithms: Algorithms


def data(block: Block, frames: Frames) -> Data | None:
    done = frames.finished()
    made = {a.algorithm: a for a in audits(done)[:MOST_PANELS]}
    if not made:
        return None
    cut, curves, later = stopped_trials(done), {}, {}
    for name, cell in first_repeats(done).items():
        if name in made:
            own = of_cell(done.evaluations, cell)
            stopped = own["trial_id"].isin(cut.loc[cut["cell"] == cell, "trial_id"])
            ended = of_cell(done.trials, cell).set_index("trial_id")["status"]
            broken = own["trial_id"].map(ended).isin((FAILED, DIVERGED))
            curves[name] = own[["trial_id", "epoch", "validation"]].assign(stopped=stopped, broken=broken)
            gone_on = of_cell(done.audited, cell)[["trial_id", "epoch", "validation"]].dropna()
            there = own[own["trial_id"].isin(gone_on["trial_id"])].groupby("trial_id")[["epoch", "validation"]].last()
            later[name] = pd.concat([there.reset_index(), gone_on]) if len(gone_on) else gone_on
    return Data(curves=curves, later=later, audits=made, metric=block.metric, algorithms=frames.algorithms)


def draw(data: Data, figure: Figure) -> None:
    figure.set_size_inches(style.COLUMN_INCHES, 0.3 + 1.95 * len(data.curves))
    panels = figure.subplots(len(data.curves), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (name, curves) in zip(panels, data.curves.items(), strict=True):
        _panel(axes, curves, data.later[name], data.algorithms.color(name))
        style.score_axis(axes, data.metric, f"validation {wording.short_metric(data.metric)}")
        axes.set_title(_title(name, data.audits[name]), fontsize=7.5, color=data.algorithms.color(name))
    panels[-1].set_xlabel("epoch")
    looks: dict[str, dict[str, Any]] = {
        "a trial": {"linewidth": 0.9},
        "stopped early": {"linestyle": "", "marker": "x"},
        "failed or diverged": {"linestyle": "", "marker": "P", "markeredgewidth": 0},
        "went on afterwards": {"linewidth": 0.9, "linestyle": "--"},
        "the winner's score": {"linewidth": 0.8, "linestyle": ":"},
    }
    if not any(curves["broken"].any() for curves in data.curves.values()):
        del looks["failed or diverged"]
    if not any(len(later) for later in data.later.values()):
        del looks["went on afterwards"]
    handles = [Line2D([], [], **{"color": style.INK, "markersize": 5, **look}) for look in looks.values()]
    figure.legend(handles, list(looks), loc="outside lower center", ncols=4, frameon=False, fontsize=7, handlelength=1.4)


def _title(name: str, audit: Audit) -> str:
    share = audit.seconds_saved / (audit.seconds_saved + audit.seconds_busy)
    return f"{name}: {audit.stopped} of {audit.trials} trials stopped, {100 * share:.0f} % saved{_wrongly(audit)}"


def _wrongly(audit: Audit) -> str:
    measured = audit.measured_wrongly
    if audit.audited and audit.audited_stopped == audit.stopped:
        return f"; {measured.estimate:.1f} wrongly [{measured.low:.1f}, {measured.high:.1f}]"
    return "" if np.isnan(audit.wrongly_stopped) else f"; {audit.wrongly_stopped:.1f} wrongly (estimate)"


def _panel(axes: Axes, curves: pd.DataFrame, later: pd.DataFrame, tint: str) -> None:
    lines = [own[["epoch", "validation"]].to_numpy(float) for _, own in later.groupby("trial_id")]
    axes.add_collection(LineCollection(lines, colors=tint, linewidths=0.9, alpha=0.7, linestyles="--"), autolim=True)
    for (stopped, broken), part in curves.groupby(["stopped", "broken"]):
        lines = [own[["epoch", "validation"]].to_numpy(float) for _, own in part.groupby("trial_id")]
        axes.add_collection(LineCollection(lines, colors=tint, linewidths=0.9, alpha=0.45 if stopped else 0.95), autolim=True)
        ends = np.array([line[-1] for line in lines if stopped or broken or len(line) == 1]).reshape(-1, 2)
        axes.plot(
            ends[:, 0],
            ends[:, 1],
            color=tint,
            linestyle="",
            markersize=5,
            markeredgewidth=1.0 if stopped else 0,
            marker="x" if stopped else "P" if broken else ".",
        )
    axes.autoscale_view()
    axes.axhline(curves["validation"].max(), color=style.INK, linewidth=0.8, linestyle=":")
    epochs = pd.concat([curves["epoch"], later["epoch"].astype(float)])
    if (epochs % 1 == 0).all() and epochs.max() <= 12:
        axes.set_xticks(sorted(epochs.unique()))
