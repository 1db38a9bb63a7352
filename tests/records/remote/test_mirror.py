from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path

import pytest

from tests.records.remote.conftest import Machines
from tuneoff.records.remote.address import shown
from tuneoff.records.remote.known import unit_of
from tuneoff.records.remote.mirror import Mirror
from tuneoff.records.remote.place import Place, RemoteError

CELL = "s/entail-micro/pbt/repeat-0"
OTHER = "s/entail-micro/pbt/repeat-1"


def write(mirror: Mirror, path: str, text: str) -> None:
    file = mirror.folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def read(mirror: Mirror, path: str) -> str | None:
    file = mirror.folder / path
    return file.read_text(encoding="utf-8") if file.exists() else None


def cell(mirror: Mirror, log: str = "one\n", *, name: str = CELL, header: str = "{}") -> None:
    write(mirror, f"{name}/run.json", header)
    write(mirror, f"{name}/trials.jsonl", log)


@pytest.mark.parametrize(
    ("path", "unit"),
    [
        (f"{CELL}/run.json", CELL),
        (f"{CELL}/state/t000-1.safetensors", CELL),
        ("s/report/entail-micro/results.md", "s"),
        ("s/report/a/b/repeat-x/y", "s"),
        ("s/entail-micro/x.txt", "s"),
        ("index.html", ""),
    ],
)
def test_a_file_is_kept_in_step_with_its_cell_else_its_study(path: str, unit: str) -> None:
    assert unit_of(path) == unit


def test_what_one_machine_sends_another_one_brings(machine: Machines) -> None:
    a = machine("a")
    cell(a)
    write(a, f"{CELL}/errors/t001.txt", "it failed")
    write(a, f"{CELL}/state/t000-1.safetensors", "weights")
    a.send(CELL)
    b = machine("b")
    b.bring("s")
    assert read(b, f"{CELL}/trials.jsonl") == "one\n"
    assert read(b, f"{CELL}/errors/t001.txt") == "it failed"
    assert read(b, f"{CELL}/state/t000-1.safetensors") is None, "who only reads needs no weights"
    b.bring(CELL, heavy=True)
    assert read(b, f"{CELL}/state/t000-1.safetensors") == "weights"
    assert shown(b.folder) == machine.address


def test_only_what_changed_is_sent_and_what_was_deleted_is_deleted(machine: Machines) -> None:
    a = machine("a")
    cell(a)
    write(a, f"{CELL}/state/t000-1.safetensors", "weights")
    assert a.send(CELL) == 3
    assert a.send(CELL) == 0
    write(a, f"{CELL}/trials.jsonl", "one\ntwo\n")
    (a.folder / CELL / "state" / "t000-1.safetensors").unlink()
    assert a.send(CELL) == 2
    assert set(Place(machine.address).files(CELL)) == {f"{CELL}/run.json", f"{CELL}/trials.jsonl"}
    assert machine("a").send(CELL) == 0, "the next command knows it too"


def test_what_another_machine_added_and_deleted_is_followed(machine: Machines) -> None:
    a, b = machine("a"), machine("b")
    cell(a)
    write(a, f"{CELL}/errors/t001.txt", "it failed")
    a.send(CELL)
    b.bring()
    write(a, f"{CELL}/trials.jsonl", "one\ntwo\n")
    (a.folder / CELL / "errors" / "t001.txt").unlink()
    cell(a, name=OTHER)
    a.send(CELL)
    a.send(OTHER)
    b.bring("s")
    assert read(b, f"{CELL}/trials.jsonl") == "one\ntwo\n"
    assert read(b, f"{CELL}/errors/t001.txt") is None
    assert read(b, f"{OTHER}/trials.jsonl") == "one\n"
    assert b.send(CELL) == b.send(OTHER) == 0, "what was brought is not sent back"


def test_a_search_is_the_only_one_that_sends_its_cell(machine: Machines) -> None:
    """Reports, predictions and pages are sent by whoever makes them."""
    a = machine("a")
    cell(a)
    write(a, "s/report/report.html", "page")
    write(a, "index.html", "all")
    assert a.send_reports() == 2
    assert set(Place(machine.address).files()) == {"s/report/report.html", "index.html"}


