"""Being told to stop: the search ends in order, in one line, and the same command completes it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from tests.end_to_end.command import ROOT
from tests.end_to_end.test_resume import CURVE, cell_path
from tuneoff.records.schema import SessionEndRecord
from tuneoff.records.store import LOG_FILE, load_cell

LIMIT_SECONDS = 240


@pytest.mark.ray
def test_termination_ends_a_search_as_an_interrupt_does(tmp_path):
    arguments = [*CURVE, f"results={tmp_path}", "view=lines", "algorithm=random", "algorithm.trials=40"]
    command = [sys.executable, "-m", "benchmarks.run", *arguments]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    log = cell_path(tmp_path, "random") / LOG_FILE
    until = time.monotonic() + LIMIT_SECONDS
    while not (log.exists() and '"evaluation"' in log.read_text()):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < until
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=LIMIT_SECONDS)
    assert process.returncode == 143
    assert said.strip() == "stopped: what was done is recorded, and the same command goes on from there"
    cell = load_cell(cell_path(tmp_path, "random"))
    last = cell.records[-1]
    assert isinstance(last, SessionEndRecord)
    assert last.status == "interrupted"
    assert cell.header.status == "running"
