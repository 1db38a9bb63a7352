"""The summary that a search prints at its end: the same numbers as the table, from the same records."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from tuneoff.algorithms.presentation import RECORDING
from tuneoff.price import format_dollars
from tuneoff.records.charge import charged_seconds
from tuneoff.records.remote.address import shown
from tuneoff.records.schema import STOPPED, STOPPED_EARLY, Cell
from tuneoff.records.store import MODEL_FOLDER, load_cell
from tuneoff.records.winner import short, winner_of
from tuneoff.report.algorithms import declared_presentation
from tuneoff.report.cells import read_audits
from tuneoff.report.frames import build_frames
from tuneoff.report.verdicts.stopping_audit import audits
from tuneoff.report.wording import counted, device_label, minutes, score
from tuneoff.task.cautions import recorded_cautions


def cell_summary(folder: Path) -> str:
    """Plain text, a few lines."""
    cell = load_cell(folder)
    row = build_frames([cell]).cells.iloc[0]
    metric, kind = cell.header.metric, device_label([row["device_kind"]])
    ended = ", ".join(f"{row[s]} {s}" for s in ("completed", "stopped", "diverged", "failed") if row[s])
    collapsed = f", {row['collapsed']} collapsed to one answer" if row["collapsed"] else ""
    lines = [
        f"{row['algorithm']} on {row['task']} with {row['model']}, repeat {row['repeat']}, protocol {row['protocol']}",
        f"  best validation {metric}  {score([row['validation']], metric)}  ({row['n_validation']} examples, trial "
        f"{row['incumbent_trial']})",
        f"  its test {metric}         {score([row['test']], metric)}  ({row['n_test']} examples)",
        f"  {counted(int(row['trials']), 'trial')}: {ended}{collapsed}; {row['epochs_trained']:.1f} epochs trained",
        f"  {minutes([row['charged_seconds']])} {kind}-minutes charged ({counted(int(row['devices']), kind)} held for "
        f"{row['wall_seconds']:.0f} s), {minutes([row['busy_seconds']])} of them busy",
        f"  ${format_dollars(row['dollars'])} at ${row['per_device_hour_usd']:g} per {kind}-hour (price={row['price']})",
        *_predicted(cell, row, kind),
        *(f"  note: {caution}" for caution in recorded_cautions(cell.header.data)),
        *_audited(cell, metric, kind),
        *_winner(cell),
        f"  records: {folder}",
        f"  {_next_command(cell, folder)}",
    ]
    return "\n".join(lines)


def _audited(cell: Cell, metric: str, kind: str) -> list[str]:
    """The stopped trials that went on after the search, where some did."""
    log = read_audits([cell])
    if not log:
        return []
    row = next(iter(audits(build_frames([cell], audits=log))), None)
    if row is None or not row.audited:
        stopped = sum(end.status == STOPPED and end.reason == STOPPED_EARLY for end in cell.trial_ends)
        said = f"of {counted(stopped, 'stopped trial')} none was drawn" if stopped else "no trial was stopped early"
        return [f"  audit of early stopping: {said}"]
    (audit,) = log.values()
    won, most = row.measured_wrongly, row.measured_regret
    lost = f", the best by {score([most.low], metric)}" if most.low > 0 else ""
    return [
        f"  audit of early stopping: {row.audited} of {counted(row.stopped, 'stopped trial')} went on to their end "
        f"({minutes([charged_seconds(audit, audit.wall_seconds)])} {kind}-minutes, not charged): {won.low:.0f} beat this "
        f"result{lost}"
    ]


def _winner(cell: Cell) -> list[str]:
    """The hyperparameters that won, and what to do with them."""
    if not cell.evaluations:
        return []
    winner = winner_of(cell)
    changes = f" at last, after {counted(winner.changes, 'change')}" if winner.changes else ""
    model = cell.path / MODEL_FOLDER
    return [
        f"  found: {short(winner.set_by_search)}{changes}",
        f"  to train it again: {winner.command}",
        *([f"  its model: {model}"] if model.is_dir() else []),
    ]


def _next_command(cell: Cell, folder: Path) -> str:
    """The command that reads the study, with its results folder unless it looks there anyway."""
    recording = declared_presentation(cell.header).role == RECORDING
    text, option = (
        ("predictions: tuneoff replay", "results=") if recording else ("table and plots: tuneoff report", "--results ")
    )
    results = folder.resolve().parents[3]
    elsewhere = "" if results == Path("results").resolve() else f" {option}{shlex.quote(shown(results))}"
    return f"{text} {cell.header.study}{elsewhere}"


def _predicted(cell: Cell, row: Any, kind: str) -> list[str]:
    """The predicted cost beside the actual one."""
    predicted = cell.header.extra.get("predicted")
    if not predicted:
        return []
    predicted_seconds, actual = predicted["device_seconds"], float(row["charged_seconds"])
    return [
        f"  predicted {predicted_seconds / 60:.2f} {kind}-minutes and {predicted['epochs']:.1f} epochs from the workers' "
        f"calibration; actual {actual / 60:.2f} ({100 * (actual / predicted_seconds - 1):+.0f} %)"
    ]
