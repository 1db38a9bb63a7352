"""The work of the searches: trials, epochs, device time, failures and selection optimism."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from tuneoff.report import wording
from tuneoff.report.cells import Block
from tuneoff.report.frames import LEDGER, Frames
from tuneoff.report.tables import results
from tuneoff.report.tables._shared import algorithm_groups, caption, cell_notes, mean_and_sd
from tuneoff.report.tables._table import Table

SECTION, RANK = "body", 50
_DETAILS = (
    *results.COLUMNS,
    "optimism",
    "trials",
    "evaluations",
    "epochs_trained",
    "busy_seconds",
    *LEDGER,
    "wall_seconds",
    "devices",
    "completed",
    "stopped",
    "failed",
    "diverged",
    "interrupted",
    "unended",
    "collapsed",
    "exploits",
)


def table(block: Block, frames: Frames) -> Table:
    """A row an algorithm: work, ledger, failures, selection optimism; means over repeats."""
    groups = algorithm_groups(frames.cells, frames.algorithms)
    metric, device = block.metric, wording.device_label(frames.cells["device_kind"])
    points = " points" if wording.is_share(metric) else ""
    makers: list[tuple[str, Callable[[pd.DataFrame], str]]] = [
        ("Trials", lambda g: wording.amount(list(g["trials"]))),
        ("Evaluations", lambda g: wording.amount(list(g["evaluations"]))),
        ("Epochs", lambda g: wording.amount(list(g["epochs_trained"]))),
        (f"Charged {device} min", lambda g: wording.minutes(list(g["charged_seconds"]))),
        ("Busy min", lambda g: wording.minutes(list(g["busy_seconds"]))),
        ("train/eval/test/save+load/start %", _shares),
        ("Stopped early", lambda g: _count(g, "stopped")),
        ("Failed", lambda g: _count(g, "failed")),
        ("Diverged", lambda g: _count(g, "diverged")),
        ("Collapsed", lambda g: _count(g, "collapsed")),
        ("Val − test" + points, lambda g: _optimism(g, metric)),
    ]
    rows = [(name, *(make(g) for _, make in makers)) for name, g in groups]
    notes = [
        "Busy: device time of the trials; charged: wall time x devices, idle included. Stopped, failed, diverged "
        "and collapsed (last evaluation gives every row the same answer) count trials over all repeats. "
        "Val − test of the incumbent is its selection optimism."
    ]
    return Table(
        title=f"{block.title}: what the searches did",
        caption=caption(block, frames.cells),
        columns=("Algorithm", *(name for name, _ in makers)),
        rows=tuple(rows),
        numbers=mean_and_sd(block, groups, _DETAILS),
        notes=tuple(notes + cell_notes(frames.cells, frames.algorithms)),
    )


def _shares(group: pd.DataFrame) -> str:
    total = float(group["busy_seconds"].sum())
    if total == 0:
        return "–"
    parts = {name: 100 * float(group[name].sum()) / total for name in LEDGER}
    shown = (
        parts["train_seconds"],
        parts["evaluate_seconds"],
        parts["test_seconds"],
        parts["save_seconds"] + parts["load_seconds"],
        parts["start_up_seconds"],
    )
    return " / ".join(f"{share:.0f}" for share in shown)


def _count(group: pd.DataFrame, column: str) -> str:
    return str(int(group[column].sum()))


def _optimism(group: pd.DataFrame, metric: str) -> str:
    return wording.score(list(group["optimism"]), metric).removesuffix(wording.unit_of(metric))
