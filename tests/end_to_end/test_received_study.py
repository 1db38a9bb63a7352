"""A study may come from anybody: whatever its records and links say, nothing outside of its folder is read as its own or
written, and nothing is sent where it wants."""

from __future__ import annotations

import json
import os
import pickle
import shutil
from pathlib import Path

import pytest

from tests.commands.answer import complaint, read
from tests.end_to_end.command import command
from tuneoff.commands import replay, report, track, verify
from tuneoff.errors import ConfigError, UserError, check_name
from tuneoff.records.store import (
    RETRAIN_FILE,
    LogWriter,
    RecordError,
    find_cells,
    load_cell,
    must_lead_nowhere_else,
    read_header,
)
from tuneoff.report.page.study_report import write_report
from tuneoff.study.stored_cell import finished

RECORDED = Path(__file__).parents[2] / "results" / "entail-searches"
CELL = Path("entail-micro") / "random" / "repeat-0"
OUTSIDE_NAMES = ("../x", "../../etc/x", "/etc/x", "a/b", "..", ".", "", "a\0b", "~", "*", "a\nb")


@pytest.fixture
def results(tmp_path) -> Path:
    return tmp_path / "results"


@pytest.fixture
def study(results) -> Path:
    shutil.copytree(RECORDED / CELL, results / "entail-searches" / CELL)
    return results / "entail-searches"


