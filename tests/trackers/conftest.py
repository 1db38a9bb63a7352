"""A study of two recorded searches, copied to where it can be tracked."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tuneoff.records.schema import Cell
from tuneoff.records.store import find_cells, load_cell

RECORDED = Path(__file__).parents[2] / "results" / "entail-searches"
SEARCHES = ("pbt", "random_asha")


@pytest.fixture
def study(tmp_path) -> Path:
    folder = tmp_path / "results" / "entail-searches"
    for search in SEARCHES:
        cell = Path("entail-micro") / search / "repeat-0"
        shutil.copytree(RECORDED / cell, folder / cell)
    return folder


@pytest.fixture
def cells(study) -> dict[str, Cell]:
    return {cell.header.algorithm: cell for cell in map(load_cell, find_cells(study))}
