"""Being told to stop: the search ends in order, in one line, and the same command completes it."""

from __future__ import annotations

import signal

import pytest

from tests.end_to_end.command import LIMIT_SECONDS, started
from tests.end_to_end.test_resume import CURVE, cell_path
from tuneoff.records.schema import SessionEndRecord
from tuneoff.records.store import LOG_FILE, load_cell


@pytest.mark.ray
def test_termination_ends_a_search_as_an_interrupt_does(tmp_path):
    arguments = [*CURVE, f"results={tmp_path}", "view=lines", "algorithm=random", "algorithm.trials=40"]
    process = started(cell_path(tmp_path, "random") / LOG_FILE, *arguments)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=LIMIT_SECONDS)
    assert process.returncode == 143
    assert said.strip() == "stopped: what was done is recorded, and the same command goes on from there"
    cell = load_cell(cell_path(tmp_path, "random"))
    last = cell.records[-1]
    assert isinstance(last, SessionEndRecord)
    assert last.status == "interrupted"
    assert cell.header.status == "running"
