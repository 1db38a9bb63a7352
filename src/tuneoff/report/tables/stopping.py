"""The early-stopping audit: the cost that was saved, and the score that was lost, estimated or measured."""

from __future__ import annotations

from math import isnan

import pandas as pd

from tuneoff.price import format_dollars
from tuneoff.report import wording
from tuneoff.report.cells import Block
from tuneoff.report.frames import Frames
from tuneoff.report.tables._shared import caption
from tuneoff.report.tables._table import Table
from tuneoff.report.verdicts.stopping_audit import NEIGHBOURS, Audit, audits

SECTION, RANK = "body", 30


def table(block: Block, frames: Frames) -> Table | None:
    """A row an algorithm that stopped trials early; None where none did."""
    made = audits(frames)
    if not made:
        return None
    device = wording.device_label(frames.cells["device_kind"])
    measured = any(a.audited for a in made)
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
            *(_measured(a, block.metric) if measured else ()),
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
    if measured:
        notes.append(_how_measured(frames, device, made))
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
            *(("Completed for this", "Wrongly stopped", "Regret") if measured else ()),
        ),
        rows=tuple(rows),
        numbers=pd.DataFrame([a.numbers() for a in made]),
        notes=tuple(notes),
    )


def _measured(audit: Audit, metric: str) -> tuple[str, str, str]:
    """Trials that went on after the search, and what they say, with intervals."""
    if not audit.audited:
        return "none", "-", "-"
    wrongly, regret = audit.measured_wrongly, audit.measured_regret
    unit = wording.score([regret.estimate], metric)
    high = "?" if isnan(regret.high) else wording.score([regret.high], metric)
    return (
        f"{audit.audited} of {audit.audited_stopped}",
        f"{wording.amount([wrongly.estimate])} [{wording.amount([wrongly.low])}, {wording.amount([wrongly.high])}]",
        f"{unit} [{wording.score([regret.low], metric)}, {high}]",
    )


def _how_measured(frames: Frames, device: str, made: list[Audit]) -> str:
    logs = frames.audited.drop_duplicates("cell")
    cost = f"{wording.minutes([logs['log_charged_seconds'].sum()])} {device}-min, ${format_dollars(logs['log_dollars'].sum())}"
    unknown = any(isnan(a.measured_regret.high) for a in made if a.audited)
    return (
        "Completed for this: stopped trials, drawn at random (audit=SHARE), that went on to their end after the search, at a "
        f"cost of their own ({cost}), which no search is charged. Wrongly stopped and regret are measured on them, for all "
        "stopped trials of the audited searches, by inverse probability weights; in brackets 95 % intervals, for which trials "
        "were drawn. Without stopping a search under a budget would have started fewer trials: that is not in it."
        + (" ?: none of them beat its search's winner, so they don't say by how much another one might." if unknown else "")
    )
