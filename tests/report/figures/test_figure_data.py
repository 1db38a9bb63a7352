"""The numbers behind the figures about money, choices and ancestry."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import synthetic as syn

from tuneoff.evaluation import Cost
from tuneoff.records.schema import Cell
from tuneoff.report.cells import Block
from tuneoff.report.figures import _style as style
from tuneoff.report.figures import (
    cost_breakdown,
    critical_difference,
    early_stopping,
    gantt,
    hyperparameters,
    lineage,
    optimism,
)
from tuneoff.report.frames import Frames, build_frames
from tuneoff.report.ledger import IDLE

Made = tuple[Block, Frames]


def made(*cells: Cell) -> Made:
    return next(build_frames(cells).blocks())


def test_the_ledger_adds_up_to_the_charge(block_and_frames: Made) -> None:
    data = cost_breakdown.data(*block_and_frames)
    assert data is not None
    np.testing.assert_allclose(data.bought.sum(axis=1), data.charged)
    np.testing.assert_allclose(data.outcomes.sum(axis=1), data.charged)
    assert data.charged["grid"] == pytest.approx(45)


def test_the_ledger_names_what_failed_trials_cost_per_repeat() -> None:
    cells = []
    for repeat in range(2):
        lost = syn.trial_end("z", 50, "failed", "out of memory", cost=Cost(train_seconds=120.0 * repeat))
        cells.append(syn.cell([syn.start(), syn.evaluation("a", 1, 0.7, 40), lost, syn.end()], repeat=repeat))
    data = cost_breakdown.data(*made(*cells))
    assert data is not None
    assert data.outcomes.loc["grid", "failed"] == pytest.approx(1.0)


def test_devices_shared_by_trials_leave_no_negative_idle_time() -> None:
    both = [syn.evaluation(name, 1, 0.7, 50) for name in ("a", "b")]
    records = [syn.start(devices=1), *both, syn.end(elapsed=60)]
    data = cost_breakdown.data(*made(syn.cell(records)))
    assert data is not None
    assert data.bought.loc["grid", IDLE] == 0
    assert data.bought.loc["grid"].sum() == pytest.approx(2)
    assert data.charged["grid"] == pytest.approx(1)


def test_optimism_has_students_interval_over_repeats_and_the_proportions_one_for_a_single_run() -> None:
    cells = [
        syn.cell([syn.start(), syn.evaluation("a", 1, v, 10, test=t)], repeat=k)
        for k, (v, t) in enumerate([(0.78, 0.70), (0.80, 0.75), (0.76, 0.71)])
    ]
    over = optimism.data(*made(*cells))
    one = optimism.data(*made(cells[0]))
    assert over is not None
    assert one is not None
    assert over.intervals["grid"].estimate == pytest.approx(0.06)
    assert one.intervals["grid"].low < 0.08 < one.intervals["grid"].high


def test_only_hyperparameters_that_were_varied_get_a_panel(block_and_frames: Made) -> None:
    data = hyperparameters.data(*block_and_frames)
    assert data is not None
    assert set(data.varied) == {"learning_rate", "weight_decay", "batch_size"}
    assert len(data.trials) == 9 * 8
    best = block_and_frames[1].finished().cells.groupby("algorithm")["validation"].max()
    assert data.trials.groupby("algorithm")["validation"].max().to_dict() == pytest.approx(best.to_dict())


def test_a_trial_stands_at_the_values_in_force_at_its_best() -> None:
    records = [syn.start()]
    for i, lr in enumerate((1e-5, 2e-5, 4e-5)):
        records += [
            syn.evaluation(f"t{i}", 1, 0.8, 10.0 + i, hparams={"learning_rate": lr}),
            syn.evaluation(f"t{i}", 2, 0.6, 20.0 + i, hparams={"learning_rate": 10 * lr}),
        ]
    data = hyperparameters.data(*made(syn.cell(records)))
    assert data is not None
    assert sorted(data.trials["learning_rate"]) == [1e-5, 2e-5, 4e-5]
    assert not hyperparameters.is_logarithmic(data.trials["learning_rate"])


def test_an_axis_is_logarithmic_where_the_values_are_spread_so() -> None:
    assert hyperparameters.is_logarithmic(pd.Series(np.geomspace(1e-5, 1e-3, 30)))
    assert not hyperparameters.is_logarithmic(pd.Series(np.linspace(1e-4, 0.3, 30))), "uniform, however wide"
    assert not hyperparameters.is_logarithmic(pd.Series([0.0, 0.1, 10.0]))


def test_a_stopped_trial_and_a_broken_one_have_marks_of_their_own() -> None:
    planned = {"num_epochs": 3}
    records = [
        syn.start(),
        *(syn.evaluation(t, 1, v, 10, hparams=planned) for t, v in (("a", 0.7), ("b", 0.6), ("c", 0.5))),
        syn.evaluation("a", 2, 0.8, 20, hparams=planned),
        syn.trial_end("a", 21, hparams=planned),
        syn.trial_end("b", 21, "stopped", "early", hparams=planned),
        syn.trial_end("c", 21, "diverged", "nan", hparams=planned),
    ]
    data = early_stopping.data(*made(syn.cell(records)))
    assert data is not None
    curves = data.curves["grid"]
    assert set(curves.loc[curves["stopped"], "trial_id"]) == {"b"}
    assert set(curves.loc[curves["broken"], "trial_id"]) == {"c"}


def bred() -> Cell:
    """a: 1, 2; b: 1, then copies a's first evaluation, and wins at 3."""
    lr = [{"learning_rate": v} for v in (1e-5, 2e-5, 3e-5)]
    return syn.cell(
        [
            syn.start(devices=1),
            syn.evaluation("a", 1, 0.70, 60, hparams=lr[0]),
            syn.evaluation("b", 1, 0.60, 120, hparams=lr[1]),
            syn.evaluation("a", 2, 0.71, 180, hparams=lr[0]),
            syn.evaluation("b", 2, 0.72, 240, hparams=lr[2], parent_trial_id="a", parent_evaluation=1),
            syn.evaluation("b", 3, 0.75, 300, hparams=lr[2]),
            syn.end(elapsed=360),
        ],
        algorithm="pbt",
    )


