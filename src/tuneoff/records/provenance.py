"""Where a result comes from: versions and commit. Everything that a reader needs to make it again."""

from __future__ import annotations

import hashlib
import platform
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib import import_module
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
    "scipy",
    "hyperopt",
    "scikit-learn",
    "tokenizers",
)

_PACKAGE = Path(__file__).resolve().parents[1]


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


def git(package: Path = _PACKAGE) -> dict[str, Any]:
    """commit and dirty flag of the code that runs; None for each where git does not know it.

    dirty: a file of the package differs from the commit or is not in it; files elsewhere in the working tree don't count.
    """
    tracked = _git(package, "ls-files", "--error-unmatch", "__init__.py") is not None
    commit = _git(package, "rev-parse", "HEAD") if tracked else None
    status = _git(package, "status", "--porcelain", "--untracked-files=all", "--", ".") if tracked else None
    return {"commit": commit, "dirty": None if status is None else bool(status)}


def code_hash(package: Path = _PACKAGE) -> str:
    """The first 12 hexadecimal digits of SHA-256 over the package's modules."""
    digest = hashlib.sha256()
    for file in sorted(package.rglob("*.py")):
        digest.update(f"{file.relative_to(package)}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:12]


def plugin_hashes(modules: Iterable[str]) -> dict[str, str]:
    """SHA-256 of the source file of each module that `plugins` names, imported already: code of the user's that ran."""
    found = {}
    for name in modules:
        file = import_module(name).__file__
        if file is not None:
            found[name] = hashlib.sha256(Path(file).read_bytes()).hexdigest()
    return found


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
