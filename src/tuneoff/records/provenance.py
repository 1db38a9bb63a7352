"""Where a result comes from: versions and commit. Everything that a reader needs to make it again."""

from __future__ import annotations

import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PROTOCOL_VERSION = "0.3"
"""Results compare within one major.minor; docs/PROTOCOL.md says what it covers."""
_PACKAGES = (
    "tuneoff",
    "torch",
    "transformers",
    "ray",
    "numpy",
    "hydra-core",
    "bayesian-optimization",
    "hyperopt",
    "scikit-learn",
    "tokenizers",
)


def now_utc() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def git() -> dict[str, Any]:
    """commit and dirty flag of the working tree the code runs from; None for each where there is no git."""
    root = Path(__file__).resolve().parents[3]
    commit = _git(root, "rev-parse", "HEAD")
    status = _git(root, "status", "--porcelain", "--untracked-files=no")
    return {"commit": commit, "dirty": None if status is None else bool(status)}


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
