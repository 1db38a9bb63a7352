"""What a search that can't be replayed scored when it was run for real: shown beside predictions, never among them."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from tuneoff.budget import Budget
from tuneoff.price import format_dollars
from tuneoff.records.store import find_cells, read_header
from tuneoff.report import wording
from tuneoff.report.cells import ReportError
from tuneoff.report.frames import load_frames
from tuneoff.report.statistics.distributions import student_quantile
from tuneoff.report.tables._table import Table

SHARED = ("task", "model", "protocol", "metric")
"""What a real run must share with the recording."""


@dataclass(frozen=True, kw_only=True)
class RealResult:
    """Repeats of one search at one budget. budget: as it was given, "" for none. half_width: of Student's 95 % interval of the
    mean, nan for one repeat. epochs, device_seconds, dollars: of one repeat, on average."""

    search: str
    budget: str
    repeats: int
    test: float
    half_width: float
    epochs: float
    device_seconds: float
    dollars: float

    def amount(self, unit: str) -> float:
        """Its budget where that is of this unit, else what a repeat spent of it."""
        if self.budget.startswith(f"{unit}:"):
            return Budget.parse(self.budget).amount
        return {"epochs": self.epochs, "minutes": self.device_seconds / 60, "dollars": self.dollars}[unit]


def real_results(recording: Path, others: Sequence[Path], searches: Collection[str]) -> list[RealResult]:
    """Of the finished repeats of these searches in the recording's study and in the other folders, of the same task, model,
    protocol and metric."""
    frames = [_cells(folder) for folder in (recording, *others)]
    cells = pd.concat([frame for frame in frames if frame is not None] or [pd.DataFrame()])
    if cells.empty:
        return []
    wanted = _facts_of(recording)
    same = (cells[list(SHARED)] == list(wanted)).all(axis=1) & cells["algorithm"].isin(searches) & cells["finished"]
    found = []
    for (search, budget), group in cells[same & cells["test"].notna()].groupby(["algorithm", "budget"], sort=True):
        n, scores = len(group), group["test"]
        half = student_quantile(0.975, n - 1) * float(scores.std(ddof=1)) / math.sqrt(n) if n > 1 else math.nan
        found.append(
            RealResult(
                search=str(search),
                budget=str(budget),
                repeats=n,
                test=float(scores.mean()),
                half_width=half,
                epochs=float(group["epochs_trained"].mean()),
                device_seconds=float(group["charged_seconds"].mean()),
                dollars=float(group["dollars"].mean()),
            )
        )
    return found


def _cells(folder: Path) -> pd.DataFrame | None:
    """None for a folder without searches."""
    try:
        return load_frames(folder).cells if folder.is_dir() else None
    except ReportError:
        return None


def _facts_of(recording: Path) -> tuple[str, ...]:
    header = read_header(next(find_cells(recording)))
    return header.task, header.model, header.protocol, header.metric


def real_table(results: Sequence[RealResult], metric: str) -> Table:
    rows = []
    for one in results:
        spread = "" if math.isnan(one.half_width) else f" ± {wording.number(one.half_width, metric, beside=[one.test])}"
        rows.append(
            (
                one.search,
                one.budget or "none",
                str(one.repeats),
                f"{wording.number(one.test, metric)}{spread}{wording.unit_of(metric)}",
                f"{one.epochs:.3g}",
                f"{one.device_seconds / 60:.3g}",
                format_dollars(one.dollars),
            )
        )
    return Table(
        title="Run for real, not predicted",
        caption="",
        columns=("Search", "Budget", "Repeats", f"Test {wording.short_metric(metric)}", "Epochs", "Device-min", "$"),
        rows=tuple(rows),
        numbers=pd.DataFrame(),
        notes=(),
    )
