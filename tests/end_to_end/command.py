"""Running the entry points as a person does."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
LIMIT_SECONDS = 240
FAST = (
    "model=micro",
    "task=entail",
    "task.train_rows=200",
    "task.test_rows=60",
    "task.dev_rows=40",
    "model.max_length=32",
    "hparams.num_epochs=2",
    "training.precision=fp32",
)
"""A search of seconds."""


def command(module: str, *arguments: str, timeout: float = 300, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", f"benchmarks.{module}", *arguments],
        cwd=ROOT,
        text=True,
        timeout=timeout,
        capture_output=True,
        check=False,
        env={**os.environ, "COLUMNS": "200", **environment},
    )


def run(results: Path, *arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    return command("run", *FAST, f"results={results}", "view=lines", *arguments, **options)


def started(log: Path, *arguments: str, evaluations: int = 1, **environment: str) -> subprocess.Popen[str]:
    """A running search whose log has so many evaluations."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.run", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
    until = time.monotonic() + LIMIT_SECONDS
    while not (log.exists() and log.read_text().count('"evaluation"') >= evaluations):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < until
        time.sleep(0.05)
    return process
