"""The early-stopping audit: the cost that was saved, and an estimate of the score that was lost."""

from __future__ import annotations

import pandas as pd

from tuneoff.report import wording
from tuneoff.report.cells import Block
from tuneoff.report.frames import Frames
from tuneoff.report.tables._shared import caption
from tuneoff.report.tables._table import Table
from tuneoff.report.verdicts.stopping_audit import NEIGHBOURS, audits

SECTION, RANK = "body", 30


def table(block: Block, frames: Frames) -> Table | None:
    """A row an algorithm that stopped trials early; None where none did."""
    made = audits(frames)
    if not made:
        return None
    device = wording.device_label(frames.cells["device_kind"])
    rows = [
        (
            a.algorithm,
            f"{a.stopped} of {a.trials}",
            wording.amount([a.epochs_saved]),
            wording.minutes([a.seconds_saved]),
            f"{100 * a.seconds_saved / (a.seconds_saved + a.seconds_busy):.0f} %",
            wording.amount([a.wrongly_stopped]),
            wording.score([a.regret], block.metric),
            str(a.reference),
        )
        for a in made
    ]
    notes = [
        "Saved: the epochs that stopped trials had left, at each one's own pace, over all repeats together; the share "
        "is of what running all to the end would have kept devices busy for. Which trials were stopped wrongly can't "
        "be known without completing them. The estimate lends each stopped trial the later gains of the "
        f"{NEIGHBOURS} completed trials closest to its score at the same epoch: the expected number that would have "
        "beaten their search's winner on validation, and the expected loss of the winner's validation score a repeat."
    ]
    if any(a.survivors_only and a.reference for a in made):
        notes.append(
            "The completed trials come from searches that stop early themselves: they are survivors, and their "
            "gains say more about the better trials than about those that were stopped."
        )
    return Table(
        title=f"{block.title}: what stopping early saved",
        caption=caption(block, frames.cells),
        columns=(
            "Algorithm",
            "Stopped",
            "Epochs saved",
            f"{device} min saved",
            "Share",
            "Wrongly stopped (est.)",
            "Regret (est.)",
            "Completed trials",
        ),
        rows=tuple(rows),
        numbers=pd.DataFrame([vars(a) for a in made]),
        notes=tuple(notes),
    )
