"""What stands around several tables: captions, notes, groups of cells, unrounded numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import synthetic as syn

from tuneoff.records.schema import Cell
from tuneoff.report.cells import Block
from tuneoff.report.frames import Frames, build_frames
from tuneoff.report.tables import _shared as shared

EARLIER = {**syn.V100, "name": "earlier", "per_device_hour_usd": 2.5, "date": "2019-01"}
UNFINISHED = "shown as far as recorded, left out of every mean and comparison."


def run(name: str, repeat: int = 0, *, n: tuple[int, int] = (100, 50), seconds: float = 3600.0, **changes: Any) -> Cell:
    """One device, one trial."""
    score = changes.pop("score", 0.7)
    test = None if changes.pop("untested", False) else syn.score(score, n[1])
    validation = syn.score(score, n[0], collapsed=changes.pop("collapsed", False))
    best = syn.replace(syn.evaluation("a", 1, score, 60, test=test), validation=validation)
    records = [syn.start(devices=1, kind=changes.pop("kind", "H100")), best, syn.end(elapsed=seconds)]
    return syn.cell(records, algorithm=name, repeat=repeat, **changes)


def made(*cells: Cell) -> tuple[Block, Frames]:
    return next(build_frames(cells).blocks())


def caption(*cells: Cell) -> str:
    block, frames = made(*cells)
    return shared.caption(block, frames.cells)


def notes(*cells: Cell) -> list[str]:
    frames = made(*cells)[1]
    return shared.cell_notes(frames.cells, frames.algorithms)


def test_a_caption_has_sizes_devices_and_prices() -> None:
    assert caption(run("grid")) == (
        "Task rte, model bert-base, protocol heldout, metric accuracy; validation n = 100, test n = 50; devices 1 x H100; "
        "price v100-2020 ($3.06 per device-hour; AWS p3.16xlarge / 8, 2020-11)."
    )


def test_a_caption_names_what_differs_between_cells() -> None:
    text = caption(run("grid", n=(90, 60)), run("random", price=EARLIER, kind="A100"), run("pbt", n=(95, 50)))
    assert "; validation n = 90 to 100, test n = 50 to 60; devices 1 x A100 and 1 x H100; price " in text
    assert "v100-2020 ($3.06 per device-hour; AWS p3.16xlarge / 8, 2020-11) and earlier ($2.5 per device-hour; " in text


def test_parts_that_no_cell_was_scored_on_are_left_out_of_a_caption() -> None:
    assert "validation n = 100; devices" in caption(run("grid", untested=True))
    assert "test n = 50;" in caption(run("grid", untested=True), run("random")), "of those that have one"
    assert "validation n = 1, test n = 1;" in caption(run("grid", n=(1, 1)))


def test_only_a_protocol_that_tests_the_newest_checkpoint_says_so() -> None:
    assert shared.scope_note(made(run("grid"))[0]) == []
    (note,) = shared.scope_note(made(run("grid", protocol="blog2020"))[0])
    assert note.startswith("Protocol blog2020, as published:")


@pytest.mark.parametrize(("values", "text"), [([2.3], "2.30"), ([2.0, 3.0], "2.50 ± 0.71"), ([1.0, 2.0, 6.0], "3.00 ± 2.65")])
def test_dollars_have_a_spread_where_there_are_repeats(values: list[float], text: str) -> None:
    assert shared.dollars(values) == text


def test_finished_cells_are_grouped_and_each_unfinished_one_stands_alone_marked_and_last() -> None:
    cells = [run("random", 0), run("random", 1), run("grid", 0)]
    cells += [run("random", 3, status="running"), run("random", 2, status="interrupted"), run("default", 0, status="running")]
    frames = made(*cells)[1]
    groups = shared.algorithm_groups(frames.cells, frames.algorithms)
    assert [(name, sorted(g["repeat"])) for name, g in groups] == [
        ("random", [0, 1]),
        ("grid", [0]),
        ("default (repeat 0, running) †", [0]),
        ("random (repeat 2, interrupted) †", [2]),
        ("random (repeat 3, running) †", [3]),
    ]


def test_like_cells_need_no_note() -> None:
    assert notes(run("grid"), run("random")) == []


def test_unfinished_cells_are_counted_and_named() -> None:
    assert notes(run("grid"), run("random", 2, status="running")) == [f"† 1 unfinished cell (random repeat 2): {UNFINISHED}"]


def test_winners_that_collapsed_are_named() -> None:
    assert notes(run("grid"), run("random", collapsed=True)) == [
        "The result of random gives every row the same answer (in at least one repeat): nothing was learned there."
    ]


def test_unlike_prices_devices_and_missing_test_scores_are_said() -> None:
    assert notes(run("grid"), run("random", price=EARLIER)) == [
        "The cells were priced differently: compare dollars with care, or give one price to all."
    ]
    assert notes(run("grid"), run("random", kind="A100")) == [
        "The cells ran on different devices: their minutes and dollars don't compare."
    ]
    assert notes(run("grid"), run("random", untested=True)) == [
        "At least one incumbent has no recorded test score; means are over those that have one."
    ]
    untested = run("random", untested=True, status="running")
    assert notes(run("grid"), untested) == [f"† 1 unfinished cell (random repeat 0): {UNFINISHED}"], "it has no incumbent yet"


def test_means_and_sample_sds_are_kept_unrounded() -> None:
    block, frames = made(*(run("grid", k, score=score) for k, score in enumerate((0.5, 0.6, 0.85))), run("random", score=0.8))
    groups = shared.algorithm_groups(frames.cells, frames.algorithms)
    table = shared.mean_and_sd(block, groups, ["test", "dollars"])
    rows = table.set_index("algorithm")
    assert rows["repeats"].to_dict() == {"random": 1, "grid": 3}
    assert rows.loc["grid", ["test_mean", "test_sd"]].tolist() == pytest.approx(
        [0.65, (0.0325) ** 0.5]
    )  # 0.0225 + 0.0025 + 0.04 = 2 x 0.0325
    assert rows.loc["random", "dollars_mean"] == pytest.approx(3.06)
    assert np.isnan(rows.loc["random", "test_sd"])
    assert rows.loc["grid", ["task", "model", "protocol", "metric", "price", "device_kind"]].tolist() == [
        "rte",
        "bert-base",
        "heldout",
        "accuracy",
        "v100-2020",
        "H100",
    ]
    assert rows["finished"].all()
    assert (rows["per_device_hour_usd"] == 3.06).all()
