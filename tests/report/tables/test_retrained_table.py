"""The winners trained again: gap, cost with and without, and where they must not leak in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import synthetic as syn

from tuneoff.records.schema import Cell, Record
from tuneoff.records.store import RETRAIN_FILE, LogWriter
from tuneoff.report.cells import cell_name
from tuneoff.report.frames import build_frames, load_frames
from tuneoff.report.tables.retrained import table as retrained_table


def searched(repeat: int = 0, test: float = 0.75) -> Cell:
    return syn.cell([syn.start(devices=1), syn.evaluation("a", 1, 0.8, 50, test=test), syn.end(elapsed=3600)], repeat=repeat)


def second_log(scores: list[float]) -> list[Record]:
    """The first evaluation of each run is better than its end, which is what counts."""
    runs = [
        e
        for i, s in enumerate(scores)
        for e in (syn.evaluation(f"r{i}", 1, 0.9, 10.0 + i, test=0.99), syn.evaluation(f"r{i}", 2, 0.8, 20.0 + i, test=s))
    ]
    return [syn.start(devices=1), *runs, syn.end(elapsed=1800)]


def table(pairs: list[tuple[Cell, list[float]]]):  # type: ignore[no-untyped-def]
    again = {cell_name(c): syn.replace(c, records=tuple(second_log(scores))) for c, scores in pairs}
    block, frames = next(build_frames([c for c, _ in pairs], retrained=again).blocks())
    return retrained_table(block, frames)


def test_the_gap_of_one_repeat_has_the_interval_of_one_score_against_five() -> None:
    scores = [0.70, 0.71, 0.72, 0.73, 0.74]
    made = table([(searched(), scores)])
    row = made.numbers.iloc[0]
    half = 2.776445 * np.std(scores, ddof=1) * np.sqrt(1.2)
    assert row["gap"] == pytest.approx(0.03)
    assert (row["gap_low"], row["gap_high"]) == pytest.approx((0.03 - half, 0.03 + half), abs=1e-6)
    assert made.rows[0][:4] == ("grid", "75.0 %", "72.0 ± 1.6 %", "5")
    assert "too few" not in " ".join(made.notes)


def test_over_repeats_the_gap_is_the_mean_of_each_repeats_own() -> None:
    made = table([(searched(0, 0.75), [0.70, 0.72]), (searched(1, 0.77), [0.76, 0.76])])
    assert made.numbers.loc[0, "gap"] == pytest.approx((0.04 + 0.01) / 2)
    assert "Fewer than 5 seeds" in made.notes[1]


def test_cost_is_given_with_and_without_retraining() -> None:
    made = table([(searched(), [0.7] * 5)])
    assert made.numbers.loc[0, ["search_dollars", "total_dollars"]].tolist() == pytest.approx([3.06, 1.5 * 3.06])
    assert made.rows[0][-2:] == ("3.06", "4.59")


def test_nothing_retrained_no_table() -> None:
    block, frames = next(build_frames([searched()]).blocks())
    assert retrained_table(block, frames) is None


def test_the_second_log_is_read_and_changes_nothing_of_the_search(tmp_path: Path) -> None:
    path = syn.write(tmp_path, searched())
    before = load_frames(tmp_path)
    with LogWriter(path, RETRAIN_FILE) as log:
        for record in second_log([0.7] * 5):
            log.append(record)
    after = load_frames(tmp_path)
    assert len(after.retrained) == 5
    assert before.cells.equals(after.cells)
    assert before.evaluations.equals(after.evaluations)
