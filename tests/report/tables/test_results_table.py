"""The results table in the published form."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import synthetic as syn

from tuneoff.report import wording
from tuneoff.report.cells import Block
from tuneoff.report.frames import Frames, build_frames
from tuneoff.report.tables.details import table as details_table
from tuneoff.report.tables.results import table as results_table

PUBLISHED = [("grid", 102, 91, 5.625), ("bayesopt", 106, 93, 13.0), ("pbt", 108, 98, 6.0)]


def published() -> tuple[Block, Frames]:
    cells = []
    for name, validation, test, minutes in PUBLISHED:
        best = syn.evaluation("a", 1, validation / 138, 60, test=test / 139)
        records = [syn.start(), best, syn.end(elapsed=60 * minutes)]
        cells.append(syn.cell(records, algorithm=name, protocol="blog2020"))
    return next(build_frames(cells).blocks())


def test_the_published_table_comes_out_of_records_like_its_own() -> None:
    table = results_table(*published())
    assert table.columns == ("Algorithm", "Best val acc.", "Best test acc.", "Total GPU min", "Total $")
    text = table.markdown().splitlines()
    rows = [[part.strip() for part in line.strip("|").split("|")] for line in text[6:9]]
    assert rows == [
        ["bayesopt", "76.8 %", "66.9 %", "104", "5.30"],
        ["grid", "73.9 %", "65.5 %", "45", "2.30"],
        ["pbt", "78.3 %", "70.5 %", "48", "2.45"],
    ]


def test_protocol_task_model_price_and_metric_stand_beside_the_numbers() -> None:
    text = results_table(*published()).markdown()
    for what in (
        "protocol blog2020",
        "Task rte",
        "model bert-base",
        "v100-2020",
        "$3.06",
        "2020-11",
        "metric accuracy",
        "8 x Tesla V100",
        "n = 138",
        "n = 139",
    ):
        assert what in text


def test_repeats_give_mean_sd_and_n(block_and_frames: tuple[Block, Frames]) -> None:
    block, frames = block_and_frames
    table = results_table(block, frames)
    assert table.columns[-1] == "Repeats"
    grid = frames.cells.query("algorithm == 'grid' and finished")["test"]
    row = next(dict(zip(table.columns, row, strict=True)) for row in table.rows if row[0] == "grid")
    assert row["Best test acc."] == f"{100 * grid.mean():.1f} ± {100 * grid.std(ddof=1):.1f} %"
    assert row["Repeats"] == "3"


def test_an_unfinished_cell_is_shown_marked_and_left_out_of_the_mean(block_and_frames: tuple[Block, Frames]) -> None:
    block, frames = block_and_frames
    table = results_table(block, frames)
    assert table.rows[-1][0] == "pbt (repeat 3, running) †"
    assert any("pbt repeat 3" in note and "left out" in note for note in table.notes)
    pbt = table.numbers.query("algorithm == 'pbt' and finished").iloc[0]
    assert pbt["repeats"] == 3
    assert pbt["test_mean"] == pytest.approx(frames.cells.query("algorithm == 'pbt' and finished")["test"].mean())


def test_the_csv_has_the_same_numbers_unrounded(block_and_frames: tuple[Block, Frames]) -> None:
    """Against the cells themselves, by numpy; the sd is that of a sample (n - 1)."""
    back = pd.read_csv(io.StringIO(results_table(*block_and_frames).csv()))
    cells = block_and_frames[1].cells.query("finished")
    assert set(back["protocol"]) == {"heldout"}
    for name in ("grid", "bayesopt", "pbt"):
        row = back[(back["algorithm"] == name) & back["finished"]].iloc[0]
        own = cells[cells["algorithm"] == name]
        assert row["repeats"] == len(own) == 3
        for column in ("validation", "test", "charged_seconds", "dollars"):
            values = own[column].to_numpy(float)
            assert row[f"{column}_mean"] == pytest.approx(sum(values) / 3, rel=1e-12)
            spread = np.sqrt(((values - sum(values) / 3) ** 2).sum() / 2)
            assert row[f"{column}_sd"] == pytest.approx(spread, rel=1e-9, abs=1e-12)


def test_cpu_minutes_are_called_so() -> None:
    frames = build_frames([syn.search("grid", 0, quality=0.7, device_kind="cpu", devices=2)])
    block, part = next(frames.blocks())
    assert "Total CPU min" in results_table(block, part).columns
    assert "Charged CPU min" in details_table(block, part).columns


def test_a_cell_that_never_scored_shows_a_dash() -> None:
    cells = [syn.search("grid", 0, quality=0.7), syn.cell([syn.start()], algorithm="pbt", status="failed")]
    block, frames = next(build_frames(cells).blocks())
    assert results_table(block, frames).rows[1][1:3] == ("–", "–")


def test_the_caption_tells_data_of_one_name_apart_only_where_there_are_several() -> None:
    block, frames = published()
    assert "model bert-base, protocol blog2020" in results_table(block, frames).caption
    assert "model bert-base (data 2f1c), protocol blog2020" in results_table(replace(block, variant="2f1c"), frames).caption


def test_a_result_without_a_test_score_is_said_however_many_have_one() -> None:
    untested = syn.cell([syn.start(), syn.evaluation("a", 1, 0.7, 10), syn.end()], algorithm="pbt")
    said = "At least one incumbent has no recorded test score"
    block, frames = next(build_frames([syn.search("grid", 0, quality=0.7), untested]).blocks())
    assert any(note.startswith(said) for note in results_table(block, frames).notes)
    block, frames = next(build_frames([syn.search("grid", 0, quality=0.7)]).blocks())
    assert not any(note.startswith(said) for note in results_table(block, frames).notes)


def test_failures_stops_and_collapses_are_counted() -> None:
    gone = syn.score(0.5, syn.N_VALIDATION, collapsed=True)
    records = [
        syn.start(),
        syn.evaluation("a", 1, 0.7, 10, test=0.6),
        syn.trial_end("a", 20),
        syn.evaluation("b", 1, 0.5, 15),
        syn.trial_end("b", 20, "stopped"),
        syn.trial_end("c", 30, "failed", "out of memory"),
        syn.trial_end("d", 30, "diverged"),
    ]
    records[3] = syn.replace(records[3], validation=gone)
    block, frames = next(build_frames([syn.cell(records)]).blocks())
    table = details_table(block, frames)
    row = dict(zip(table.columns, table.rows[0], strict=True))
    assert [row[c] for c in ("Trials", "Stopped early", "Failed", "Diverged", "Collapsed")] == ["4", "1", "1", "1", "1"]
    assert row["Val − test points"] == "10.0"


def test_different_prices_or_devices_are_said_aloud() -> None:
    cells = [
        syn.search("grid", 0, quality=0.7),
        syn.search("pbt", 0, quality=0.7, device_kind="cpu", price={**syn.V100, "per_device_hour_usd": 1.0}),
    ]
    text = results_table(*next(build_frames(cells).blocks())).markdown()
    assert "priced differently" in text
    assert "different devices" in text


def test_a_result_that_predicts_one_class_is_said_beside_the_majority_rate() -> None:
    parts = {"validation": {"majority_rate": 0.527}, "test": {"majority_rate": 0.511}}
    gone = syn.replace(syn.evaluation("a", 1, 0.5, 10, test=0.5), validation=syn.score(0.5, 138, collapsed=True))
    made = syn.cell([syn.start(), gone], data={"n_train": 10, "parts": parts})
    text = results_table(*next(build_frames([made]).blocks())).markdown()
    assert "most frequent class scores 52.7 % on validation and 51.1 % on test" in text
    assert "result of grid gives every row the same answer" in text


def test_the_caption_names_the_class_that_f1_is_about() -> None:
    made = syn.cell([syn.start(), syn.evaluation("a", 1, 0.5, 10, test=0.5)], data={"n_train": 10, "positive": "fraud"})
    block, frames = next(build_frames([made]).blocks())
    assert "metric accuracy" in results_table(block, frames).caption
    assert "metric F1 of class 'fraud'" in results_table(syn.replace(block, metric="f1"), frames).caption


def test_a_metric_that_is_no_fraction_is_written_as_it_is() -> None:
    assert wording.score([0.5, 0.7], "matthews") == "0.600 ± 0.141"
    assert wording.score([0.5], "accuracy") == "50.0 %"


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0"), (45.0, "45"), (0.01234, "0.0123"), (104.4, "104"), (9.996, "10.0"), (1.004, "1.00")]
)
def test_amounts_have_three_digits(value: float, text: str) -> None:
    assert wording.amount([value]) == text


def test_a_caution_of_the_data_stands_below_the_table_once():
    cells = [syn.search("random", repeat, quality=0.7, minutes=1) for repeat in range(2)]
    said = [
        replace(c, header=replace(c.header, data={**c.header.data, "cautions": ["383 of 440 rows are cut"]})) for c in cells
    ]
    block, frames = next(build_frames(said).blocks())
    assert results_table(block, frames).notes.count("383 of 440 rows are cut") == 1
