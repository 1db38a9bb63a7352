"""Cells of other data, test rows or weights under the same names stand in blocks of their own, and the report says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import synthetic as syn

from tuneoff.commands.report import main
from tuneoff.records.schema import Cell
from tuneoff.report import cells as study_cells
from tuneoff.report.frames import build_frames
from tuneoff.report.verdicts.findings import find
from tuneoff.report.verdicts.headline import headline

DATA: dict[str, Any] = {
    "n_train": 1000,
    "source_rows": {"train": {"rows": 5, "sha256": "a"}},
    "parts": {"test": {"from": "dev", "index": "0-138"}},
    "model_sha256": "w",
    "split_sha256": "s",
}
CHANGED = {
    "task data": {**DATA, "source_rows": {"train": {"rows": 5, "sha256": "b"}}},
    "test rows": {**DATA, "parts": {"test": {"from": "dev", "index": "139-277"}}},
    "model weights": {**DATA, "model_sha256": "x"},
}


def made(algorithm: str = "grid", repeat: int = 0, data: dict[str, Any] = DATA, **changes: Any) -> Cell:
    return syn.search(algorithm, repeat, quality=0.7, data=data, **changes)


@pytest.mark.parametrize("what", CHANGED)
def test_cells_that_differ_are_never_averaged(what: str) -> None:
    blocks = list(build_frames([made(repeat=0), made(repeat=1, data=CHANGED[what])]).blocks())
    assert [len(frames.cells) for _, frames in blocks] == [1, 1]
    assert [block.differs for block, _ in blocks] == [(what,), (what,)]
    assert blocks[0][0].variant != blocks[1][0].variant
    assert [len(set(frames.evaluations["cell"])) for _, frames in blocks] == [1, 1]


def test_another_split_seed_or_space_is_no_other_data() -> None:
    other = {**DATA, "split_sha256": "t", "encoded_sha256": {"train": "z"}}
    cells = [made(repeat=0), made(repeat=1, data=other, space={"learning_rate": [1]})]
    ((block, frames),) = build_frames(cells).blocks()
    assert (block.variant, block.differs, len(frames.cells)) == ("", (), 2)
    assert block.label == "rte-bert-base"
    assert block.title == "rte with bert-base"


def test_fewer_rows_to_train_on_are_other_task_data() -> None:
    cells = [made(repeat=k, config={"task": {"max_train_rows": limit}}) for k, limit in enumerate((None, 300))]
    assert [block.differs for block, _ in build_frames(cells).blocks()] == [("task data",)] * 2


def test_old_headers_without_hashes_stay_together() -> None:
    assert len(list(build_frames([made(repeat=k, data={"n_train": 10}) for k in range(2)]).blocks())) == 1


def test_the_verdict_says_which_cells_stand_here_and_in_what_the_others_differ() -> None:
    cells = [made("grid", 0), made("random", 0), made("grid", 1, CHANGED["test rows"])]
    (block, frames), _ = build_frames(cells).blocks()
    said = headline(block, frames, find(block, frames))[0]
    assert "differ in test rows, so they are reported apart and never averaged or compared" in said
    assert "This part: grid repeat 0; random repeat 0." in said


def test_single_runs_on_other_test_rows_are_not_set_against_each_other() -> None:
    def run(algorithm: str, data: dict[str, Any]) -> Cell:
        predictions = [int(i % 3 == 0) for i in range(syn.N_TEST)]
        test = syn.score(0.7, syn.N_TEST, predictions=predictions)
        test = syn.replace(test, metrics={"accuracy": 98 / syn.N_TEST})
        return syn.cell([syn.start(), syn.evaluation("a", 1, 0.7, 10, test=test), syn.end()], algorithm=algorithm, data=data)

    together = next(build_frames([run("grid", DATA), run("pbt", DATA)]).blocks())
    assert any("McNemar" in remark for remark in find(*together).remarks)
    for block, frames in build_frames([run("grid", DATA), run("pbt", CHANGED["test rows"])]).blocks():
        findings = find(block, frames)
        assert findings.verdicts == ()
        assert not any("McNemar" in remark for remark in findings.remarks)


def test_each_part_has_a_folder_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for cell in (made(repeat=0), made(repeat=1, data=CHANGED["task data"])):
        syn.write(tmp_path, cell)
    assert main(["demo", "--results", str(tmp_path), "--no-figures"]) == 0
    folders = sorted(p.name for p in (tmp_path / "demo" / "report").iterdir() if p.is_dir())
    wanted = sorted(f"rte-bert-base-{study_cells.variant(c)}" for c in (made(), made(data=CHANGED["task data"])))
    assert folders == wanted
    out = capsys.readouterr().out
    assert all(f"(data {name.rsplit('-', 1)[1]})" in out for name in folders)
    assert "differ in task data" in (tmp_path / "demo" / "report" / "report.md").read_text()


def test_a_recording_is_no_search_of_the_report(tmp_path: Path) -> None:
    recording = {"algorithm": {"name": "record", "role": "recording"}}
    for cell in (made(), syn.search("record", 0, quality=0.7, data=DATA, config=recording)):
        syn.write(tmp_path, cell)
    assert [cell.header.algorithm for cell in study_cells.read_cells(tmp_path)] == ["grid"]


def test_a_study_of_recordings_only_says_what_reads_them(tmp_path: Path) -> None:
    syn.write(tmp_path, syn.search("record", 0, quality=0.7, config={"algorithm": {"name": "record", "role": "recording"}}))
    with pytest.raises(study_cells.ReportError, match=r"holds a recording and no search .* tuneoff replay"):
        study_cells.read_cells(tmp_path)
