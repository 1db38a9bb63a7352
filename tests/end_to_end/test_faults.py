"""Faults of processes and machines in a running search: it ends, or goes on with the same command, and loses no result."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.end_to_end.command import FAST, LIMIT_SECONDS, ROOT, started
from tests.end_to_end.test_resume import cell_path
from tuneoff.records.store import LOG_FILE, load_cell

pytestmark = pytest.mark.ray


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
    return started(cell_path(results, "random") / LOG_FILE, *given)


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


def mounted(folder: Path, megabytes: float) -> None:
    """A disk of this size in the folder; made larger where it is there."""
    again = "remount," if folder.is_mount() else ""
    size = f"{again}size={int(megabytes * 1024)}k"
    folder.mkdir(exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", size, "none", str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"no disk can be mounted here: {done.stderr.strip()}")


def test_a_full_disk_interrupts_a_search_that_goes_on_when_there_is_room(tmp_path):
    results = tmp_path / "disk"
    mounted(results, 1.5)
    try:
        given = [*FAST, f"results={results}", "view=lines", "algorithm=random", "algorithm.trials=3", "resources.slots=2"]
        command = [sys.executable, "-m", "benchmarks.run", *given]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False)
        assert done.returncode == 2, "snapshots don't fit"
        assert "No space left on device" in done.stderr
        assert "goes on with what is recorded" in done.stderr
        assert "Traceback" not in done.stderr
        cell = load_cell(cell_path(results, "random"))
        assert cell.trial_ends == (), "no trial's fault"
        mounted(results, 200)
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False)
        assert done.returncode == 0, done.stderr
        assert [end.status for end in load_cell(cell_path(results, "random")).trial_ends] == ["completed"] * 3
    finally:
        subprocess.run(["umount", "-l", str(results)], check=False)