def test_hidden_passing_and_rays_own_files_stay_here(machine: Machines) -> None:
    a = machine("a")
    cell(a)
    for path in (".lock", "run.json.tmp", "ray/experiment.json", "state/.part"):
        write(a, f"{CELL}/{path}", "x")
    (a.folder / CELL / "link.txt").symlink_to("/etc/hostname")
    assert a.send(CELL) == 2


def test_a_copy_that_was_lost_or_deleted_is_brought_again(machine: Machines) -> None:
    a = machine("a")
    cell(a)
    a.send(CELL)
    (a.folder / CELL / "trials.jsonl").unlink()
    a.bring("s")
    assert read(a, f"{CELL}/trials.jsonl") == "one\n"


def test_a_cell_that_was_deleted_there_is_set_aside_here(machine: Machines) -> None:
    """It is to be run again; but a disk that is not mounted looks like a folder that was emptied."""
    a = machine("a")
    cell(a)
    a.send(CELL)
    for path in Place(machine.address).files(CELL):
        Place(machine.address).delete(path)
    a.bring("s")
    assert not (a.folder / CELL).exists()
    (note,) = machine.notes
    assert "was deleted; what this machine had of it is set aside in" in note
    assert (Path(note.rpartition(" in ")[2]) / "trials.jsonl").read_text() == "one\n"
    a.bring("s")
    assert len(machine.notes) == 1
    cell(a, "again\n")
    assert a.send(CELL) == 2


def test_what_was_not_sent_before_a_crash_stays_and_is_sent_later(machine: Machines) -> None:
    a = machine("a")
    cell(a)
    a.send(CELL)
    write(a, f"{CELL}/trials.jsonl", "one\ntwo\n")
    a = machine("a")
    a.bring(CELL, heavy=True)
    assert read(a, f"{CELL}/trials.jsonl") == "one\ntwo\n"
    a.send(CELL)
    b = machine("b")
    b.bring()
    assert read(b, f"{CELL}/trials.jsonl") == "one\ntwo\n"


def test_a_crash_between_sending_and_writing_that_down_is_no_other_machine(machine: Machines) -> None:
    a = machine("a")
    cell(a)
    a.sign(CELL)
    a.send(CELL)
    a.place.send(f"{CELL}/trials.jsonl", b"one\ntwo\n")
    write(a, f"{CELL}/trials.jsonl", "one\ntwo\nthree\n")
    a.bring(CELL, heavy=True)
    assert read(a, f"{CELL}/trials.jsonl") == "one\ntwo\nthree\n"
    assert machine.notes == []


def test_what_another_machine_went_on_with_counts_and_the_rest_is_set_aside(machine: Machines) -> None:
    a, b = machine("a"), machine("b")
    cell(a)
    write(a, f"{CELL}/state/t000-1.safetensors", "weights")
    a.sign(CELL)
    a.send(CELL)
    write(a, f"{CELL}/trials.jsonl", "one\nnever sent\n")
    b.bring(CELL, heavy=True)
    b.sign(CELL)
    write(b, f"{CELL}/trials.jsonl", "one\ntwo\n")
    b.send(CELL)
    a.bring(CELL, heavy=True)
    assert read(a, f"{CELL}/trials.jsonl") == "one\ntwo\n"
    assert read(a, f"{CELL}/state/t000-1.safetensors") == "weights"
    (note,) = machine.notes
    aside = Path(note.rpartition(" in ")[2])
    assert (aside / "trials.jsonl").read_text() == "one\nnever sent\n"
    assert a.send(CELL) == 0


