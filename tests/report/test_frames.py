"""Records to frames: incumbents, ledgers, charges."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pandas as pd
import pytest
import synthetic as syn
from hypothesis import given, settings
from hypothesis import strategies as st

from tuneoff.evaluation import Cost
from tuneoff.price import Price
from tuneoff.records.charge import charged_seconds
from tuneoff.records.schema import Cell, TrialStartRecord
from tuneoff.records.store import RecordError
from tuneoff.report.frames import LEDGER, build_frames


def only(made: Cell) -> pd.Series:
    return build_frames([made]).cells.iloc[0]


def test_the_best_evaluation_of_any_trial_wins_though_it_is_not_a_last_one() -> None:
    row = only(
        syn.cell(
            [
                syn.start(),
                syn.evaluation("a", 1, 0.80, 10, test=0.7),
                syn.evaluation("a", 2, 0.6, 20),
                syn.evaluation("b", 1, 0.75, 30),
            ]
        )
    )
    assert (row["incumbent_trial"], row["incumbent_evaluation"]) == ("a", 1)
    assert row["validation"] == 0.80
    assert row["test"] == 0.7
    assert row["optimism"] == pytest.approx(0.1)


def test_a_tie_goes_to_the_earliest_known_whatever_the_order_of_lines() -> None:
    late, early = syn.evaluation("a", 1, 0.8, 20, test=0.6), syn.evaluation("b", 1, 0.8, 10, test=0.7)
    row = only(syn.cell([syn.start(), late, early]))
    assert row["incumbent_trial"] == "b"
    assert row["test"] == 0.7


def test_of_equals_one_with_a_test_score_takes_over_from_one_without() -> None:
    records = [
        syn.start(),
        syn.evaluation("a", 1, 0.8, 10),
        syn.evaluation("b", 1, 0.8, 11, test=0.7),
        syn.evaluation("c", 1, 0.8, 12, test=0.9),
    ]
    row = only(syn.cell(records))
    assert (row["incumbent_trial"], row["test"]) == ("b", 0.7)


def test_an_incumbent_without_test_has_no_test_score_not_an_older_one() -> None:
    row = only(syn.cell([syn.start(), syn.evaluation("a", 1, 0.7, 10, test=0.69), syn.evaluation("b", 1, 0.8, 20)]))
    assert math.isnan(row["test"])


def test_increments_are_summed_ends_of_trials_included() -> None:
    records = [
        syn.start(),
        syn.evaluation("a", 1, 0.7, 10),
        syn.evaluation("a", 2, 0.7, 20),
        syn.trial_end("b", 30, "failed", "out of memory", cost=Cost(train_seconds=5, train_examples=500)),
    ]
    row = only(syn.cell(records))
    assert row["busy_seconds"] == pytest.approx(125)
    assert sum(row[name] for name in LEDGER) == pytest.approx(row["busy_seconds"])
    assert row["epochs_trained"] == pytest.approx(2.5)
    assert (row["trials"], row["failed"], row["unended"]) == (2, 1, 1)


def test_a_trial_that_was_only_proposed_is_counted_and_keeps_its_proposal() -> None:
    proposed = TrialStartRecord(trial_id="b", hparams={"learning_rate": 1e-5}, elapsed_seconds=15)
    frames = build_frames([syn.cell([syn.start(), syn.evaluation("a", 1, 0.7, 10), syn.trial_end("a", 20), proposed])])
    assert frames.cells.loc[0, "trials"] == 2
    assert frames.trials.set_index("trial_id").loc["b", ["status", "hp_learning_rate"]].tolist() == ["unended", 1e-5]


def test_the_published_charge_comes_out() -> None:
    row = only(syn.cell([syn.start(devices=8), syn.evaluation("a", 1, 0.7, 300), syn.end(elapsed=5.625 * 60)]))
    assert row["charged_seconds"] / 60 == pytest.approx(45)
    assert row["dollars"] == pytest.approx(2.295)


def test_sessions_with_other_devices_are_charged_for_their_own() -> None:
    made = syn.cell(
        [syn.start(1, 0, devices=8), syn.evaluation("a", 1, 0.7, 90), syn.start(2, 100, devices=2), syn.end(2, 200)]
    )
    assert charged_seconds(made, 200) == 8 * 100 + 2 * 100
    assert charged_seconds(made, 150) == 8 * 100 + 2 * 50
    assert charged_seconds(made, 50) == 8 * 50


def test_another_price_changes_dollars_only() -> None:
    made, own = syn.search("grid", 0, quality=0.7), Price(name="own", per_device_hour_usd=6.12, source="s", date="d")
    cheap, dear = build_frames([made]), build_frames([made], own)
    assert dear.cells.loc[0, "dollars"] == pytest.approx(2 * cheap.cells.loc[0, "dollars"])
    assert dear.cells.loc[0, "charged_seconds"] == cheap.cells.loc[0, "charged_seconds"]
    assert dear.cells.loc[0, "price"] == "own"


def test_a_collapsed_trial_is_one_whose_last_evaluation_predicts_one_class() -> None:
    gone = syn.score(0.5, syn.N_VALIDATION, collapsed=True)
    records = [
        syn.start(),
        replace(syn.evaluation("a", 1, 0.5, 10), validation=gone),
        syn.evaluation("a", 2, 0.7, 20),
        syn.evaluation("b", 1, 0.7, 10),
        replace(syn.evaluation("b", 2, 0.5, 20), validation=gone),
    ]
    assert only(syn.cell(records))["collapsed"] == 1


def test_a_cell_without_evaluations_has_no_score() -> None:
    frames = build_frames([syn.cell([syn.start()], status="failed")])
    assert math.isnan(frames.cells.loc[0, "validation"])
    assert not frames.cells.loc[0, "finished"]
    assert frames.evaluations.empty
    assert len(frames.finished().cells) == 0


def test_a_missing_metric_is_an_error_not_a_guess() -> None:
    with pytest.raises(RecordError, match="'f1'"):
        build_frames([syn.cell([syn.start(), syn.evaluation("a", 1, 0.7, 10)], metric="f1")])


def test_a_missing_training_size_is_an_error() -> None:
    with pytest.raises(RecordError, match="n_train"):
        build_frames([syn.cell([syn.start(), syn.evaluation("a", 1, 0.7, 10)], data={})])


def test_task_models_and_protocols_are_kept_apart() -> None:
    made = [
        syn.search("grid", 0, quality=0.7),
        syn.search("grid", 0, quality=0.8, task="mrpc"),
        syn.search("pbt", 0, quality=0.8, task="mrpc", protocol="blog2020"),
    ]
    blocks = {(b.task, b.protocol): len(f.cells) for b, f in build_frames(made).blocks()}
    assert blocks == {("rte", "heldout"): 1, ("mrpc", "heldout"): 1, ("mrpc", "blog2020"): 1}


def test_lineage_reaches_the_frames() -> None:
    frames = build_frames([syn.search("pbt", 0, quality=0.7)])
    copied = frames.evaluations.dropna(subset=["parent_trial_id"])
    assert set(copied["trial_id"]) == {"t6", "t7"}
    assert frames.cells.loc[0, "exploits"] == len(copied) == 4


def test_a_repair_is_one_sentence() -> None:
    made = replace(syn.search("grid", 0, quality=0.7), repaired="line 9 was half-written")
    assert build_frames([made]).repairs == ("demo/rte-bert-base/grid/repeat-0: line 9 was half-written",)


@settings(max_examples=30)
@given(st.randoms(use_true_random=False), st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_the_order_of_lines_and_cells_changes_nothing(shuffler: random.Random, values: list[float]) -> None:
    records = [syn.start(), *(syn.evaluation(f"t{i % 3}", i, v, 10.0 * (i // 2), test=v / 2) for i, v in enumerate(values))]
    cells = [syn.cell(records), syn.cell(records, algorithm="pbt")]
    want = build_frames(cells)
    shuffled = [replace(c, records=tuple(shuffler.sample(records, len(records)))) for c in cells]
    got = build_frames(shuffler.sample(shuffled, 2))
    pd.testing.assert_frame_equal(want.cells, got.cells)
    pd.testing.assert_frame_equal(want.evaluations, got.evaluations)
