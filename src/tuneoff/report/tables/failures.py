"""The trials that went wrong, by fault and reason."""

from __future__ import annotations

from collections import Counter

import pandas as pd

from tuneoff.report import wording
from tuneoff.report.cells import Block
from tuneoff.report.frames import Frames, faulty_trials
from tuneoff.report.tables._shared import caption
from tuneoff.report.tables._table import Table

SECTION, RANK = "body", 40


def table(block: Block, frames: Frames) -> Table | None:
    """A row an algorithm, fault and reason; every repeat counted, finished or not. None where nothing went wrong."""
    bad = faulty_trials(frames.trials)
    if bad.empty:
        return None
    names, rows, numbers = frames.algorithms.order(bad["algorithm"]), [], []
    texts = bad[["algorithm", "fault", "reason"]].fillna("").astype(str).itertuples(index=False, name=None)
    faults = Counter((str(name), str(fault), str(reason)) for name, fault, reason in texts)
    for (name, fault, reason), n in sorted(faults.items(), key=lambda item: (names.index(item[0][0]), -item[1], item[0])):
        own = bad[(bad["algorithm"] == name) & (bad["fault"] == fault) & (bad["reason"].fillna("") == reason)]
        where = own.iloc[0]
        total = int((frames.trials["algorithm"] == name).sum())
        seconds = float(own["busy_seconds"].sum())
        first = f"repeat {where['repeat']}, {where['trial_id']}"
        rows.append((name, fault, reason or "–", f"{n} of {total}", wording.minutes([seconds]), first))
        numbers.append(
            {
                "algorithm": name,
                "fault": fault,
                "reason": reason,
                "trials": n,
                "of_trials": total,
                "busy_seconds": seconds,
                "first": first,
            }
        )
    device = wording.device_label(frames.cells["device_kind"])
    note = (
        "All repeats together, unfinished ones too. Collapsed: the trial ran, but its last evaluation predicts one "
        "class only. A diverged or failed trial has no score from there on, and none is invented; tracebacks are in "
        "the cell's folder errors/."
    )
    return Table(
        title=f"{block.title}: what went wrong",
        caption=caption(block, frames.cells),
        columns=("Algorithm", "Fault", "Reason", "Trials", f"{device} min", "First seen"),
        rows=tuple(rows),
        numbers=pd.DataFrame(numbers),
        notes=(note,),
    )
