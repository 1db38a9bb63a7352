"""A searcher from outside the repository: one file and one YAML, checked by one command and run like any other."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.command import command
from tuneoff.records.store import find_cells, load_cell

HERE = Path(__file__).parent


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A user's own, with the module and its YAML in it."""
    shutil.copy(HERE / "hill_search.py", tmp_path)
    shutil.copy(HERE / "curve_engine.py", tmp_path)
    shutil.copytree(HERE / "conf", tmp_path / "conf")
    return tmp_path


def checked(folder: Path) -> subprocess.CompletedProcess[str]:
    """The command of docs/extending.md."""
    arguments = ("conf/algorithm/hill.yaml", "--plugins", "hill_search")
    return subprocess.run(
        [sys.executable, "-m", "tuneoff.algorithms.conformance", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_rules_are_checked_by_one_command(folder):
    done = checked(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("kept") == 6


@pytest.mark.parametrize(
    ("text", "other", "message"),
    [
        ("return drawn", "return dict(list(drawn.items())[:-1])", "a point must have the names"),
        ("drawn = self.space.sample(rng)", "drawn = self.space.sample(__import__('numpy').random.default_rng())", "same seed"),
        ("name: drawn[name]}", "name: 64}", "outside the space"),
    ],
)
def test_a_searcher_that_breaks_a_rule_is_told_which(folder, text, other, message):
    module = folder / "hill_search.py"
    source = module.read_text(encoding="utf-8")
    assert text in source
    module.write_text(source.replace(text, other), encoding="utf-8")
    done = checked(folder)
    assert done.returncode == 1
    assert re.search(message, done.stdout + done.stderr)


@pytest.mark.ray
def test_a_search_runs_with_it(folder):
    done = command(
        "run",
        *("--config-dir", str(folder / "conf"), "plugins=[hill_search,curve_engine]", "algorithm=hill", "engine=curve"),
        *("space=curve", "budget=epochs:24", "resources.slots=2", "view=quiet", f"results={folder / 'results'}"),
        PYTHONPATH=f"{folder}",
    )
    assert done.returncode == 0, done.stderr[-3000:]
    (cell,) = map(load_cell, find_cells(folder))
    assert cell.header.status == "finished"
    starts = [r.hparams for r in cell.records if r.kind == "trial_start"]
    assert len(starts) > 6
    assert len({point["speed"] for point in starts[:5]}) == 5


def test_the_document_shows_both_files():
    text = (HERE.parents[1] / "docs" / "extending.md").read_text(encoding="utf-8")
    shown = dict(re.findall(r"`tests/extending/([\w/.]+)`[^\n]*:\n```\w+\n(.*?)```", text, re.DOTALL))
    for name in ("hill_search.py", "conf/algorithm/hill.yaml"):
        assert shown[name] == (HERE / name).read_text(encoding="utf-8")
    assert "python -m tuneoff.algorithms.conformance conf/algorithm/hill.yaml --plugins hill_search" in text
