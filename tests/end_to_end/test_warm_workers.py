"""One command's searches share their executors, and nothing of them is left when it ends, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest

from tests.end_to_end.command import FAST, ROOT, run
from tuneoff.records.schema import CalibrationRecord, SessionStartRecord
from tuneoff.records.store import find_cells, load_cell

SWEEP = ("-m", "algorithm=default,random,pbt", "algorithm.trials=3", "study=all")


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    done = run(folder, *SWEEP, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    return {cell.header.algorithm: cell for cell in map(load_cell, find_cells(folder))}


def test_all_searches_of_a_command_train_in_the_same_processes(cells):
    workers = {name: {e.worker for e in cell.evaluations} for name, cell in cells.items()}
    both = workers["random"] | workers["pbt"]
    assert workers["default"] <= both
    assert len(both) <= int(cells["pbt"].devices)


def test_each_session_has_its_own_calibration_and_start_up_within_it(cells):
    for name, cell in cells.items():
        measured = [r for r in cell.records if isinstance(r, CalibrationRecord)]
        assert len(measured) == len({e.worker for e in cell.evaluations}), name
        assert all(0 < r.start_up_seconds <= r.elapsed_seconds + 0.5 for r in measured), name
        busy = sum(e.cost.seconds for e in cell.evaluations) + sum(e.cost.seconds for e in cell.trial_ends)
        assert 0 < busy <= cell.wall_seconds * cell.devices * 1.02, name


def test_a_warm_worker_trains_bit_for_bit_as_a_fresh_one(cells, tmp_path):
    done = run(tmp_path, "algorithm=random", *SWEEP[2:])
    assert done.returncode == 0, done.stderr[-3000:]
    (alone,) = map(load_cell, find_cells(tmp_path))

    def scores(cell):
        return {(r.trial_id, r.evaluation): (r.hparams, r.validation.loss) for r in cell.evaluations}

    assert scores(alone) == scores(cells["random"])


def test_workers_are_there_before_the_session_that_is_charged_and_gone_when_the_command_is_killed(tmp_path):
    arguments = [*FAST, f"results={tmp_path}", "view=quiet", "algorithm=random", "algorithm.trials=500"]
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.run", *arguments],
        cwd=ROOT,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    log = tmp_path / "main" / "entail-micro" / "random" / "repeat-0" / "trials.jsonl"
    until = time.monotonic() + 240
    while not (log.exists() and b'"evaluation"' in log.read_bytes()):
        assert time.monotonic() < until
        assert process.poll() is None
        time.sleep(0.1)
    cell = load_cell(log.parent)
    workers = {int(e.worker.split(":")[1]) for e in cell.evaluations}
    assert all(is_alive(pid) for pid in workers)
    session = next(r for r in cell.records if isinstance(r, SessionStartRecord))
    assert all(started(pid) < datetime.fromisoformat(session.time_utc).timestamp() for pid in workers), (
        "what a command does once, imports among it, is no search's charge"
    )
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    while any(is_alive(pid) for pid in workers):
        assert time.monotonic() < until, "an executor outlived its driver"
        time.sleep(0.1)


def started(pid: int) -> float:
    """Seconds since 1970."""
    boot = next(float(line.split()[1]) for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime"))
    return boot + int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19]) / os.sysconf("SC_CLK_TCK")


def is_alive(pid: int) -> bool:
    """Whether it runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
