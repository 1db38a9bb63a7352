"""The summary after a search says what a reader should be careful about."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
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


def next_command(cell: Path) -> str:
    return next(line for line in cell_summary(cell).splitlines() if "tuneoff report" in line)


def test_the_next_command_finds_the_results_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cell = syn.write(tmp_path / "my results", syn.search("random", 0, quality=0.7))
    assert next_command(cell).endswith(f"tuneoff report demo --results '{tmp_path}/my results'")
    (tmp_path / "my results").rename(tmp_path / "results")
    monkeypatch.chdir(tmp_path)
    assert next_command(Path("results") / cell.relative_to(tmp_path / "my results")).endswith("tuneoff report demo")


def test_a_recording_leads_to_its_replay(tmp_path: Path) -> None:
    syn.write(tmp_path, syn.search("record", 0, quality=0.7, config={"algorithm": {"name": "record", "role": "recording"}}))
    folder = next(tmp_path.rglob("run.json")).parent
    last = cell_summary(folder).splitlines()[-1]
    assert last.startswith("  predictions: tuneoff replay demo results=")


def test_the_summary_says_what_was_found_and_how_to_train_it_again(tmp_path: Path) -> None:
    space = {"learning_rate": {"type": "float", "low": 1e-5, "high": 1e-4}}
    cell = syn.search("random", 0, quality=0.7, space=space, command="tuneoff run algorithm=random")
    folder = syn.write(tmp_path, cell)
    rate = max(cell.evaluations, key=lambda e: e.validation.metrics["accuracy"]).hparams["learning_rate"]
    lines = cell_summary(folder).splitlines()
    assert f"  found: learning_rate {rate:.4g}" in lines
    again = next(line for line in lines if line.startswith("  to train it again: "))
    assert "algorithm=default" in again
    assert again.endswith(f"hparams.learning_rate={rate!r}")
    assert not any("its model" in line for line in lines)
    (folder / "model").mkdir()
    assert f"  its model: {folder / 'model'}" in cell_summary(folder).splitlines()