@pytest.fixture
def outside(tmp_path) -> Path:
    """A folder that must stay as it is."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "precious.txt").write_text("as it was")
    return folder


def listing(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def change_header(folder: Path, **values: object) -> None:
    file = folder / CELL / "run.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}, indent=1))


def change_log(folder: Path, kind: str, **values: object) -> None:
    file = folder / CELL / "trials.jsonl"
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    file.write_text("".join(json.dumps({**line, **(values if line["kind"] == kind else {})}) + "\n" for line in lines))


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/b", "..", ".", "CON", "nul.txt", "x" * 300])
@pytest.mark.parametrize("setting", ["study", "task.name", "model.name", "algorithm.name"])
def test_a_name_on_the_command_line_leads_nowhere_else(setting, name):
    said = complaint(f"{setting}={name}")
    assert said.startswith(f"{setting} is ")
    assert "it becomes a folder's name: use letters" in said
    assert len(said) < 400


@pytest.mark.parametrize("name", [*OUTSIDE_NAMES, None, 5])
def test_a_name_from_python_leads_nowhere_else(name):
    with pytest.raises(ConfigError):
        check_name("study", name)


def test_a_repeat_is_a_number_and_a_tracker_one_that_there_is():
    assert "repeat is" in complaint("repeat='../x'")
    assert complaint("tracker=../x") != ""
    assert "zero character" in complaint('results="a\0b"')


@pytest.mark.parametrize("name", OUTSIDE_NAMES)
@pytest.mark.parametrize("field", ["study", "task", "model", "algorithm", "protocol", "repeat"])
def test_a_header_that_names_a_path_is_refused(study, field, name):
    change_header(study, **{field: name})
    with pytest.raises(RecordError, match=f"run.json: {field} is .*don't use this folder"):
        read_header(study / CELL)


@pytest.mark.parametrize("name", ["../../x", "/etc/x", "*"])
@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("trial_start", "trial_id"),
        ("evaluation", "trial_id"),
        ("evaluation", "parent_trial_id"),
        ("evaluation", "snapshot"),
        ("evaluation", "kept"),
        ("trial_end", "trial_id"),
    ],
)
def test_a_log_that_names_a_path_is_refused_and_stays_as_it_is(study, kind, field, name):
    change_log(study, kind, **{field: name})
    before = listing(study)
    with pytest.raises(RecordError, match=rf"trials\.jsonl, line \d+: {field} is"):
        load_cell(study / CELL)
    with pytest.raises(RecordError):
        LogWriter(study / CELL)
    assert listing(study) == before


@pytest.mark.parametrize(
    "command",
    [
        lambda *given: report.main([*given, "--no-figures"]),
        lambda *given: verify.main([*given, "--no-figures"]),
        lambda *given: track.main([*given, "--to", "tensorboard", "--no-figures"]),
        lambda *given: replay.main([given[0], f"results={given[2]}"]),
    ],
    ids=["report", "verify", "track", "replay"],
)
@pytest.mark.parametrize("fault", ["header", "log", "link", "linked study"])
def test_no_command_writes_outside_of_the_results(command, fault, study, results, outside, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(results)
    if fault == "header":
        change_header(study, task="../../../outside/x")
    elif fault == "log":
        change_log(study, "evaluation", trial_id="../../../../outside/x")
    elif fault == "link":
        (study / "report").mkdir()
        (study / "report" / "report.md").symlink_to(outside / "precious.txt")
    else:
        shutil.move(study, outside / "study")
        study.symlink_to(outside / "study")
    before = listing(outside)
    assert command(study.name, "--results", str(results)) == 2
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    assert said.err + said.out != ""
    assert listing(outside) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["outside", "results"]


def test_reports_on_all_studies_leave_out_what_is_a_link(study, results, outside, capsys):
    shutil.copytree(study, outside / "theirs")
    (results / "theirs").symlink_to(outside / "theirs")
    before = listing(outside)
    assert report.main(["--all", "--results", str(results), "--no-figures"]) == 0
    assert "theirs is a link out of the results" in capsys.readouterr().out
    assert (study / "report" / "report.html").is_file()
    assert listing(outside) == before


@pytest.mark.parametrize("link", ["report", "report/report.html", f"{CELL}/trials.jsonl", f"{CELL}/state", "dangling"])
def test_a_link_out_of_a_study_is_refused_by_whatever_writes(link, study, results, outside):
    path = study / link
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(outside / ("none" if link == "dangling" else "precious.txt"))
    for write in (must_lead_nowhere_else, write_report):
        with pytest.raises(RecordError, match=r"is a link to .*outside.*put a copy in the link's place"):
            write(study)
    config = read("study=entail-searches", f"results={results}", "algorithm=random")
    with pytest.raises(RecordError, match="is a link to"):
        finished(config)
    assert listing(outside) == {"precious.txt": b"as it was"}


def test_a_link_to_itself_is_no_way_out(study):
    (study / "round").symlink_to(study / "round")
    must_lead_nowhere_else(study)


def test_a_study_that_is_a_link_out_of_the_results_is_not_begun(results, outside):
    results.mkdir()
    (results / "s").symlink_to(outside)
    with pytest.raises(UserError, match=r"study is 's', but .* is a link to .*outside.*give results="):
        finished(read("study=s", f"results={results}"))


def test_results_that_are_a_link_themselves_are_the_users_own(study, results, tmp_path):
    (tmp_path / "elsewhere").symlink_to(results)
    assert report.main([study.name, "--results", str(tmp_path / "elsewhere"), "--no-figures"]) == 0


def test_a_folder_that_is_typed_is_no_name(study, tmp_path, monkeypatch, capsys):
    """results/../outside is not looked at; the folder as typed is."""
    monkeypatch.chdir(study)
    assert report.study_folders("../x", tmp_path) == (Path("../x"),)
    assert report.main([f"../{study.name}", "--results", str(tmp_path / "none"), "--no-figures"]) == 0


def test_a_foreign_tables_name_is_a_folders_below_predicted(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(replay, "read_foreign", lambda path, *_: seen.append(path.name))
    monkeypatch.chdir(tmp_path)
    for typed in ("..", ".", "x/.."):
        with pytest.raises(AttributeError):  # the table that was not read has no name
            replay._table(replay.read([f"table={typed}", "format=ray"]))
    assert seen == [tmp_path.parent.name, tmp_path.name, tmp_path.name]


def test_ray_tunes_pickles_in_a_received_study_are_no_part_of_it(study, tmp_path):
    """A report and its verification go by run.json and the logs alone."""
    put_pickles(study / CELL / "ray", tmp_path / "executed")
    write_report(study, draw=False)
    assert verify.main([str(study), "--no-figures"]) == 0
    assert not (tmp_path / "executed").exists()


@pytest.mark.ray
def test_a_search_that_goes_on_in_a_received_study_reads_none_of_them(tmp_path):
    conf = Path(__file__).parents[1] / "extending" / "conf"
    given = ("--config-dir", str(conf), "engine=slow_curve", "space=curve", "algorithm=random", "algorithm.trials=2")
    again = (*given, "study=s", f"results={tmp_path}", "resources.slots=1", "view=quiet")
    assert command("run", *again).returncode == 0
    cell = next(find_cells(tmp_path))
    put_pickles(cell / "ray", tmp_path / "executed")
    done = command("run", *again, "retrain=1")
    assert done.returncode == 0, done.stderr
    assert load_cell(cell, RETRAIN_FILE).trial_ends
    assert not (tmp_path / "executed").exists()


def put_pickles(folder: Path, mark: Path) -> None:
    """Under the names that Ray Tune reads where it is asked to restore; `mark` is made by who unpickles one."""
    folder.mkdir()
    for name in ("tuner.pkl", "trainable.pkl", "searcher-state-x.pkl", "search_gen_state-x.json", "experiment_state-x.json"):
        (folder / name).write_bytes(f"cos\nmkdir\n(V{mark}\ntR.".encode())
    assert pickle.loads((folder / "tuner.pkl").read_bytes()) is None
    mark.rmdir()


@pytest.mark.parametrize("named", [True, False])
def test_a_received_study_does_not_decide_where_keys_and_files_go(named, study, results, outside, monkeypatch, capsys):
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "hidden-0123456789")
    theirs = {"tensorboard": {"folder": str(outside)}}
    config = json.loads((study / CELL / "run.json").read_text())["config"]
    change_header(study, config={**config, "tracker": theirs})
    to = ["--to", "tensorboard"] if named else []
    given = [study.name, "--results", str(results), "--no-figures", *to]
    assert track.main(given) == 2
    assert f"--set 'tensorboard.folder=\"{outside}\"'" in capsys.readouterr().err
    assert list(listing(outside)) == ["precious.txt"]
    assert track.main([*given, "--set", "tensorboard.folder=null"]) == 0
    assert list(listing(outside)) == ["precious.txt"]
    assert (results / "tracked" / "tensorboard").is_dir()


def test_markup_in_a_record_is_text_on_the_page(study):
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    cell = study / CELL
    values = json.loads((cell / "run.json").read_text())
    data = {**values["data"], "source": evil, "description": evil, "labels": [evil, evil]}
    change_header(
        study, command=f"tuneoff run {evil}", data=data, hardware={"cpu": evil}, price={**values["price"], "note": evil}
    )
    change_log(study, "trial_end", reason=evil)
    page = write_report(study, draw=True).html.read_text()
    assert "alert(1)" in page
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert os.fspath(study) not in page
    assert next(find_cells(study)) == cell
