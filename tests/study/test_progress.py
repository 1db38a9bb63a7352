"""What a person is told while a search runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.test_config import config
from tuneoff.evaluation import Cost, Score
from tuneoff.execution.runtime import Slots
from tuneoff.records.schema import Cell, EvaluationRecord, Header, TrialEndRecord, TrialStartRecord
from tuneoff.study.progress import Progress

SLOTS = Slots(count=2, devices=2, device_kind="cpu")


def started(name: str, epochs: int) -> TrialStartRecord:
    return TrialStartRecord(trial_id=name, hparams={"num_epochs": epochs, "learning_rate": 1e-3}, elapsed_seconds=0.0)


def evaluated(name: str, epoch: int, epochs: int, score: float, parent: str | None = None) -> EvaluationRecord:
    return EvaluationRecord(
        trial_id=name,
        evaluation=epoch,
        parent_trial_id=parent,
        parent_evaluation=None,
        snapshot=None,
        hparams={"num_epochs": epochs, "learning_rate": 1e-3},
        examples_seen=100 * epoch,
        epoch=float(epoch),
        validation=Score(metrics={"accuracy": score}, loss=1.0, n_examples=4, predicted_counts=(2, 2)),
        test=None,
        cost=Cost(train_examples=100),
        peak_memory_bytes=None,
        elapsed_seconds=1.0,
        worker="w",
    )


def ended(name: str, status: str = "completed") -> TrialEndRecord:
    return TrialEndRecord(trial_id=name, status=status, reason="", hparams={}, cost=Cost(), elapsed_seconds=1.0)


@pytest.fixture
def progress(monkeypatch) -> Progress:
    monkeypatch.setattr("tuneoff.study.progress.time.monotonic", lambda: 60.0)
    header: Any = Header.__new__(Header)
    for name, value in {"metric": "accuracy", "data": {"n_train": 100}}.items():
        object.__setattr__(header, name, value)
    log = Cell(path=Path(), header=header, records=())
    progress = Progress.begin(config(), header, SLOTS, 4, log)
    progress.began = 0.0
    return progress


def told(progress: Progress, *records: Any) -> str:
    for record in records:
        progress.update(record)
    return progress.summary()


def test_before_the_first_score_nothing_is_foretold(progress):
    assert told(progress, started("t000", 2)).startswith("0/4 trials ended · no score yet · 2.00 CPU-min")
    assert "left" not in progress.summary()


def test_what_is_left_counts_running_trials_and_those_to_come(progress):
    """2 epochs in 60 s. Of t001 2 epochs are to come, t000 is stopped early, 2 more trials have (2 + 4) / 2 epochs."""
    text = told(
        progress,
        started("t000", 2),
        started("t001", 4),
        evaluated("t000", 1, 2, 0.5),
        evaluated("t001", 1, 4, 0.75),
        ended("t000", "stopped"),
    )
    assert text.startswith("1/4 trials ended · best 75.0 % (t001) · ")
    assert text.endswith("at most 4 min 30 s left")


def test_a_mutated_number_of_epochs_counts_from_then_on(progress):
    before = told(progress, started("t000", 2), started("t001", 2), evaluated("t000", 1, 2, 0.5))
    after = told(progress, evaluated("t001", 1, 6, 0.6, parent="t000"))
    assert (before.rsplit(" · ", 1)[1], after.rsplit(" · ", 1)[1]) == ("at most 7 min 00 s left", "at most 7 min 00 s left")
    assert progress.rows["t001"].copied == "t000"


def test_when_all_have_ended_nothing_is_left(progress):
    names = [f"t{k:03d}" for k in range(4)]
    text = told(progress, *(started(n, 1) for n in names), *(evaluated(n, 1, 1, 0.5) for n in names), *map(ended, names))
    assert text.startswith("4/4 trials ended")
    assert "left" not in text


@pytest.mark.parametrize(("metric", "text"), [("accuracy", "best 74.0 % (t000)"), ("pearson", "best 0.740 (t000)")])
def test_the_best_score_is_in_the_metrics_own_unit(progress, metric, text):
    object.__setattr__(progress.header, "metric", metric)
    record = evaluated("t000", 1, 2, 0.74)
    score = replace(record.validation, metrics={metric: 0.74})
    assert text in told(progress, started("t000", 2), replace(record, validation=score))
