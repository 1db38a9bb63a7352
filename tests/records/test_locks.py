"""One process a log, and one at a time for what cells share."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest

from tests.records.test_store import HEADER, RECORDS
from tuneoff.records.store import (
    LOCK_FILE,
    RETRAIN_FILE,
    LogWriter,
    RecordError,
    exclusive,
    load_cell,
    must_be_free,
    write_header,
)


def test_a_cells_folder_is_made_by_whoever_writes_first(tmp_path: Path) -> None:
    with LogWriter(tmp_path / "log" / "first") as log:
        log.append(RECORDS[0])
    write_header(tmp_path / "log" / "first", HEADER)
    write_header(tmp_path / "header" / "first", HEADER)
    assert load_cell(tmp_path / "log" / "first").records == (RECORDS[0],)
    assert load_cell(tmp_path / "header" / "first").records == ()


@pytest.mark.parametrize("log", ["trials.jsonl", RETRAIN_FILE])
def test_a_log_that_is_being_written_is_not_free_until_its_writer_is_done(tmp_path: Path, log: str) -> None:
    must_be_free(tmp_path)
    writer = LogWriter(tmp_path, log)
    with pytest.raises(RecordError, match="another process is at work"):
        must_be_free(tmp_path)
    with pytest.raises(RecordError, match="another process is at work"):
        LogWriter(tmp_path, log)
    with writer:
        pass
    must_be_free(tmp_path)
    with LogWriter(tmp_path, log):
        pass


def test_what_cells_share_is_decided_by_one_at_a_time(tmp_path: Path) -> None:
    with exclusive(tmp_path / "study"), (tmp_path / "study" / LOCK_FILE).open("w") as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with (tmp_path / "study" / LOCK_FILE).open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
