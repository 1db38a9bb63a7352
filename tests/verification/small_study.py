"""A small study to verify: recorded searches, sealed, with a report."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from tuneoff.records.store import LOG_FILE, find_cells, load_cell, read_header, write_header
from tuneoff.records.winner import winner_of, write_winner
from tuneoff.report.page.study_report import write_report

ROOT = Path(__file__).parents[2]
NAME = "mrpc-minilm"


def sealed_study(folder: Path, *, draw: bool) -> Path:
    """Three searches of the repository's recorded ones, sealed as `tuneoff run` seals them, each with its winner."""
    study = folder / NAME
    for cell in find_cells(ROOT / "results" / NAME):
        copy = study / cell.relative_to(ROOT / "results" / NAME)
        copy.mkdir(parents=True)
        shutil.copy(cell / LOG_FILE, copy)
        write_winner(winner_of(replace(load_cell(cell), path=copy)))
        write_header(copy, read_header(cell))
    write_report(study, draw=draw)
    return study
