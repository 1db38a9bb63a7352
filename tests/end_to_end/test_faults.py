"""Faults of processes and machines in a running search: it ends, or goes on with the same command, and loses no result."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.end_to_end.command import FAST, ROOT
from tests.end_to_end.test_resume import cell_path
from tuneoff.records.store import LOG_FILE, load_cell

pytestmark = pytest.mark.ray
LIMIT_SECONDS = 240


def search(results: Path, *arguments: str) -> subprocess.Popen[str]:
    """A running search with one evaluation in its log."""
    given = [
        *FAST,
        f"results={results}",
        "view=lines",
        "algorithm=random",
        "resources.slots=1",
        "task.train_rows=900",
        *arguments,
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.run", *given], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    log = cell_path(results, "random") / LOG_FILE
    until = time.monotonic() + LIMIT_SECONDS
    while not (log.exists() and '"evaluation"' in log.read_text()):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < until
        time.sleep(0.05)
    return process


def workers(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """The processes that train."""
    found = psutil.Process(process.pid).children(recursive=True)
    return [one for one in found if (one.cmdline() or [""])[0].startswith("ray::WorkerActor")]


def test_a_trial_that_hangs_is_ended_counted_and_paid_for_and_its_place_is_free_for_the_next(tmp_path):
    process = search(tmp_path, "algorithm.trials=3", "resources.hang_seconds=8", "hparams.num_epochs=3")
    [worker] = workers(process)
    worker.send_signal(signal.SIGSTOP)
    _, said = process.communicate(timeout=LIMIT_SECONDS)
    assert process.returncode == 0, said
    cell = load_cell(cell_path(tmp_path, "random"))
    ends = {end.trial_id: end for end in cell.trial_ends}
    assert [ends[name].status for name in ("t000", "t001", "t002")] == ["failed", "completed", "completed"]
    assert ends["t000"].reason == "it hung: no evaluation in 8 s (resources.hang_seconds)"
    assert ends["t000"].cost.train_seconds == 8
    assert cell.wall_seconds > 8
    assert not worker.is_running(), "no process is left behind"
