"""The feed reads what a search writes, beside it; a tracker that raises, hangs or dies costs the search nothing but a note."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path

import pytest

from tests.end_to_end.command import command
from tests.extending.own_tracker import Lines
from tests.trackers.bad_trackers import Dying, Hanging, Raising
from tuneoff import plugins
from tuneoff.commands.track import main
from tuneoff.records.store import LOG_FILE, find_cells, load_cell
from tuneoff.trackers import feed as feeding
from tuneoff.trackers.feed import Feed, Feeds
from tuneoff.trackers.settings import choose

MODULES = ("tests.extending.own_tracker", "tests.trackers.bad_trackers")
CONF = Path(__file__).parents[1] / "extending" / "conf"
KEY = "planted-0123456789abcdef"


@pytest.fixture(autouse=True)
def parts(monkeypatch):
    kinds = {"lines": Lines, "raising": Raising, "hanging": Hanging, "dying": Dying}
    monkeypatch.setitem(plugins._registered, "tracker", {**plugins._registered["tracker"], **kinds})
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]))


def lines(study):
    file = study.parent / "tracked" / "lines.txt"
    return file.read_text().splitlines() if file.exists() else []


def evaluations(cell):
    return load_cell(cell).evaluations


def test_lines_are_sent_while_the_search_writes_them(study):
    cell = next(find_cells(study))
    log, header = cell / LOG_FILE, cell / "run.json"
    every, finished = log.read_text().splitlines(keepends=True), header.read_text()
    header.write_text(finished.replace('"status": "finished"', '"status": "running"'))
    log.write_text("".join(every[:20]))
    feeds = Feeds()
    feeds.follow([choose("lines", {})], study, cell, MODULES)
    deadline = time.monotonic() + 60
    while len(lines(study)) < len(evaluations(cell)):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    with log.open("a") as file:
        file.write("".join(every[20:]))
    header.write_text(finished)
    assert feeds.close() == []
    assert [line.split()[1] for line in lines(study)] == [str(e.examples_seen) for e in evaluations(cell)]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("raising", "ConnectionError: no answer to key \\*\\*\\*"),
        ("hanging", "it was not done 3 s after the last search"),
        ("dying", "its process ended with exit code 3"),
    ],
)
def test_a_tracker_on_a_bad_day_is_one_note_and_is_caught_up(study, name, said, monkeypatch, capsys):
    patience = 3.0 if name == "hanging" else 60.0  # those that end by themselves have time for their imports
    monkeypatch.setattr(feeding, "END_SECONDS", patience)
    feeds, began = Feeds(), time.monotonic()
    for cell in find_cells(study):
        feeds.follow([choose(name, {})], study, cell, MODULES)
    assert time.monotonic() - began < 1.0, "starting a feed and telling it does not wait for it"
    notes = feeds.close()
    assert len(notes) == 1
    assert re.search(said, notes[0])
    assert KEY not in notes[0]
    assert f"tuneoff track {study.name} --results {study.parent}" in notes[0]
    assert lines(study) == []
    monkeypatch.setattr(plugins._registered["tracker"][name], "evaluated", Lines.evaluated)
    assert main([str(study), "--to", name, "--no-figures"]) == 0
    assert len(lines(study)) == sum(len(evaluations(cell)) for cell in find_cells(study))


def test_the_note_has_the_settings_that_records_do_not_decide(study):
    feeds = Feeds()
    feeds.follow([choose("dying", {"file": "own lines.txt"})], study, next(find_cells(study)), MODULES)
    assert " --set 'dying.file=\"own lines.txt\"' sends what is missing" in feeds.close()[0]


def test_a_feed_whose_process_is_gone_takes_what_it_is_told(study, monkeypatch):
    monkeypatch.setattr(feeding, "CHILD", ("true",))
    feed = Feed(choose("lines", {}), study, MODULES)
    feed._process.wait()
    for n in range(5000):
        feed.follow(study / str(n))
    feed.end()
    assert "exit code 0" in feed.fault()


def test_a_full_pipe_does_not_block(study, monkeypatch):
    monkeypatch.setattr(feeding, "CHILD", ("sleep", "60"))
    feed, began = Feed(choose("lines", {}), study, MODULES), time.monotonic()
    for n in range(5000):
        feed.follow(study / str(n))
    assert time.monotonic() - began < 5.0
    assert "was not done" in feed.fault()
    assert feed._process.poll() is not None


@pytest.mark.ray
def test_a_tracker_that_raises_changes_nothing_in_a_search(tmp_path):
    given = ("--config-dir", str(CONF), "engine=curve", "space=curve", "algorithm=pbt", "budget=epochs:12", "resources.slots=1")
    plugin = f"plugins=[tests.extending.curve_engine,{','.join(MODULES)}]"
    plain = command("run", *given, plugin, "view=quiet", f"results={tmp_path / 'plain'}")
    place = (plugin, "view=quiet", f"results={tmp_path / 'other'}")
    tracked = command("run", *given, *place, "tracker=lines", "+tracker.raising={}", WANDB_API_KEY=KEY)
    assert plain.returncode == tracked.returncode == 0, tracked.stderr
    assert tracked.stderr.count("note: raising does not have all of main (ConnectionError") == 1
    assert "lines does not" not in tracked.stderr
    one, other = (load_cell(next(find_cells(tmp_path / name))) for name in ("plain", "other"))
    assert [decided(e) for e in one.evaluations] == [decided(e) for e in other.evaluations]
    assert one.header.config_hash == other.header.config_hash
    assert len(lines(tmp_path / "other" / "main")) == len(other.evaluations)
    assert KEY not in tracked.stdout + tracked.stderr
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or KEY.encode() not in file.read_bytes(), file
    recorded = json.loads((other.path / "run.json").read_text())["config"]["tracker"]
    assert recorded == {"lines": {"file": "lines.txt"}, "raising": {}}


def decided(e):
    return e.trial_id, e.evaluation, e.parent_trial_id, e.parent_evaluation, e.hparams, e.validation, e.test, e.examples_seen
