"""python -m benchmarks.report: from records alone, with plain errors."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest
import synthetic as syn

from tuneoff.commands.report import main
from tuneoff.report import figures

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves the figures out, which take most of the time."""
    monkeypatch.setattr(figures, "draw_all", lambda *_: {})


def test_it_needs_neither_ray_nor_torch_and_takes_seconds(results: Path) -> None:
    code = (
        "import sys; from tuneoff.commands.report import main; code = main(sys.argv[1:]); "
        "heavy = {'ray', 'torch', 'transformers', 'datasets', 'hydra'} & set(sys.modules); "
        "assert not heavy, heavy; sys.exit(code)"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-c", code, "demo", "--results", str(results)],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert "| pbt" in done.stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime - before.ru_utime < 30, "processor time, which other processes on shared cores do not lengthen"


def test_it_writes_tables_figures_and_a_page_and_says_where(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--results", str(results)]) == 0
    folder = results / "demo" / "report" / "rte-bert-base"
    names = {p.name for p in folder.iterdir()}
    assert names >= {
        "results.md",
        "results.csv",
        "details.md",
        "details.csv",
        "cells.csv",
        "incumbent.svg",
        "incumbent.png",
        "accuracy_vs_cost.svg",
        "accuracy_vs_cost.png",
    }
    page = (results / "demo" / "report" / "report.md").read_text()
    for line in page.splitlines():
        if line.startswith("!["):
            assert (results / "demo" / "report" / line.split("(")[1].rstrip(")")).is_file()
    out = capsys.readouterr().out
    assert str(folder) in out
    assert "Best test acc." in out


@pytest.mark.usefixtures("undrawn")
def test_it_can_be_made_again_and_leaves_the_records_alone(results: Path) -> None:
    before = {p: p.read_bytes() for p in results.rglob("*") if p.is_file()}
    assert main(["--results", str(results)]) == main(["--results", str(results)]) == 0
    assert {p: p.read_bytes() for p in before} == before


@pytest.mark.parametrize("arguments", [["demo"], ["--all"]])
def test_without_figures_those_of_an_earlier_report_stay(results: Path, arguments: list[str]) -> None:
    folder = results / "demo" / "report" / "rte-bert-base"
    folder.mkdir(parents=True)
    (folder / "incumbent.svg").write_text("drawn before")
    (folder / "results.md").write_text("old")
    (folder / "dropped_table.md").write_text("old")
    (folder.parent / "report.md").write_text("old")
    assert main([*arguments, "--results", str(results), "--no-figures"]) == 0
    assert (folder / "incumbent.svg").read_text() == "drawn before"
    assert (folder / "results.md").read_text() != "old"
    assert not (folder / "dropped_table.md").exists()
    assert "incumbent.svg" not in (folder.parent / "report.md").read_text()


def test_a_folder_of_someone_elses_is_left_alone(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = results / "demo" / "report" / "thesis.txt"
    mine.parent.mkdir()
    mine.write_text("years of work")
    assert main(["demo", "--results", str(results)]) == 2
    assert mine.read_text() == "years of work"
    assert "move it away" in capsys.readouterr().err


@pytest.mark.usefixtures("undrawn")
def test_without_a_name_the_newest_is_reported_and_the_others_are_named(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = syn.write(results, syn.search("grid", 0, quality=0.7, study="later"))
    for file in path.iterdir():
        os.utime(file, (time.time() + 60,) * 2)
    assert main(["--results", str(results)]) == 0
    assert "newest study is later; there are also demo" in capsys.readouterr().out
    assert (results / "later" / "report").is_dir()
    assert not (results / "demo" / "report").exists()


@pytest.mark.usefixtures("undrawn")
def test_one_table_for_each_task_and_model(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    syn.write(results, syn.search("grid", 0, quality=0.7, task="mrpc", model="minilm"))
    assert main(["demo", "--results", str(results)]) == 0
    out = capsys.readouterr().out
    assert "**mrpc with minilm**" in out
    assert "**rte with bert-base**" in out


@pytest.mark.usefixtures("undrawn")
def test_protocols_of_one_task_model_get_folders_of_their_own(results: Path) -> None:
    syn.write(results, syn.search("random", 0, quality=0.7, protocol="blog2020"))
    assert main(["demo", "--results", str(results)]) == 0
    folders = {p.name for p in (results / "demo" / "report").iterdir() if p.is_dir()}
    assert folders == {"rte-bert-base-heldout-accuracy", "rte-bert-base-blog2020-accuracy"}


@pytest.mark.usefixtures("undrawn")
def test_ones_own_price(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--results", str(results), "--usd-per-device-hour", "100"]) == 0
    assert "$100 per device-hour" in capsys.readouterr().out
    assert main(["demo", "--results", str(results), "--usd-per-device-hour", "-1"]) == 2


def test_a_missing_study_lists_those_there_are(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nowhere", "--results", str(results)]) == 2
    assert "'nowhere'" in (error := capsys.readouterr().err)
    assert "demo" in error


def test_a_folder_of_several_studies_is_not_one(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    syn.write(results, syn.search("grid", 0, quality=0.7, study="later"))
    assert main([str(results)]) == 2
    assert "several studies (demo, later)" in capsys.readouterr().err


def test_no_results_at_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--results", str(tmp_path / "none")]) == 2
    assert "holds no studies" in capsys.readouterr().err


def test_nothing_finished_yet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    syn.write(tmp_path, syn.search("grid", 0, quality=0.7, status="running"))
    assert main(["--results", str(tmp_path)]) == 2
    assert "no finished cells" in capsys.readouterr().err


@pytest.mark.usefixtures("undrawn")
def test_a_half_written_last_line_is_one_sentence(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = results / "demo" / "rte-bert-base" / "grid" / "repeat-0" / "trials.jsonl"
    with log.open("a") as file:
        file.write('{"kind":"evaluat')
    assert main(["demo", "--results", str(results)]) == 0
    assert capsys.readouterr().out.count("half-written") == 1


@pytest.mark.parametrize(("file", "text"), [("trials.jsonl", "not json\n{}\n"), ("run.json", "{"), ("run.json", "{}")])
def test_corrupt_records_name_the_file(results: Path, capsys: pytest.CaptureFixture[str], file: str, text: str) -> None:
    path = results / "demo" / "rte-bert-base" / "pbt" / "repeat-0" / file
    path.write_text(text)
    assert main(["demo", "--results", str(results)]) == 2
    error = capsys.readouterr().err
    assert str(path) in error
    assert "Traceback" not in error
