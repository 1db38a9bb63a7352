"""What was sent is not sent again, whatever happened in between."""

from __future__ import annotations

import fcntl
import json
from dataclasses import replace

import pytest

from tests.trackers.listing import listing
from tuneoff.records.store import LOG_FILE, find_cells, load_cell
from tuneoff.trackers.contracts import Evaluated, Report, TrackerError, TrialBegan, TrialEnded
from tuneoff.trackers.events import events, state
from tuneoff.trackers.sending import Sender, trackers_of


def given(cell):
    """The events that reach a tracker by its methods, and the state."""
    return [e for e in events(cell) if not isinstance(e, TrialBegan)] + [state(cell)]


def send(chosen, study):
    sender = Sender(chosen, study)
    sent = [sender.send(cell) for cell in find_cells(study)]
    sender.close()
    return sent


def test_all_is_sent_once(study, cells):
    chosen = listing()
    assert send(chosen, study) == [len(events(cell)) for cell in cells.values()]
    assert chosen.kind.got == [event for cell in cells.values() for event in given(cell)]
    assert send(chosen, study) == [0, 0]
    assert len(chosen.kind.got) == sum(len(given(cell)) for cell in cells.values())


def test_a_log_that_grows_is_sent_as_it_grows(study, cells):
    log = cells["pbt"].path / LOG_FILE
    lines, chosen = log.read_text().splitlines(keepends=True), listing()
    header = cells["pbt"].path / "run.json"
    finished = header.read_text()
    header.write_text(finished.replace('"status": "finished"', '"status": "running"'))
    for n in range(0, len(lines) + 1, 5):
        log.write_text("".join(lines[:n]) + lines[min(n, len(lines) - 1)][:20])  # a line is being written
        sender = Sender(chosen, study)
        sender.send(cells["pbt"].path)
        sender.close()
    log.write_text("".join(lines))
    header.write_text(finished)
    Sender(chosen, study).send(cells["pbt"].path)
    assert chosen.kind.got == given(load_cell(cells["pbt"].path))


@pytest.mark.parametrize("after", [0, 1, 30, 110])
def test_a_tracker_that_fails_in_between_is_sent_the_rest_later(study, cells, after, monkeypatch):
    monkeypatch.setattr("tuneoff.trackers.sending.BATCH", 10)
    chosen = listing(fail_after=after)
    with pytest.raises(ConnectionError):
        send(chosen, study)
    every = [event for cell in cells.values() for event in given(cell)]
    assert chosen.kind.got == every[: len(chosen.kind.got)]
    assert after - 10 <= len(chosen.kind.got) <= after
    chosen.kind.fail_after = float("inf")
    send(chosen, study)
    assert chosen.kind.got == every


def test_a_trial_is_begun_again_by_the_feed_that_goes_on_with_it(study, cells, monkeypatch):
    monkeypatch.setattr("tuneoff.trackers.sending.BATCH", 10)
    chosen = listing(fail_after=40)
    with pytest.raises(ConnectionError):
        send(chosen, study)
    chosen.kind.begun.clear()
    chosen.kind.fail_after = float("inf")
    send(chosen, study)
    rest = {e.trial.path for e in given(cells["pbt"])[40:] if isinstance(e, Evaluated | TrialEnded)}
    assert rest <= set(chosen.kind.begun)
    assert len(chosen.kind.begun) == len(set(chosen.kind.begun))


def test_a_cell_that_was_run_again_is_sent_again(study, cells):
    chosen = listing()
    send(chosen, study)
    header = cells["pbt"].path / "run.json"
    values = json.loads(header.read_text())
    header.write_text(json.dumps({**values, "started_utc": "2027-01-01T00:00:00Z"}))
    assert sum(send(chosen, study)) == len(events(cells["pbt"]))


def test_two_processes_do_not_send_one_cell(study, cells):
    chosen = listing()
    send(chosen, study)
    (lock,) = study.parent.glob("tracked/state/listing-*/*/entail-micro--pbt--repeat-0.lock")
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(TrackerError, match="another process is sending"):
            Sender(chosen, study).send(cells["pbt"].path)


def test_a_report_is_sent_when_it_has_changed(study, tmp_path):
    chosen, page = listing(), tmp_path / "report.html"
    page.write_text("one")
    report = Report(study="s", tables={"results": "| a |"}, page=page, files={})
    assert Sender(chosen, study).send_report(report)
    assert not Sender(chosen, study).send_report(report)
    page.write_text("two")
    assert Sender(chosen, study).send_report(report)
    assert chosen.kind.got == [report, report]


def test_the_newest_search_says_how_its_tracker_is_set(cells):
    def with_tracker(cell, started, **tracker):
        return replace(cell, header=replace(cell.header, started_utc=started, config={"tracker": tracker}))

    old = with_tracker(cells["pbt"], "2026-01-01", mlflow={"uri": None}, tensorboard={})
    new = with_tracker(cells["pbt"], "2026-01-02", mlflow={"uri": "http://host"})
    assert trackers_of([new.header, old.header, cells["pbt"].header]) == {"mlflow": {"uri": "http://host"}, "tensorboard": {}}
