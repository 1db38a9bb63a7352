"""Stopped trials that go on after the search, from the command line to the report."""

from __future__ import annotations

import shutil
from collections import defaultdict
from dataclasses import replace

import pytest

from tests.end_to_end.command import command, run
from tuneoff.records.audit import completed_share, drawn, stopped_early
from tuneoff.records.schema import EvaluationRecord, SessionEndRecord
from tuneoff.records.store import AUDIT_FILE, load_cell, write_header

SEARCHES = ("algorithm.trials=9", "hparams.num_epochs=3", "resources.slots=1")
SHARE = 0.5


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """The same trials twice: stopped early, with an audit, and none stopped."""
    folder = tmp_path_factory.mktemp("audit")
    for algorithm in ("random_asha", "random"):
        done = run(folder, f"algorithm={algorithm}", *SEARCHES, f"audit={SHARE}", "study=s")
        assert done.returncode == 0, done.stderr[-3000:]
        (folder / f"{algorithm}.txt").write_text(done.stdout)
    return folder


def cell_of(folder, algorithm="random_asha", log="trials.jsonl"):
    return load_cell(folder / "s" / "entail-micro" / algorithm / "repeat-0", log)


def scores(cell) -> dict[tuple[str, float], float]:
    return {(e.trial_id, e.epoch): e.validation.metrics["accuracy"] for e in cell.evaluations}


def test_a_stopped_trial_goes_on_as_if_it_had_not_been_stopped(results):
    searched, audit, unstopped = cell_of(results), cell_of(results, log=AUDIT_FILE), scores(cell_of(results, "random"))
    names = drawn(searched, SHARE)
    assert 0 < len(names) <= len(stopped_early(searched))
    whole = scores(searched) | scores(audit)
    assert {key: whole[key] for key in unstopped if key[0] in names} == {k: v for k, v in unstopped.items() if k[0] in names}
    numbers = defaultdict(list)
    for record in (*searched.evaluations, *audit.evaluations):
        numbers[record.trial_id].append(record.evaluation)
    assert all(numbers[name] == [1, 2, 3] for name in names), "no epoch is trained twice, and they are numbered on"
    assert {end.trial_id: end.status for end in audit.trial_ends} == dict.fromkeys(names, "completed")
    assert completed_share(searched.header) == SHARE
    assert not (searched.path / "state").exists()


def test_where_nothing_is_stopped_there_is_nothing_to_audit(results):
    cell = cell_of(results, "random")
    assert completed_share(cell.header) == SHARE
    assert not (cell.path / AUDIT_FILE).exists()


def test_the_audit_is_not_charged_and_the_summary_says_so(results):
    cell = cell_of(results)
    assert cell.wall_seconds < cell_of(results, log=AUDIT_FILE).wall_seconds + cell.wall_seconds
    text = (results / "random_asha.txt").read_text()
    assert f"{len(drawn(cell, SHARE))} of {len(stopped_early(cell))} stopped trials went on to their end" in text
    assert "not charged" in text


def test_the_report_has_the_measured_regret_and_the_records_are_sound(results, tmp_path):
    shutil.copytree(results / "s", tmp_path / "s")
    done = command("report", "s", "--results", str(tmp_path))
    assert done.returncode == 0, done.stderr[-3000:]
    page = (tmp_path / "s" / "report" / "report.md").read_text()
    assert "Completed for this" in page
    assert "which no search is charged" in page
    assert (tmp_path / "s" / "report" / "entail-micro" / "early_stopping.png").exists() or list(
        (tmp_path / "s" / "report").rglob("early_stopping*")
    )
    done = command("verify", "s", "--results", str(tmp_path))
    assert done.returncode == 0, done.stdout[-3000:]
    log = tmp_path / "s" / "entail-micro" / "random_asha" / "repeat-0" / AUDIT_FILE
    log.write_text(log.read_text().replace('"epoch":3.0', '"epoch":2.9', 1))
    assert command("verify", "s", "--results", str(tmp_path)).returncode != 0


def test_an_audit_that_was_cut_off_goes_on_and_a_larger_one_adds_to_it(results, tmp_path):
    """The states are gone with the search's end: the trials begin from scratch, under their seeds, and score the same."""
    shutil.copytree(results / "s", tmp_path / "s")
    before = cell_of(tmp_path, log=AUDIT_FILE)
    log = before.path / AUDIT_FILE
    lines = log.read_text().splitlines(keepends=True)
    first = next(i for i, record in enumerate(before.records) if isinstance(record, EvaluationRecord))
    log.write_text("".join(lines[: first + 1]) + lines[first + 1][:40])
    header = before.header
    write_header(before.path, replace(header, status="running", extra={k: v for k, v in header.extra.items() if k != "audit"}))
    for share in (SHARE, 1.0, SHARE):
        done = run(tmp_path, "algorithm=random_asha", *SEARCHES, f"audit={share}", "study=s")
        assert done.returncode == 0, done.stderr[-3000:]
    assert "kept" in done.stdout, "less than what there is asks for nothing"
    searched, audit = cell_of(tmp_path), cell_of(tmp_path, log=AUDIT_FILE)
    assert scores(searched) == scores(cell_of(results))
    assert completed_share(searched.header) == 1.0
    assert sorted(end.trial_id for end in audit.trial_ends) == sorted(stopped_early(searched))
    unstopped = scores(cell_of(tmp_path, "random"))
    assert all(unstopped[key] == value for key, value in scores(audit).items())
    assert [r.status for r in audit.records if isinstance(r, SessionEndRecord)][-1] == "finished"
    done = command("verify", "s", "--results", str(tmp_path))
    assert done.returncode == 0, done.stdout[-3000:]
