"""The ledger: the charge of each search by purchase and by the outcome of the trials that it was spent on."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from tuneoff.price import format_dollars
from tuneoff.report import wording
from tuneoff.report.cells import Block
from tuneoff.report.frames import Frames
from tuneoff.report.ledger import BOUGHT, IDLE, NOBODY, OUTCOMES, SHARED
from tuneoff.report.tables._shared import caption
from tuneoff.report.tables._table import Table

SECTION, RANK = "body", 20
_MINUTE = 60e6


def table(block: Block, frames: Frames) -> Table | None:
    """A row an algorithm and outcome, a column a purchase, means over repeats in device-minutes; then totals.

    None without a finished cell that was charged. `numbers` has whole microseconds, summed over repeats.
    """
    done = frames.finished()
    book, cells = done.ledger, done.cells
    if book.empty:
        return None
    shown = [*BOUGHT, IDLE, *([SHARED] if (book["bought"] == SHARED).any() else [])]
    rows = [row for name in frames.algorithms.order(cells["algorithm"]) for row in _ledger_rows(name, book, cells, shown)]
    numbers = book.groupby(["algorithm", "bought", "outcome"])["microseconds"].sum().reset_index()
    numbers["repeats"] = numbers["algorithm"].map(cells.groupby("algorithm").size())
    device = wording.device_label(cells["device_kind"])
    notes = [
        f"Charged {device}-minutes, means over repeats: every row adds up, and the rows of an algorithm add up to its "
        "charge (charged = busy + idle). Exploited away: what a member of a population had done when it copied "
        "another one, unless its weights live on in a surviving line."
    ]
    if SHARED in shown:
        notes.append(
            "Shared: trials that share a device were busy for longer together than it was held; this much is "
            "counted twice, and taken off the total."
        )
    return Table(
        title=f"{block.title}: where the money went",
        caption=caption(block, cells),
        columns=("Algorithm", "Spent on trials that", *(s.capitalize() for s in shown), f"{device} min", "$"),
        rows=tuple(rows),
        numbers=numbers,
        notes=tuple(notes),
    )


_THAT = {
    "completed": "completed",
    "stopped": "were stopped early",
    "exploited away": "was exploited away",
    "diverged": "diverged",
    "failed": "failed",
    "interrupted": "were interrupted",
    "unended": "did not end",
    "repeated": "had to be repeated",
    NOBODY: "no trial (idle)",
}


def _ledger_rows(name: str, book: pd.DataFrame, cells: pd.DataFrame, shown: Sequence[str]) -> list[tuple[str, ...]]:
    own, repeats = book[book["algorithm"] == name], int((cells["algorithm"] == name).sum())
    rate = float(cells.loc[cells["algorithm"] == name, "per_device_hour_usd"].mean()) / 60
    made = own.pivot_table(index="outcome", columns="bought", values="microseconds", aggfunc="sum", fill_value=0)
    made = made.reindex(columns=list(shown), fill_value=0).reindex([o for o in (*OUTCOMES, NOBODY) if o in made.index])
    if SHARED in shown:
        made[SHARED] *= -1
    whole = pd.concat([made, made.sum().to_frame("total").T])
    rows: list[tuple[str, ...]] = []
    for outcome, row in whole.iterrows():
        minutes = float(row.sum()) / _MINUTE / repeats
        rows.append(
            (
                name if not rows else "",
                _THAT.get(str(outcome), "all together"),
                *(wording.amount([v / _MINUTE / repeats]) if v else "" for v in row),
                wording.amount([minutes]),
                format_dollars(minutes * rate),
            )
        )
    return rows
