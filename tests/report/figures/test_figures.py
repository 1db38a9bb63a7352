"""Figures: their data is tested, their drawing is tried."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import synthetic as syn
from hypothesis import given, settings
from hypothesis import strategies as st

from tuneoff.report import figures
from tuneoff.report.cells import Block
from tuneoff.report.curves import Steps, band, steps_by_cell
from tuneoff.report.figures import _style as style
from tuneoff.report.figures import accuracy_vs_cost, incumbent
from tuneoff.report.figures._shared import repeats_text
from tuneoff.report.frames import Frames, build_frames

KINDS = figures.discover_figures()
LACKING = {
    "critical_difference": "three repeats are too few",
    "performance_profile": "there is no default",
    "early_stopping": "nobody was stopped",
    "trial_outcomes": "nothing went wrong",
    "searched_and_retrained": "no retraining",
}
"""Figures that the small study has no data for; the rich one has it all."""
runs = st.lists(st.tuples(st.floats(1, 1000), st.floats(0, 1)), min_size=1, max_size=15)


def test_a_figure_is_found_by_its_file_name() -> None:
    files = {p.stem for p in Path(figures.__file__).parent.glob("*.py")} - {"__init__"}
    assert set(KINDS) == {f for f in files if not f.startswith("_")}
    assert {"accuracy_vs_cost", "incumbent"} <= set(KINDS)
    assert all(kind.title for kind in KINDS.values())


@pytest.mark.parametrize("name", KINDS)
def test_it_draws_an_svg_and_a_png_or_says_that_it_cannot(
    name: str, block_and_frames: tuple[Block, Frames], tmp_path: Path
) -> None:
    kind = KINDS[name]
    data = kind.data(*block_and_frames)
    if name in LACKING:
        assert data is None, LACKING[name]
        return
    assert data is not None
    with style.figure() as made:
        kind.draw(data, made)
        files = style.save(made, tmp_path / name)
    assert [f.suffix for f in files] == [".svg", ".png"]
    assert all(f.stat().st_size > 1000 for f in files)


@pytest.mark.parametrize("name", KINDS)
def test_a_study_that_has_it_all_has_every_figure(name: str, rich: tuple[Block, Frames], tmp_path: Path) -> None:
    data = KINDS[name].data(*rich)
    assert data is not None
    with style.figure() as made:
        KINDS[name].draw(data, made)
        assert all(f.stat().st_size > 1000 for f in style.save(made, tmp_path / name))


@pytest.mark.parametrize("name", KINDS)
def test_nothing_finished_means_no_figure(name: str) -> None:
    block, frames = next(build_frames([syn.cell([syn.start()], status="failed")]).blocks())
    assert KINDS[name].data(block, frames) is None


@pytest.mark.parametrize("name", KINDS)
def test_one_search_without_a_test_score_is_no_crash(name: str, tmp_path: Path) -> None:
    records = [syn.start(), syn.evaluation("a", 1, 0.7, 100), syn.trial_end("a", 110), syn.end(elapsed=120)]
    block, frames = next(build_frames([syn.cell(records)]).blocks())
    data = KINDS[name].data(block, frames)
    if data is not None:
        with style.figure() as made:
            KINDS[name].draw(data, made)
            style.save(made, tmp_path / name)


def test_the_scatter_has_each_finished_cell_at_its_charge(block_and_frames: tuple[Block, Frames]) -> None:
    data = accuracy_vs_cost.data(*block_and_frames)
    assert data is not None
    assert len(data.points) == 9
    grid = next(s for s in data.standings if s.name == "grid")
    assert grid.seconds.estimate / 60 == pytest.approx(45)
    own = data.points[data.points["algorithm"] == "grid"]
    assert grid.score.estimate == pytest.approx(own["test"].mean())
    assert data.dollars_per_minute == pytest.approx(3.06 / 60)


def test_the_curve_ends_where_its_first_repeat_ended_and_at_the_result(block_and_frames: tuple[Block, Frames]) -> None:
    data, cells = incumbent.data(*block_and_frames), block_and_frames[1].finished().cells
    assert data is not None
    for name, curve in data.validation.items():
        own = cells[cells["algorithm"] == name]
        assert curve.cost[-1] == pytest.approx(own["charged_seconds"].min() / 60)
        assert curve.mean[-1] == pytest.approx(own["validation"].mean())
        assert data.test[name].mean[-1] == pytest.approx(own["test"].mean())


def steps_of(run: list[tuple[float, float]]) -> Steps:
    records = [syn.evaluation(f"t{i}", 1, value, elapsed) for i, (elapsed, value) in enumerate(run)]
    frames = build_frames([syn.cell([syn.start(devices=1), *records])])
    return next(iter(steps_by_cell(frames, "validation", "seconds").values()))


@settings(max_examples=50)
@given(runs, st.floats(0, 1100))
def test_no_look_ahead_at_any_cost(run: list[tuple[float, float]], cost: float) -> None:
    """What is known at a cost is the best of what came at or before it, whatever comes later."""
    value = steps_of(run).at(cost)
    known = [v for elapsed, v in run if elapsed <= cost]
    assert np.isnan(value) if not known else value == max(known)


@settings(max_examples=25)
@given(runs, runs)
def test_the_future_changes_no_past(run: list[tuple[float, float]], later: list[tuple[float, float]]) -> None:
    after = [(1000 + elapsed, value) for elapsed, value in later]
    short = steps_of(run)
    long = steps_of(run + after)
    costs = np.linspace(0, 1000, 23)
    np.testing.assert_array_equal(short.at(costs), long.at(costs))


def test_a_band_lasts_from_the_latest_first_point_to_the_earliest_end() -> None:
    one = Steps(cost=np.array([1.0, 4.0]), value=np.array([0.5, 0.7]), end=5.0)
    two = Steps(cost=np.array([2.0, 5.5]), value=np.array([0.6, 0.9]), end=6.0)
    made = band([one, two])
    assert made is not None
    assert made.cost.tolist() == [2.0, 4.0, 5.0]
    assert made.mean.tolist() == pytest.approx([0.55, 0.65, 0.65])
    assert (made.low[0], made.high[0], made.repeats) == (0.5, 0.6, 2)


def test_repeats_that_do_not_overlap_leave_no_band() -> None:
    one = Steps(cost=np.array([1.0]), value=np.array([0.5]), end=2.0)
    assert band([one, Steps(cost=np.array([3.0]), value=np.array([0.6]), end=6.0)]) is None


def test_figures_say_how_many_repeats_a_mean_is_of() -> None:
    one = Steps(cost=np.array([1.0]), value=np.array([0.5]), end=2.0)
    bands = [band([one] * n) for n in (1, 3, 10)]
    assert repeats_text(bands[:1]) == ""
    assert repeats_text(bands[1:2] * 2) == "mean of 3 repeats"
    assert repeats_text(bands[1:]) == "mean of 3 to 10 repeats"


def test_a_repeat_that_knows_nothing_leaves_no_band() -> None:
    one = Steps(cost=np.array([1.0]), value=np.array([0.5]), end=5.0)
    assert band([one, Steps(cost=np.array([]), value=np.array([]), end=5.0)]) is None


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=8), st.floats(0.1, 10))
def test_labels_keep_their_order_and_distance(values: list[float], gap: float) -> None:
    placed = style.spread_apart(values, gap)
    inorder = [placed[i] for i in sorted(range(len(values)), key=lambda i: values[i])]
    assert all(b - a >= gap - 1e-6 for a, b in itertools.pairwise(inorder))


def test_the_same_records_give_the_same_files(block_and_frames: tuple[Block, Frames], tmp_path: Path) -> None:
    kind, written = KINDS["accuracy_vs_cost"], []
    for name in ("a", "b"):
        with style.figure() as made:
            kind.draw(kind.data(*block_and_frames), made)
            written.append([p.read_bytes() for p in style.save(made, tmp_path / name)])
    assert written[0] == written[1]
