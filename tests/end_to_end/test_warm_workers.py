"""Workers start before the session that is charged, and nothing of them is left when a command ends, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

from tests.end_to_end.command import FAST, ROOT
from tuneoff.records.schema import SessionStartRecord
from tuneoff.records.store import load_cell


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
        assert time.monotonic() < until, "a worker outlived its driver"
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
