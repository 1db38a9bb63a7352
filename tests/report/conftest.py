"""A small study for the report's tests; the builders are in synthetic.py."""

from __future__ import annotations

from pathlib import Path

import many_cells
import pytest
import synthetic as syn
from hypothesis import settings

from tuneoff.records.schema import Cell
from tuneoff.report import cells as study_cells
from tuneoff.report.cells import Block
from tuneoff.report.frames import Frames, build_frames

settings.register_profile("noisy", deadline=None)  # shared cores stall for seconds: time limits say nothing here
settings.load_profile("noisy")


def three_searches(repeats: int = 3) -> list[Cell]:
    return [
        syn.search(name, repeat, quality=quality, minutes=minutes)
        for repeat in range(repeats)
        for name, quality, minutes in (("grid", 0.70, 5.625), ("bayesopt", 0.71, 13.0), ("pbt", 0.75, 6.0))
    ]


@pytest.fixture
def study() -> list[Cell]:
    """Three searches, three repeats each, one of them PBT, and a fourth repeat of it that was cut short."""
    cut = syn.search("pbt", 3, quality=0.75, minutes=3, status="running")
    return [*three_searches(), cut]


@pytest.fixture
def block_and_frames(study: list[Cell]) -> tuple[Block, Frames]:
    return next(build_frames(study).blocks())


@pytest.fixture(scope="session")
def rich_cells() -> list[Cell]:
    """Six searches, ten repeats: stopped, diverged, failed and collapsed trials among them."""
    return [many_cells.search(name, repeat) for name in many_cells.ALGORITHMS for repeat in range(10)]


@pytest.fixture(scope="session", name="rich")
def rich_study(rich_cells: list[Cell]) -> tuple[Block, Frames]:
    again = {study_cells.cell_name(c): many_cells.retrained(c) for c in rich_cells if c.header.repeat < 3}
    return next(build_frames(rich_cells, retrained=again).blocks())


@pytest.fixture
def results(tmp_path: Path, study: list[Cell]) -> Path:
    """A results folder with the study `demo` in it."""
    for made in study:
        syn.write(tmp_path / "results", made)
    return tmp_path / "results"
