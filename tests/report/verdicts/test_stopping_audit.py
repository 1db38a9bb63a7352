"""What stopping early saved, what it may have cost, and which hyperparameters mattered."""

from __future__ import annotations

import math

import numpy as np
import pytest
import synthetic as syn

from tuneoff.records.schema import STOPPED_EARLY, Cell, Record
from tuneoff.report.cells import Block, cell_name
from tuneoff.report.figures import importance
from tuneoff.report.frames import Frames, build_frames
from tuneoff.report.statistics.summary import Interval
from tuneoff.report.tables.failures import table as failures_table
from tuneoff.report.tables.improvement import table as improvement_table
from tuneoff.report.tables.maximum import table as maximum_table
from tuneoff.report.tables.stopping import table as stopping_table
from tuneoff.report.tables.summary import table as summary_table
from tuneoff.report.verdicts.stopping_audit import BUDGET_SPENT, audits

Made = tuple[Block, Frames]


def run(trial: str, scores: list[float], status: str = "completed", reason: str = "") -> list[Record]:
    made: list[Record] = [syn.evaluation(trial, i + 1, v, 10.0 * (i + 1)) for i, v in enumerate(scores)]
    hparams = {"learning_rate": 3e-5, "num_epochs": 3}
    return [*made, syn.trial_end(trial, 10.0 * len(scores), status, reason, hparams=hparams)]


def study(*more: Cell) -> Made:
    cut = syn.cell(
        [
            syn.start(),
            *run("a", [0.5, 0.6, 0.7]),
            *run("b", [0.45], "stopped", "by the scheduler"),
            *run("c", [0.4], "stopped", BUDGET_SPENT),
            syn.end(),
        ],
        algorithm="random_asha",
    )
    return next(build_frames([cut, *more]).blocks())


def test_saved_is_what_stopped_trials_had_left_at_their_own_pace() -> None:
    (made,) = audits(study()[1])
    assert (made.stopped, made.trials, made.epochs_saved) == (1, 3, 2.0), "a budget's end is no early stop"
    assert made.seconds_saved == pytest.approx(120)


def test_wrongly_stopped_is_estimated_from_trials_that_ran_to_their_end() -> None:
    sure = syn.cell([syn.start(), *run("x", [0.45, 0.5, 0.9]), syn.end()], algorithm="random")
    (made,) = audits(study(sure)[1])
    assert made.wrongly_stopped == pytest.approx(1)
    assert made.regret == pytest.approx(0.2)
    assert not made.survivors_only
    (own,) = audits(study()[1])
    assert own.survivors_only
    assert own.wrongly_stopped == 0.0
    text = stopping_table(*study()).markdown()  # type: ignore[union-attr]
    assert "can't be known without completing" in " ".join(text.split())
    assert "survivors" in text


def test_without_a_completed_trial_nothing_is_estimated() -> None:
    cell = syn.cell([syn.start(), *run("b", [0.45], "stopped"), syn.end()], algorithm="random_asha")
    (made,) = audits(build_frames([cell]))
    assert math.isnan(made.wrongly_stopped)


def audited_study(share: float, later: list[float]) -> Frames:
    """One search with the result 0.7, in which b was stopped at 0.45 and went on."""
    cut = syn.cell(
        [syn.start(), *run("t000", [0.5, 0.6, 0.7]), *run("t001", [0.45], "stopped", STOPPED_EARLY), syn.end()],
        algorithm="random_asha",
    )
    cut = syn.replace(cut, header=syn.replace(cut.header, seeds={"search": 11}, extra={"audit": share}))
    gone_on = [
        syn.evaluation("t001", i + 2, v, 10.0 * (i + 1), examples_seen=syn.N_TRAIN * (i + 2)) for i, v in enumerate(later)
    ]
    log = syn.replace(cut, records=(syn.start(), *gone_on, syn.end()))
    return build_frames([cut], audits={cell_name(cut): log})


