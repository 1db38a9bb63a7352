"""The summary after a search says what a reader should be careful about."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import synthetic as syn

from tuneoff.records.store import LogWriter, write_header
from tuneoff.report.page.cell_summary import cell_summary


def summary_of(tmp_path: Path, truncated: int) -> str:
    cell = syn.search("random", 0, quality=0.7)
    data = {**cell.header.data, "max_length": 64, "parts": {"train": {"rows": 100}}, "truncated_rows": {"train": truncated}}
    write_header(tmp_path, replace(cell.header, data=data))
    with LogWriter(tmp_path) as writer:
        for record in cell.records:
            writer.append(record)
    return cell_summary(tmp_path)


def test_truncation_is_in_the_summary(tmp_path: Path) -> None:
    assert "  note: truncated: 40 % of train (40 of 100 rows) are longer than model.max_length=64" in summary_of(tmp_path, 40)


def test_little_truncation_is_not(tmp_path: Path) -> None:
    assert "note:" not in summary_of(tmp_path, 5)
