"""What an installed package has: every file of the source tree that is no module."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "tuneoff"


def test_every_file_that_the_code_reads_is_installed() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (patterns,) = settings["tool"]["setuptools"]["package-data"].values()
    installed = {path for pattern in patterns for path in PACKAGE.glob(pattern)}
    there = {path for path in PACKAGE.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")}
    assert there
    assert {str(path.relative_to(PACKAGE)) for path in there - installed} == set()
