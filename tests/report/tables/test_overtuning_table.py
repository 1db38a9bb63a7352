"""The overtuning of made-up searches whose results are known."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import synthetic as syn

from tuneoff.records.schema import Cell
from tuneoff.report.cells import Block
from tuneoff.report.figures import optimism
from tuneoff.report.frames import Frames, build_frames
from tuneoff.report.overtuned import overtuned
from tuneoff.report.tables.overtuning import table


def search(name: str, repeat: int, tests: Sequence[float]) -> Cell:
    """A trial of one epoch each, every one the incumbent by validation score, with these test scores."""
    records = [syn.evaluation(f"t{i}", 1, 0.5 + i / 100, 10 * (i + 1), test=score) for i, score in enumerate(tests)]
    return syn.cell([syn.start(devices=1), *records, syn.end(elapsed=10 * len(tests))], algorithm=name, repeat=repeat)


@pytest.fixture
def made() -> tuple[Block, Frames]:
    """Four epochs each. grid is overtuned in one of three repeats at its end, by 4 points; in two of three after a half, by 2
    and 6. random never is. The default scores 0.70."""
    cells = [
        search("grid", 0, [0.70, 0.68, 0.69, 0.72]),
        search("grid", 1, [0.70, 0.64, 0.71, 0.72]),
        search("grid", 2, [0.70, 0.72, 0.73, 0.69]),
        *(search("random", repeat, [0.70, 0.71, 0.72, 0.73]) for repeat in range(3)),
        *(search("default", repeat, [0.70]) for repeat in range(3)),
    ]
    return next(build_frames(cells).blocks())


def test_how_often_and_by_how_much_by_search_and_budget(made: tuple[Block, Frames]) -> None:
    found = {(one.algorithm, one.share): one for one in overtuned(made[1])}
    half, whole = found["grid", 0.5], found["grid", 1.0]
    assert (half.count, len(half.amounts), half.results) == (2, 3, 2)
    assert half.amounts == pytest.approx((0.02, 0.06, 0.0))
    assert half.when == pytest.approx(0.04)
    assert (half.below_default, half.compared) == (2, 3)
    assert (whole.count, whole.when) == (1, pytest.approx(0.04))
    assert (whole.below_default, whole.compared) == (1, 3)
    assert found["grid", 0.25].count == 0
    assert all(found["random", share].count == 0 for share in (0.25, 0.5, 1.0))
    assert found["default", 1.0].compared == 0


def test_the_table_says_it(made: tuple[Block, Frames]) -> None:
    shown = table(*made)
    assert shown is not None
    row = next(row for row in shown.rows if row[1] == "a half" and row[3] == "2 of 3")
    assert row[4:] == ("67 % [9, 99]", "4.0 points", "6.0 points", "2 of 3")
    assert shown.numbers.set_index(["algorithm", "share_of_cost"]).loc[("grid", 1.0), "largest"] == pytest.approx(0.04)
    assert any("standard error of 3.8 points" in note for note in shown.notes)


def test_without_a_default_nothing_is_compared_with_it() -> None:
    shown = table(*next(build_frames([search("grid", 0, [0.7, 0.6])]).blocks()))
    assert shown is not None
    assert "Below the default" not in shown.columns
    assert any("Without an untuned default" in note for note in shown.notes)


def test_searches_that_held_one_result_have_no_table() -> None:
    assert table(*next(build_frames([search("grid", 0, [0.7])]).blocks())) is None


def test_the_optimism_figure_has_it_from_three_repeats_on(made: tuple[Block, Frames]) -> None:
    data = optimism.data(*made)
    assert data is not None
    assert [one.count for one in data.overtuned["grid"]] == [0, 2, 1]
    few = optimism.data(*next(build_frames([search("grid", 0, [0.7, 0.6])]).blocks()))
    assert few is not None
    assert few.overtuned == {}
