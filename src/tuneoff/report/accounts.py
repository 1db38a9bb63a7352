"""Tables behind the first one: the ledger and the failures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pandas as pd

from tuneoff.price import format_dollars
from tuneoff.report import wording
from tuneoff.report.frames import Frames
from tuneoff.report.reading import Block
from tuneoff.report.spending import BOUGHT, IDLE, NOBODY, OUTCOMES, SHARED
from tuneoff.report.table import Table, caption

_MINUTE = 60e6


def ledger_table(block: Block, frames: Frames) -> Table | None:
    """A row an algorithm and outcome, a column a purchase, means over repeats in device-minutes; then totals.

    None without a finished cell that was charged. `numbers` has whole microseconds, summed over repeats.
    """
    done = frames.finished()
    book, cells = done.ledger, done.cells
    if book.empty:
        return None
    shown = [*BOUGHT, IDLE, *([SHARED] if (book["bought"] == SHARED).any() else [])]
    rows = [row for name in wording.order(cells["algorithm"]) for row in _ledger_rows(name, book, cells, shown)]
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
        title=f"{block.task} with {block.model}: where the money went",
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


def failures_table(block: Block, frames: Frames) -> Table | None:
    """A row an algorithm, fate and reason; every repeat counted, finished or not. None where nothing went wrong."""
    bad = wrong_trials(frames.trials)
    if bad.empty:
        return None
    names, rows, numbers = wording.order(bad["algorithm"]), [], []
    texts = bad[["algorithm", "fate", "reason"]].fillna("").astype(str).itertuples(index=False, name=None)
    fates = Counter((str(name), str(fate), str(reason)) for name, fate, reason in texts)
    for (name, fate, reason), n in sorted(fates.items(), key=lambda f: (names.index(f[0][0]), -f[1], f[0])):
        own = bad[(bad["algorithm"] == name) & (bad["fate"] == fate) & (bad["reason"].fillna("") == reason)]
        where = own.iloc[0]
        total = int((frames.trials["algorithm"] == name).sum())
        seconds = float(own["busy_seconds"].sum())
        first = f"repeat {where['repeat']}, {where['trial_id']}"
        rows.append((name, fate, reason or "–", f"{n} of {total}", wording.minutes([seconds]), first))
        numbers.append(
            {
                "algorithm": name,
                "fate": fate,
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
        title=f"{block.task} with {block.model}: what went wrong",
        caption=caption(block, frames.cells),
        columns=("Algorithm", "Fate", "Reason", "Trials", f"{device} min", "First seen"),
        rows=tuple(rows),
        numbers=pd.DataFrame(numbers),
        notes=(note,),
    )


WRONG = ("diverged", "failed", "interrupted")


def wrong_trials(trials: pd.DataFrame) -> pd.DataFrame:
    """The trials that went wrong, with `fate`: the status where it is one of WRONG, or `collapsed`."""
    if trials.empty:
        return trials.assign(fate=None)
    fate = trials["status"].where(trials["status"].isin(WRONG))
    fate = fate.where(fate.notna() | ~trials["collapsed"].astype(bool), "collapsed")
    return trials.assign(fate=fate)[fate.notna()]