def test_lineage_says_who_copied_whom_and_when() -> None:
    data = lineage.data(*made(bred()))
    assert data is not None
    assert data.lanes == ("a", "b")
    assert data.copies.to_dict("records") == [{"from_lane": 0, "from_minute": 1.0, "to_lane": 1, "to_minute": 2.0}]
    assert data.intervals["value"].tolist() == [1e-5, 2e-5, 1e-5, 3e-5, 3e-5]
    assert data.intervals[["begin", "end"]].to_numpy().tolist() == [[0, 1], [0, 2], [1, 3], [2, 4], [4, 5]]


def test_the_winners_ancestry_runs_through_the_donor() -> None:
    block, frames = made(bred())
    assert lineage.ancestry(frames.evaluations) == [("b", 3), ("b", 2), ("a", 1)]
    data = lineage.data(block, frames)
    assert data is not None
    assert data.intervals["winning"].tolist() == [True, False, False, True, True]


def test_no_copies_no_lineage() -> None:
    assert lineage.data(*made(syn.search("grid", 0, quality=0.7))) is None


def test_bars_of_one_worker_never_overlap(block_and_frames: Made) -> None:
    data = gantt.data(*block_and_frames)
    assert data is not None
    assert set(data.bars) == {"grid", "bayesopt", "pbt"}
    for bars in data.bars.values():
        assert bars["best"].sum() == 1
        for _, own in bars.sort_values("begin").groupby("lane"):
            assert (own["begin"].to_numpy()[1:] >= own["end"].to_numpy()[:-1] - 1e-9).all()


def test_a_bar_ends_when_its_score_was_known_and_lasts_its_device_time() -> None:
    records = [syn.start(devices=1), syn.evaluation("a", 1, 0.7, 100, cost=syn.cost(30)), syn.end(elapsed=120)]
    data = gantt.data(*made(syn.cell(records)))
    assert data is not None
    bar = data.bars["grid"].iloc[0]
    assert (bar["end"] * 60, (bar["end"] - bar["begin"]) * 60) == pytest.approx((100, 30))


def test_ranks_are_drawn_from_ten_common_repeats_on(tmp_path: Path) -> None:
    """grid is always best by far; random and pbt take turns: they are joined, and grid stands alone."""
    cells = []
    for k in range(12):
        scores = {"grid": 0.8, "random": 0.6 + 0.01 * (k % 2), "pbt": 0.605}
        cells += [
            syn.cell([syn.start(), syn.evaluation("a", 1, 0.7, 10, test=s), syn.end()], algorithm=a, repeat=k)
            for a, s in scores.items()
        ]
    data = critical_difference.data(*made(*cells))
    assert data is not None
    assert data.ranks.to_dict() == {"grid": 1.0, "random": 2.5, "pbt": 2.5}
    assert data.distance == pytest.approx(2.343 * np.sqrt(12 / (6 * 12)), abs=1e-3)
    assert data.groups == [(2.5, 2.5)]
    near = syn.replace(data, ranks=data.ranks.replace({2.5: 2.4}))
    assert near.groups == [(2.4, 2.4)]
    with style.figure() as drawn:
        critical_difference.draw(near, drawn)
        style.save(drawn, tmp_path / "cd")
    assert critical_difference.data(*made(*cells[:27])) is None
    assert critical_difference.data(*made(*[c for c in cells if c.header.algorithm != "pbt"])) is None
