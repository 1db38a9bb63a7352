from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tuneoff.evaluation import Cost, Score
from tuneoff.records.schema import EvaluationRecord, Header, SessionStartRecord, TrialEndRecord, TrialStartRecord
from tuneoff.records.store import (
    HEADER_FILE,
    LOG_FILE,
    LogWriter,
    RecordError,
    load_cell,
    must_be_writable,
    read_header,
    write_header,
)

SCORE = Score(metrics={"accuracy": 0.75}, loss=0.5, n_examples=4, predicted_counts=(1, 3), predictions=(0, 1, 1, 1))
RECORDS = [
    SessionStartRecord(session=1, time_utc="2026-01-01T00:00:00+00:00", elapsed_seconds=0.0, devices=2, device_kind="cpu"),
    TrialStartRecord(trial_id="t000", hparams={"learning_rate": 1e-4}, elapsed_seconds=0.1),
    EvaluationRecord(
        trial_id="t000",
        evaluation=1,
        parent_trial_id=None,
        parent_evaluation=None,
        hparams={"learning_rate": 1e-4},
        examples_seen=10,
        epoch=1.0,
        validation=replace(SCORE, predictions=None),
        test=SCORE,
        cost=Cost(train_seconds=1.5, train_tokens=100),
        peak_memory_bytes=None,
        elapsed_seconds=2.0,
        worker="host:1",
    ),
    TrialEndRecord(
        trial_id="t000", status="completed", reason="", hparams={"learning_rate": 1e-4}, cost=Cost(), elapsed_seconds=2.1
    ),
]
HEADER = Header(
    schema_version=1,
    protocol_version="0.1",
    study="s",
    task="t",
    model="m",
    algorithm="a",
    repeat=0,
    protocol="heldout",
    metric="accuracy",
    status="running",
    started_utc="",
    config={},
    config_hash="",
    seeds={},
    space={},
    data={},
    price={},
    versions={},
    git={},
    hardware={},
    command="",
)


@pytest.fixture
def cell(tmp_path):
    write_header(tmp_path, HEADER)
    with LogWriter(tmp_path) as writer:
        for record in RECORDS:
            writer.append(record)
    return tmp_path


def test_what_is_written_is_read_back_whole(cell):
    loaded = load_cell(cell)
    assert list(loaded.records) == RECORDS
    assert loaded.header == HEADER
    assert loaded.repaired is None
    assert loaded.wall_seconds == 2.1


def test_each_line_is_json_of_its_own_with_its_kind(cell):
    kinds = [json.loads(line)["kind"] for line in (cell / LOG_FILE).read_text().splitlines()]
    assert kinds == ["session_start", "trial_start", "evaluation", "trial_end"]


@pytest.mark.parametrize("cut", [1, 20, 60])
def test_a_half_written_last_line_is_left_out_and_said(cell, cut):
    text = (cell / LOG_FILE).read_text()
    (cell / LOG_FILE).write_text(text[: -cut - 1])
    loaded = load_cell(cell)
    assert list(loaded.records) == RECORDS[:-1]
    assert "line 4" in loaded.repaired


def test_writing_goes_on_after_a_half_written_line_without_running_into_it(cell):
    text = (cell / LOG_FILE).read_text()
    (cell / LOG_FILE).write_text(text[:-30])
    with LogWriter(cell) as writer:
        writer.append(RECORDS[-1])
        assert "line 4" in writer.repaired
    assert list(load_cell(cell).records) == RECORDS


def test_a_broken_line_in_the_middle_is_an_error_that_names_file_line_and_remedy(cell):
    lines = (cell / LOG_FILE).read_text().splitlines()
    lines[1] = lines[1][:10]
    (cell / LOG_FILE).write_text("\n".join(lines) + "\n")
    with pytest.raises(RecordError, match=r"trials\.jsonl, line 2 .* delete the cell's folder"):
        load_cell(cell)


def test_another_schema_version_is_refused(cell):
    values = json.loads((cell / HEADER_FILE).read_text())
    (cell / HEADER_FILE).write_text(json.dumps({**values, "schema_version": 99}))
    with pytest.raises(RecordError, match="schema_version 99"):
        read_header(cell)


def test_a_score_that_is_not_a_number_cannot_be_written(tmp_path):
    with LogWriter(tmp_path) as writer, pytest.raises(ValueError, match="JSON"):
        writer.append(replace(RECORDS[2], validation=replace(SCORE, loss=float("nan"))))


def test_a_header_is_replaced_whole_or_not_at_all(cell):
    write_header(cell, replace(HEADER, status="finished"))
    assert read_header(cell).status == "finished"
    assert not list(cell.glob("*.tmp"))


def test_costs_add_up_field_by_field():
    total = Cost(train_seconds=1.0, save_seconds=0.5, train_steps=3) + Cost(train_seconds=2.0, test_seconds=1.0)
    assert total == Cost(train_seconds=3.0, save_seconds=0.5, test_seconds=1.0, train_steps=3)
    assert total.seconds == 4.5


def test_one_class_only_is_collapsed():
    assert replace(SCORE, predicted_counts=(0, 4)).collapsed
    assert not SCORE.collapsed


def test_a_place_that_can_be_written_is_left_as_it_was(tmp_path):
    must_be_writable(tmp_path / "not" / "yet")
    must_be_writable(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", ["file", "file/below", "/proc/nothing", "/sys/x"])
def test_a_place_that_can_not_be_written_is_found(tmp_path, place):
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordError, match=r"results is '.*', but nothing can be written there.*another folder"):
        must_be_writable(tmp_path / place)
