"""Killed between a trial's last evaluation and the line that says that it ended."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.algorithms.search_driver import context, search
from tests.report.synthetic import cell, end, evaluation, start, trial_end
from tuneoff.algorithms.contracts import Continue, Copy, Decision, Point, Report, Scheduler, SearchContext, Wait
from tuneoff.algorithms.search import Search
from tuneoff.evaluation import Cost
from tuneoff.records.schema import COMPLETED, STOPPED, STOPPED_EARLY, Record, TrialStartRecord
from tuneoff.records.store import STATE_FOLDER
from tuneoff.space import Float, SearchSpace
from tuneoff.study.resume import Resumption, resume

SPACE = SearchSpace({"learning_rate": Float(low=1e-5, high=1e-3)})


def new(scheduler: str = "none", **changes) -> Search:
    return search("random", scheduler, trials=4, where=context(space=SPACE, max_epochs=3, **changes))


def resumed(*records: Record, scheduler: str = "none") -> tuple[Resumption, Search]:
    made = new(scheduler)
    return resume(cell(list(records)), made, evaluations_per_epoch=1), made


def trial_start(name: str) -> TrialStartRecord:
    return TrialStartRecord(trial_id=name, hparams={"learning_rate": 3e-5}, elapsed_seconds=0.0)


def test_a_trial_that_was_trained_to_its_end_is_not_trained_again():
    found, made = resumed(
        start(),
        *(trial_start(name) for name in ("t0", "t1", "t2")),
        evaluation("t0", 3, 0.7, 10.0),
        trial_end("t0", 11.0),
        evaluation("t1", 2, 0.7, 12.0),
        evaluation("t2", 3, 0.8, 20.0),
    )
    (end_record,) = found.missing_ends
    assert (end_record.trial_id, end_record.status, end_record.cost) == ("t2", COMPLETED, Cost())
    assert end_record.elapsed_seconds == 20.0
    assert set(end_record.hparams) == {"learning_rate"}
    assert [trial.name for trial in found.earlier.unfinished] == ["t1"]
    assert [value for _, value in made.history.observed] == [0.7, 0.8]


def test_a_stop_that_was_decided_and_not_written_is_written():
    found, made = resumed(
        start(),
        *(trial_start(name) for name in ("t0", "t1")),
        evaluation("t0", 1, 0.7, 10.0),
        evaluation("t1", 1, 0.6, 12.0),
        scheduler="asha",
    )
    (end_record,) = found.missing_ends
    assert (end_record.trial_id, end_record.status, end_record.reason) == ("t1", STOPPED, STOPPED_EARLY)
    assert [trial.name for trial in found.earlier.unfinished] == ["t0"]
    assert list(made.pending) == ["t0"]


@pytest.mark.parametrize(("epoch", "ended"), [(3.0, True), (3 - 1e-10, True), (2.995, False)])
def test_a_trial_is_at_its_end_where_its_epochs_are_all_there_but_for_rounding(epoch: float, ended: bool):
    found, _ = resumed(start(), trial_start("t0"), evaluation("t0", 1, 0.7, 10.0, epoch=epoch))
    assert [record.trial_id for record in found.missing_ends] == (["t0"] if ended else [])


def test_a_trial_that_was_trained_to_its_end_was_not_stopped_whatever_the_scheduler_says():
    found, _ = resumed(start(), trial_start("t0"), evaluation("t0", 3, 0.7, 10.0), scheduler="asha")
    (end_record,) = found.missing_ends
    assert (end_record.status, end_record.reason) == (COMPLETED, "")


def test_a_member_that_was_trained_to_its_end_copies_nobody():
    made = search("random", "pbt", trials=2, where=context(space=SPACE), scheduler_knobs={"quantile_fraction": 0.5})
    donor = evaluation("t0", 1, 0.9, 10.0, snapshot="t0-1")
    log = cell([start(), trial_start("t0"), trial_start("t1"), donor, evaluation("t1", 3, 0.1, 20.0)])
    (end_record,) = resume(log, made, evaluations_per_epoch=1).missing_ends
    assert (end_record.trial_id, end_record.hparams) == ("t1", {"learning_rate": 3e-5})


class WholeTeam(Scheduler):
    """Members wait for the last to be added."""

    population = True

    def __init__(self) -> None:
        self.members: list[str] = []

    @classmethod
    def build(cls, settings: object, context: SearchContext, num_trials: int) -> WholeTeam:
        raise NotImplementedError

    def add(self, trial_id: str, hparams: Point) -> None:
        self.members.append(trial_id)

    def report(self, report: Report) -> Decision:
        return Wait()

    def release(self) -> dict[str, Continue | Copy]:
        return {"t0": Continue()} if self.members == ["t0", "t1"] else {}


def test_the_start_of_a_trial_can_release_those_who_wait(tmp_path: Path):
    made = new()
    made.scheduler = WholeTeam()
    (tmp_path / STATE_FOLDER).mkdir()
    (tmp_path / STATE_FOLDER / "t0-1").touch()
    waiting = [start(), trial_start("t0"), evaluation("t0", 1, 0.5, 10.0, snapshot="t0-1")]
    (before,) = resume(replace(cell(waiting), path=tmp_path), made, evaluations_per_epoch=1).earlier.unfinished
    assert before.waits
    made = new()
    made.scheduler = WholeTeam()
    log = replace(cell([*waiting, trial_start("t1")]), path=tmp_path)
    after = resume(log, made, evaluations_per_epoch=1).earlier.unfinished
    assert [trial.waits for trial in after] == [False, False]


def test_a_whole_log_misses_nothing():
    found, _ = resumed(start(), trial_start("t0"), evaluation("t0", 3, 0.7, 10.0), trial_end("t0", 11.0), end(elapsed=11.0))
    assert found.missing_ends == ()
    assert found.earlier.unfinished == ()


def test_the_budget_is_charged_by_intervals_as_while_it_runs():
    found, _ = resumed(
        start(),
        *(trial_start(name) for name in ("t0", "t1")),
        evaluation("t0", 1, 0.7, 10.0),
        evaluation("t0", 2, 0.7, 11.0),
        evaluation("t1", 1, 0.7, 12.0),
    )
    assert found.earlier.epochs_spent == 3.0


def test_an_evaluation_of_several_intervals_moves_the_clock_and_is_charged_by_them():
    found, _ = resumed(
        start(), trial_start("t0"), replace(evaluation("t0", 1, 0.7, 10.0), intervals=2, epoch=2.2, snapshot="t0-1.safetensors")
    )
    assert found.earlier.epochs_spent == 2.0
    (trial,) = found.earlier.unfinished
    assert trial.name == "t0"
