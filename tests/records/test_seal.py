from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.records.test_store import HEADER, RECORDS
from tuneoff.records.seal import digest, examine
from tuneoff.records.store import (
    HEADER_FILE,
    LOG_FILE,
    RETRAIN_FILE,
    LogWriter,
    RecordError,
    must_be_as_sealed,
    read_header,
    write_header,
)


@pytest.fixture
def cell(tmp_path: Path) -> Path:
    """A finished one."""
    write_header(tmp_path, HEADER)
    append(tmp_path, LOG_FILE)
    (tmp_path / "errors").mkdir()
    (tmp_path / "errors" / "t000.txt").write_text("out of memory: 17 MiB")
    write_header(tmp_path, replace(HEADER, status="finished"))
    return tmp_path


def append(cell: Path, log: str) -> None:
    with LogWriter(cell, log) as writer:
        for record in RECORDS:
            writer.append(record)


def test_a_cell_as_it_was_written_is_as_it_was_sealed(cell: Path) -> None:
    found = examine(cell / HEADER_FILE)
    assert found.sealed
    assert not found.faults
    assert not found.open_bytes
    assert read_header(cell) == replace(HEADER, status="finished")


@pytest.mark.parametrize(("file", "step"), [(HEADER_FILE, 1), (LOG_FILE, 7), ("errors/t000.txt", 1)])
def test_a_changed_character_is_found_wherever_it_is(cell: Path, file: str, step: int) -> None:
    whole = (cell / file).read_bytes()
    for at in range(0, len(whole), step):
        changed = bytearray(whole)
        changed[at] = ord("7") if whole[at] != ord("7") else ord("8")
        (cell / file).write_bytes(changed)
        found = examine(cell / HEADER_FILE)
        assert found.faults or not found.sealed, f"character {at} of {file}"
    (cell / file).write_bytes(whole)
    assert not examine(cell / HEADER_FILE).faults


@pytest.mark.parametrize("file", [LOG_FILE, "errors/t000.txt"])
def test_a_shortened_or_missing_file_is_found(cell: Path, file: str) -> None:
    (cell / file).write_bytes((cell / file).read_bytes()[:-1])
    assert [fault.file for fault in examine(cell / HEADER_FILE).faults] == [file]
    (cell / file).unlink()
    assert [fault.file for fault in examine(cell / HEADER_FILE).faults] == [file]


def test_a_search_that_goes_on_leaves_its_seal_right_and_the_next_one_covers_all(cell: Path) -> None:
    before = digest(cell / HEADER_FILE)
    append(cell, LOG_FILE)
    append(cell, RETRAIN_FILE)
    found = examine(cell / HEADER_FILE)
    assert not found.faults
    assert found.open_bytes == {
        LOG_FILE: (cell / LOG_FILE).stat().st_size // 2,
        RETRAIN_FILE: (cell / RETRAIN_FILE).stat().st_size,
    }
    must_be_as_sealed(cell)
    write_header(cell, read_header(cell))
    assert not examine(cell / HEADER_FILE).open_bytes
    assert digest(cell / HEADER_FILE) != before


def test_a_half_written_line_is_not_sealed_so_that_it_can_be_cut_off(cell: Path) -> None:
    with (cell / LOG_FILE).open("a", encoding="utf-8") as log:
        log.write('{"kind": "eval')
    write_header(cell, read_header(cell))
    with LogWriter(cell) as writer:
        assert writer.repaired
    assert not examine(cell / HEADER_FILE).faults


def test_a_changed_log_is_never_gone_on_with(cell: Path) -> None:
    text = (cell / LOG_FILE).read_text()
    (cell / LOG_FILE).write_text(text.replace("0.75", "0.85", 1))
    with pytest.raises(RecordError, match=r"trials\.jsonl was changed after it was written .* put the file back"):
        must_be_as_sealed(cell)


def test_a_header_from_before_seals_is_not_sealed_and_not_wrong(cell: Path) -> None:
    text = (cell / HEADER_FILE).read_text()
    (cell / HEADER_FILE).write_text(text[: text.rindex(",\n")] + "\n}\n")
    found = examine(cell / HEADER_FILE)
    assert not found.sealed
    assert not found.faults
    assert set(found.open_bytes) == {LOG_FILE, "errors/t000.txt"}
    must_be_as_sealed(cell)
    assert read_header(cell).status == "finished"
