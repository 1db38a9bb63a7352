"""Running the entry points as a person does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
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
