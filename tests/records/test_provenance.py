"""Where a result comes from: the commit, and whether the code that ran is that commit's."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tuneoff.records.provenance import git, plugin_hashes


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package under version control, in a repository that holds other files as well."""
    folder = tmp_path / "src" / "mine"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "part.py").write_text("x = 1\n")
    (tmp_path / "notes.txt").write_text("a")
    (tmp_path / ".gitignore").write_text("__pycache__/\n")
    author = ("-c", "user.name=a", "-c", "user.email=a@b.c")
    for command in (["init", "-q"], ["add", "-A"], [*author, "commit", "-q", "-m", "one"]):
        subprocess.run(["git", "-C", str(tmp_path), *command], check=True)
    return folder


def test_the_committed_code_is_clean_whatever_else_changed(package: Path) -> None:
    (package.parents[1] / "notes.txt").write_text("b")
    (package.parents[1] / "results.json").write_text("{}")
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "part.pyc").write_text("")
    found = git(package)
    assert found["dirty"] is False
    assert len(found["commit"]) == 40


def test_changed_code_is_dirty(package: Path) -> None:
    (package / "part.py").write_text("x = 2\n")
    assert git(package)["dirty"] is True


def test_code_that_is_not_in_the_commit_is_dirty(package: Path) -> None:
    (package / "searchers").mkdir()
    (package / "searchers" / "new.py").write_text("")
    assert git(package)["dirty"] is True


def test_an_installed_package_has_no_commit_even_within_somebodys_repository(package: Path) -> None:
    installed = package.parents[1] / ".venv" / "mine"
    installed.mkdir(parents=True)
    (installed / "__init__.py").write_text("")
    assert git(installed) == {"commit": None, "dirty": None}


def test_a_plugins_code_is_known_by_its_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_hashed_plugin.py").write_bytes(b"abc = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    known = subprocess.run(["sha256sum", str(tmp_path / "my_hashed_plugin.py")], capture_output=True, text=True, check=True)
    assert plugin_hashes(["my_hashed_plugin"]) == {"my_hashed_plugin": known.stdout.split()[0]}
