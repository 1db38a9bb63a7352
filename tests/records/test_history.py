"""Killed between a trial's last evaluation and the line that says that it ended."""

from __future__ import annotations

from tests.report.synthetic import cell, end, evaluation, start, trial_end
from tuneoff.evaluation import Cost
from tuneoff.records.history import missing_ends, read_earlier
from tuneoff.records.schema import COMPLETED, TrialStartRecord


def trial_start(name: str) -> TrialStartRecord:
    return TrialStartRecord(trial_id=name, hparams={"learning_rate": 3e-5}, elapsed_seconds=0.0)


def test_a_trial_that_was_trained_to_its_end_is_not_trained_again():
    records = [
        start(),
        *(trial_start(name) for name in ("t0", "t1", "t2")),
        evaluation("t0", 3, 0.7, 10.0),
        trial_end("t0", 11.0),
        evaluation("t1", 2, 0.7, 12.0),
        evaluation("t2", 3, 0.8, 20.0),
    ]
    cut = cell(records)
    (found,) = missing_ends(cut)
    assert (found.trial_id, found.status, found.cost, found.elapsed_seconds) == ("t2", COMPLETED, Cost(), 20.0)
    assert set(found.hparams) == set(records[3].hparams)
    assert [name for name, _ in read_earlier(cell([*records, found])).unfinished] == ["t1"]


def test_a_whole_log_misses_nothing():
    assert (
        missing_ends(
            cell([start(), trial_start("t0"), evaluation("t0", 3, 0.7, 10.0), trial_end("t0", 11.0), end(elapsed=11.0)])
        )
        == []
    )