def test_a_search_that_runs_is_left_alone_by_other_commands_of_its_machine(machine: Machines) -> None:
    """Its log is open: a file in its place would not be the one that it writes."""
    a, b = machine("a"), machine("b")
    cell(a)
    a.send(CELL)
    with (a.folder / CELL / "trials.jsonl").open("a") as log, a.in_use(CELL):
        b.bring()
        write(b, f"{CELL}/trials.jsonl", "another machine's\n")
        b.send(CELL)
        report = machine("a")
        report.bring()
        report.bring(CELL, heavy=True)
        log.write("two\n")
        log.flush()
        assert read(a, f"{CELL}/trials.jsonl") == "one\ntwo\n"
    report.bring()
    assert read(a, f"{CELL}/trials.jsonl") == "another machine's\n", "afterwards it is as any other"


def test_a_list_that_is_older_than_what_is_known_harms_nothing(machine: Machines, monkeypatch: pytest.MonkeyPatch) -> None:
    """A search sends between a report's look at the place and the report's turn."""
    a, report = machine("a"), machine("a")
    cell(a)
    a.send(CELL)
    files, looks = report.place.files, []

    def old_first(below: str = "") -> object:
        found = files(below)
        if not looks:
            cell(a, "one\ntwo\n")
            write(a, f"{CELL}/errors/t001.txt", "it failed")
            a.send(CELL)
        looks.append(below)
        return found

    monkeypatch.setattr(report.place, "files", old_first)
    report.bring()
    assert read(a, f"{CELL}/trials.jsonl") == "one\ntwo\n"
    assert read(a, f"{CELL}/errors/t001.txt") == "it failed"
    assert looks == ["", CELL]


def test_weights_that_were_cleaned_away_here_stay_there(machine: Machines) -> None:
    a = machine("a")
    cell(a)
    write(a, f"{CELL}/model/model.safetensors", "the winner")
    a.send(CELL)
    shutil.rmtree(a.folder / CELL / "model")
    assert a.send(CELL) == 0
    shutil.rmtree(a.folder / "s")
    assert a.send(CELL) == 0
    assert len(Place(machine.address).files(CELL)) == 3
    a.bring(CELL, heavy=True)
    assert read(a, f"{CELL}/model/model.safetensors") == "the winner"


def test_what_is_of_one_machine_alone_is_neither_sent_nor_brought(machine: Machines) -> None:
    """A copy that somebody put into the bucket by hand has another machine's name in it, and trackers' files its bookmarks."""
    a = machine("a")
    write(a, "tracked/mlflow.db", "runs of a")
    name = a.name
    for path in (".in-step/copy", "tracked/mlflow.db", "s/.hidden/x", "x.tmp/y"):
        a.place.send(path, b"of another machine")
    a.bring()
    assert machine("a").name == name
    assert read(a, "tracked/mlflow.db") == "runs of a"
    assert not (a.folder / "s" / ".hidden").exists()
    assert a.send_reports() == 0


@pytest.mark.parametrize("study", ["root", "x" * 100])
def test_any_studys_name_will_do(machine: Machines, study: str) -> None:
    a = machine("a")
    unit = f"{study}/{'t' * 100}-{'m' * 100}/{'a' * 100}/repeat-0"
    write(a, "README.md", "of the results")
    write(a, f"{study}/note.md", "of the study")
    cell(a, name=unit)
    a.send(unit)
    a.send_reports()
    b = machine("b")
    b.bring()
    assert read(b, f"{unit}/trials.jsonl") == "one\n"
    assert (read(b, "README.md"), read(b, f"{study}/note.md")) == ("of the results", "of the study")


def test_of_a_report_the_one_there_counts(machine: Machines) -> None:
    a, b = machine("a"), machine("b")
    write(a, "s/report/report.html", "a")
    a.send_reports()
    write(b, "s/report/report.html", "b's own")
    b.bring()
    assert read(b, "s/report/report.html") == "a"