def test_what_was_lost_is_measured_on_trials_that_went_on() -> None:
    (made,) = audits(audited_study(1.0, [0.75, 0.72]))
    assert (made.audited, made.audited_stopped) == (1, 1)
    assert made.measured_wrongly.estimate == 1
    assert made.measured_regret.estimate == pytest.approx(0.05), "its best later evaluation against the result"
    assert made.numbers()["measured_regret_low"] == pytest.approx(0.05)
    (made,) = audits(audited_study(1.0, [0.6, 0.65]))
    assert (made.measured_wrongly.estimate, made.measured_regret.estimate) == (0, 0)
    (made,) = audits(audited_study(1.0, []))
    assert (made.audited, made.measured_wrongly.estimate) == (1, 0), "it came to nothing, and is counted"


def test_without_an_audit_nothing_is_measured() -> None:
    (made,) = audits(study()[1])
    assert made.audited == made.audited_stopped == 0
    assert math.isnan(made.measured_regret.estimate)
    assert "Completed for this" not in stopping_table(*study()).markdown()  # type: ignore[union-attr]


def test_a_gain_is_the_best_to_come_not_the_last() -> None:
    sure = syn.cell([syn.start(), *run("x", [0.45, 0.9, 0.5]), syn.end()], algorithm="random")
    (made,) = audits(study(sure)[1])
    assert made.regret == pytest.approx(0.2)


def test_the_flat_row_of_an_audit_has_intervals_in_three_numbers() -> None:
    (made,) = audits(audited_study(1.0, [0.75]))
    row = made.numbers()
    assert (row["algorithm"], row["stopped"], row["measured_wrongly"], row["measured_regret_high"]) == (
        "random_asha",
        1,
        1.0,
        pytest.approx(0.05),
    )
    assert not any(isinstance(value, Interval) for value in row.values())


def test_nobody_stopped_no_audit() -> None:
    assert stopping_table(*next(build_frames([syn.search("grid", 0, quality=0.7)]).blocks())) is None


def test_failures_have_their_reasons() -> None:
    gone = syn.replace(syn.evaluation("c", 1, 0.5, 10), validation=syn.score(0.5, 138, collapsed=True))
    cells = [
        syn.cell(
            [
                syn.start(),
                *run("a", [0.7]),
                *run("b", [0.5], "diverged", "loss was nan"),
                gone,
                syn.trial_end("c", 11),
                syn.end(),
            ],
            repeat=k,
        )
        for k in range(2)
    ]
    table = failures_table(*next(build_frames(cells).blocks()))
    assert table is not None
    assert [row[:4] for row in table.rows] == [
        ("grid", "collapsed", "–", "2 of 6"),
        ("grid", "diverged", "loss was nan", "2 of 6"),
    ]


def test_importance_finds_the_hyperparameter_that_decides() -> None:
    rng = np.random.default_rng(0)
    records: list[Record] = [syn.start()]
    for i in range(60):
        rate, decay = float(10 ** rng.uniform(-5, -3)), float(rng.uniform(0, 0.3))
        hparams = {"learning_rate": rate, "weight_decay": decay}
        value = 0.8 - 0.1 * abs(np.log10(rate) + 4)
        records += [
            syn.evaluation(f"t{i}", 1, float(value), 10.0 + i, hparams=hparams),
            syn.trial_end(f"t{i}", 10.0 + i, hparams=hparams),
        ]
    made = importance.data(*next(build_frames([syn.cell(records, algorithm="random")]).blocks()))
    assert made is not None
    assert made.importances["hyperparameter"].iloc[0] == "learning_rate"
    assert made.importances["mean"].iloc[0] > 10 * abs(made.importances["mean"].iloc[1])
    assert made.r2 > 0.5
    assert importance.data(*next(build_frames([syn.cell(records[:21], algorithm="random")]).blocks())) is None


def test_details_tables_need_repeats_and_random_search(rich: Made) -> None:
    for make in (summary_table, improvement_table, maximum_table):
        assert make(*rich) is not None
        assert make(*next(build_frames([syn.search("grid", 0, quality=0.7)]).blocks())) is None
    numbers = maximum_table(*rich).numbers  # type: ignore[union-attr]
    assert numbers["mean"].is_monotonic_increasing
    pairs = improvement_table(*rich).numbers  # type: ignore[union-attr]
    assert (pairs["probability"] >= 0.5).all()
    assert ((pairs["low"] <= pairs["probability"]) & (pairs["probability"] <= pairs["high"])).all()
