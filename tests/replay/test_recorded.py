"""Tables from records of ours."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tuneoff.evaluation import Cost, Score
from tuneoff.records.schema import (
    COMPLETED,
    DIVERGED,
    STOPPED,
    EvaluationRecord,
    Header,
    SessionStartRecord,
    TrialEndRecord,
    TrialStartRecord,
)
from tuneoff.records.store import LogWriter, write_header
from tuneoff.replay.recorded import read_study
from tuneoff.replay.table import TableError

SPACE = {"learning_rate": {"type": "float", "low": 1e-5, "high": 1e-3, "log": True}}
CONFIG = {
    "algorithm": {"name": "record", "searcher": {"name": "random"}, "scheduler": {"name": "none"}},
    "training": {"evaluations_per_epoch": 1},
    "hparams": {"learning_rate": 5e-5, "num_epochs": 2},
}
HEADER = Header(
    schema_version=1, protocol_version="0.3", study="s", task="entail", model="micro", algorithm="record", repeat=0,
    protocol="heldout", metric="accuracy", status="finished", started_utc="", config=CONFIG, config_hash="", space=SPACE,
    seeds={"split": 7, "search": 1, "training": 2, "retraining": 3}, data={"n_train": 10},
    price={"name": "cpu", "per_device_hour_usd": 0.05, "source": "s", "date": "d"}, versions={}, git={}, hardware={},
    command="python -m benchmarks.run -m algorithm=record trials=24 task=entail budget=epochs:6 study=s repeat=0",
)  # fmt: skip


def score(value):
    return Score(metrics={"accuracy": value}, loss=0.0, n_examples=50, predicted_counts=(25, 25), predictions=(0, 1) * 25)


def evaluation(trial, number, value, *, test=True, **changes):
    record = EvaluationRecord(
        trial_id=trial, evaluation=number, parent_trial_id=None, parent_evaluation=None,
        hparams={"learning_rate": rate(trial), "num_epochs": 2}, examples_seen=10 * number, epoch=float(number),
        validation=score(value), test=score(value - 0.01) if test else None,
        cost=Cost(train_seconds=2.0, evaluate_seconds=0.1, test_seconds=0.3, start_up_seconds=1.0 if trial == "t000" else 0.0),
        peak_memory_bytes=None, elapsed_seconds=10.0, worker="w",
    )  # fmt: skip
    return replace(record, **changes)


def rate(trial):
    return 1e-5 * 10 ** (2 * (int(trial[1:]) + 0.5) / 24)


def cell(folder, *, statuses=None, trials=24, test=lambda trial, number: True, header=HEADER, repeat=0):
    """A recorded search; the later a trial, the worse."""
    path = folder / "entail-micro" / header.algorithm / f"repeat-{repeat}"
    write_header(path, replace(header, repeat=repeat, seeds={**header.seeds, "split": 7 + repeat}))
    with LogWriter(path) as log:
        start = SessionStartRecord(session=1, time_utc="", elapsed_seconds=0.0, devices=2, device_kind="cpu")
        log.append(start)
        for i in range(trials):
            name, status = f"t{i:03d}", (statuses or {}).get(i, COMPLETED)
            log.append(TrialStartRecord(trial_id=name, hparams={"learning_rate": rate(name)}, elapsed_seconds=0.0))
            for number in range(1, 3 if status == COMPLETED else 2):
                log.append(evaluation(name, number, 0.8 - 0.01 * i + 0.01 * number, test=test(i, number)))
            end = TrialEndRecord(
                trial_id=name, status=status, reason="", hparams={}, cost=Cost(train_seconds=0.5), elapsed_seconds=100.0
            )
            log.append(end)
    return folder


def test_trials_that_ran_to_their_end_are_a_table(tmp_path):
    table = read_study(cell(tmp_path, statuses={3: DIVERGED, 5: STOPPED}))
    assert len(table.trials) == 23
    assert table.left_out == {"stopped early": 1}
    assert [t.failed for t in table.trials].count(True) == 1
    first = table.trials[0]
    assert first.validation == pytest.approx((0.81, 0.82))
    assert first.test == pytest.approx((0.80, 0.81))
    assert (first.train_seconds, first.split) == ((2.0, 2.0), "7")
    assert (table.max_epochs, table.drawn_at_random, table.test_rows) == (2, True, 50)
    assert table.defaults == {"learning_rate": 5e-5}
    assert table.disagreement == 0.0
    assert table.recorded_device_seconds == 200.0
    assert table.start_seconds == 1.0
    assert "23 trials, 1 of which failed or diverged; not used: 1 stopped early" in table.used()


def test_repeats_of_a_study_are_pooled_with_their_splits(tmp_path):
    cell(tmp_path, repeat=0)
    table = read_study(cell(tmp_path, repeat=1))
    assert len(table.trials) == 48
    assert {t.split for t in table.trials} == {"7", "8"}


def test_a_real_run_takes_the_words_about_the_task_and_not_those_about_the_search(tmp_path):
    assert read_study(cell(tmp_path)).task_words == ("task=entail",)


def test_trials_of_which_only_incumbents_were_tested_are_not_taken_even_where_one_has_every_score(tmp_path):
    lucky = cell(tmp_path, test=lambda trial, number: trial == 0)
    with pytest.raises(TableError, match=r"only incumbents were scored on test.*algorithm=record"):
        read_study(lucky)


def test_only_stopped_trials_are_refused(tmp_path):
    with pytest.raises(TableError, match="only trials that were stopped early"):
        read_study(cell(tmp_path, statuses=dict.fromkeys(range(24), STOPPED)))


def test_too_few_trials_are_refused(tmp_path):
    with pytest.raises(TableError, match="6 trials to replay on, but it must have at least 12"):
        read_study(cell(tmp_path, trials=6))


def test_a_folder_without_records_and_one_of_two_tasks_are_refused(tmp_path):
    with pytest.raises(TableError, match="holds no recorded search"):
        read_study(tmp_path / "nothing")
    cell(tmp_path)
    cell(tmp_path, header=replace(HEADER, task="mrpc"), repeat=1)
    with pytest.raises(TableError, match="several tasks and models"):
        read_study(tmp_path)


def test_hyperparameters_that_changed_in_mid_run_are_no_curve_of_one_configuration(tmp_path):
    path = cell(tmp_path) / "entail-micro" / "record" / "repeat-0"
    with LogWriter(path) as log:
        log.append(TrialStartRecord(trial_id="t024", hparams={"learning_rate": 1e-4}, elapsed_seconds=0.0))
        other = {"learning_rate": 2e-4, "num_epochs": 2}
        log.append(evaluation("t023", 1, 0.5, trial_id="t024"))
        log.append(evaluation("t023", 2, 0.5, trial_id="t024", hparams=other))
        log.append(TrialEndRecord(trial_id="t024", status=COMPLETED, reason="", hparams={}, cost=Cost(), elapsed_seconds=1.0))
    assert read_study(tmp_path).left_out["under hyperparameters that changed in mid-run"] == 1