def test_a_cut_leaves_a_cell_whose_header_covers_it(machine: Machines, monkeypatch: pytest.MonkeyPatch) -> None:
    """The header seals the logs: one that is newer than its log would be taken for a changed log."""
    a = machine("a")
    cell(a, "one\n", header='{"seals": "one"}')
    a.send(CELL)
    cell(a, "one\ntwo\n", header='{"seals": "one two"}')
    write(a, f"{CELL}/state/t000-2.safetensors", "weights")
    sent: list[str] = []
    whole = a.place.send

    def cut(path: str, content: Path | bytes) -> object:
        sent.append(path.rpartition("/")[2])
        if path.endswith("run.json"):
            raise RemoteError("the network is gone")
        return whole(path, content)

    monkeypatch.setattr(a.place, "send", cut)
    with pytest.raises(RemoteError, match="network is gone"):
        a.send(CELL)
    assert sent == ["t000-2.safetensors", "trials.jsonl", "run.json"], "what records name comes before them, the header last"
    b = machine("b")
    b.bring()
    assert (read(b, f"{CELL}/run.json"), read(b, f"{CELL}/trials.jsonl")) == ('{"seals": "one"}', "one\ntwo\n")
    monkeypatch.setattr(a.place, "send", whole)
    assert a.send(CELL) == 1, "the next time only what is missing is sent"


def test_a_header_written_while_logs_are_sent_waits_for_the_next_time(
    machine: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    a = machine("a")
    cell(a, "one\n", header='{"seals": "one"}')
    whole = a.place.send

    def meanwhile(path: str, content: Path | bytes) -> object:
        made = whole(path, content)
        if path.endswith("trials.jsonl"):
            cell(a, "one\ntwo\n", header='{"seals": "one two"}')
        return made

    monkeypatch.setattr(a.place, "send", meanwhile)
    a.send(CELL)
    b = machine("b")
    b.bring()
    assert read(b, f"{CELL}/run.json") == '{"seals": "one"}'
    monkeypatch.setattr(a.place, "send", whole)
    a.send(CELL)
    b.bring()
    assert (read(b, f"{CELL}/run.json"), read(b, f"{CELL}/trials.jsonl")) == ('{"seals": "one two"}', "one\ntwo\n")


def test_the_newest_study_is_the_one_written_to_last_wherever_that_was(machine: Machines) -> None:
    a = machine("a")
    cell(a)
    a.send(CELL)
    b = machine("b")
    b.bring()
    there = Place(machine.address).stamp(f"{CELL}/run.json")
    assert there is not None
    assert (b.folder / CELL / "run.json").stat().st_mtime_ns == there.time


def test_what_this_machine_knows_may_be_unreadable(machine: Machines) -> None:
    """Then all is brought again; a cell that another machine has gone on with is set aside first."""
    a = machine("a")
    cell(a)
    a.sign(CELL)
    a.send(CELL)
    known = next(a.folder.rglob("known.json"))
    known.write_text("{")
    a.bring(CELL)
    assert read(a, f"{CELL}/trials.jsonl") == "one\n"
    assert machine.notes == []


def test_what_is_sent_of_a_running_search_is_of_one_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each record names a snapshot, and both must be there: else a search would go on from an earlier one."""
    a = Machines(f"file://{tmp_path}/there", tmp_path / "machines", monkeypatch)("a")
    cell(a, "")
    over = threading.Event()

    def search() -> None:
        log, number = a.folder / CELL / "trials.jsonl", 0
        while not over.is_set():
            number += 1
            write(a, f"{CELL}/state/{number}.safetensors", "weights" * 1000)
            with log.open("a") as file:
                file.write(f"{number}\n")
            (a.folder / CELL / "state" / f"{number - 1}.safetensors").unlink(missing_ok=True)
            time.sleep(0.002)

    thread = threading.Thread(target=search)
    thread.start()
    try:
        while not read(a, f"{CELL}/trials.jsonl"):
            time.sleep(0.01)
        newest = []
        for _ in range(40):
            a.send(CELL)
            there = a.place.files(CELL)
            newest.append((a.place.read(f"{CELL}/trials.jsonl") or b"").decode().split("\n")[-2:][0])
            assert f"{CELL}/state/{newest[-1]}.safetensors" in there
    finally:
        over.set()
        thread.join()
    assert len(set(newest)) > 10, "it went on meanwhile"
