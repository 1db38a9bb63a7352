"""Where a search that was cut off goes on, by its log alone: clocks, copies, snapshots, the budget. (Whole searches, killed
anywhere: test_resume_equality.py.)"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.algorithms.search_driver import context, search
from tests.report.synthetic import cell, evaluation, start, trial_end
from tuneoff.algorithms.schedulers.pbt import PopulationBasedTraining
from tuneoff.algorithms.search import Search
from tuneoff.evaluation import Cost
from tuneoff.execution.snapshots import copy_name
from tuneoff.records.history import Earlier, UnfinishedTrial
from tuneoff.records.schema import EvaluationRecord, Record, TrialStartRecord
from tuneoff.records.store import STATE_FOLDER
from tuneoff.space import Float, SearchSpace
from tuneoff.study.resume import resume

SPACE = SearchSpace({"learning_rate": Float(low=1e-5, high=1e-3)})
CONFIGURED = {"t0": 1e-4, "t1": 2e-4, "t2": 4e-4}
PAIR = {"quantile_fraction": 0.5, "resample_probability": 0.0}
"""The worse of two copies the better one."""


@dataclass(frozen=True)
class Resumed:
    search: Search
    earlier: Earlier

    def __getitem__(self, name: str) -> UnfinishedTrial:
        return next(trial for trial in self.earlier.unfinished if trial.name == name)

    def clock(self, name: str) -> int:
        newest = self[name].newest
        assert newest is not None
        return newest.clock


def resumed(
    folder: Path,
    *records: Record,
    trials: int = 2,
    per_epoch: int = 1,
    gone: Sequence[str] = (),
    kept: Sequence[str] = (),
    **knobs: Any,
) -> Resumed:
    """A population that goes on from these records, each of whose snapshots is there but for those that are gone, and files
    that are kept beside them."""
    made = search(
        "random",
        "pbt",
        trials=trials,
        where=context(space=SPACE, max_epochs=9, evaluations_per_epoch=per_epoch, mutable=("learning_rate",)),
        scheduler_knobs={**PAIR, **knobs},
    )
    (folder / STATE_FOLDER).mkdir()
    for record in records:
        if isinstance(record, EvaluationRecord) and record.snapshot is not None and record.snapshot not in gone:
            (folder / STATE_FOLDER / record.snapshot).touch()
    for name in kept:
        (folder / STATE_FOLDER / name).touch()
    begun = [
        TrialStartRecord(trial_id=f"t{i}", hparams={"learning_rate": CONFIGURED[f"t{i}"]}, elapsed_seconds=0.0)
        for i in range(trials)
    ]
    log = replace(cell([start(), *begun, *records]), path=folder)
    return Resumed(made, resume(log, made, evaluations_per_epoch=per_epoch).earlier)


def scored(name: str, number: int, score: float, epoch: float | None = None, **changes: Any) -> EvaluationRecord:
    """Evaluation `number`, with a snapshot of the name t0-1."""
    values = {
        "epoch": float(number) if epoch is None else epoch,
        "snapshot": f"{name}-{number}",
        "hparams": {"learning_rate": CONFIGURED[name], "num_epochs": 9},
        **changes,
    }
    return evaluation(name, number, score, 10.0 * number, **values)


BETTER_AND_WORSE = scored("t0", 1, 0.9), scored("t1", 1, 0.1)
"""t1 is to copy t0."""


def test_each_evaluation_moves_the_clock_by_its_intervals_wherever_in_an_epoch_it_is(tmp_path: Path) -> None:
    made = resumed(tmp_path, scored("t0", 1, 0.5, 1.4), scored("t0", 2, 0.6, 2.6), scored("t1", 1, 0.5, 2.9, intervals=2))
    assert (made.clock("t0"), made.clock("t1")) == (2, 2), "1 + 1, and 0 + 2"
    assert made.earlier.epochs_spent == 4
    assert (made["t0"].epochs_trained, made["t1"].epochs_trained) == (2.0, 2.0)


@pytest.mark.parametrize(("epoch", "clock"), [(2.0, 4), (1.0, 2), (0.2, 1)])
def test_an_interval_that_a_crash_had_repeated_is_counted_by_epochs_and_charged_again(
    tmp_path: Path, epoch: float, clock: int
) -> None:
    made = resumed(tmp_path, *(scored("t0", n, 0.5, n / 2) for n in (1, 2, 3, 4)), scored("t0", 5, 0.5, epoch), per_epoch=2)
    assert made.clock("t0") == clock, "two an epoch, and at least one"
    assert made["t0"].epochs_trained == clock / 2
    assert made.earlier.epochs_spent == 5 / 2


def test_a_copy_that_was_decided_and_not_carried_out_is_carried_out(tmp_path: Path) -> None:
    made = resumed(tmp_path, scored("t0", 1, 0.8), scored("t0", 2, 0.9), scored("t1", 1, 0.1))
    newest = made["t1"].newest
    assert newest is not None
    assert newest == made["t1"].compared
    assert (newest.trial_id, newest.evaluation, newest.clock, newest.name) == ("t0", 2, 2, "t0-2")
    assert newest.file == copy_name("t1", "t0-2"), "kept for as long as t1 may need it"
    assert (tmp_path / STATE_FOLDER / newest.file).exists()
    assert made["t1"].epochs_trained == 2.0
    assert made["t1"].hparams["learning_rate"] in (pytest.approx(0.8e-4), pytest.approx(1.2e-4)), "perturbed from the donor's"


def test_a_copys_weights_are_found_where_another_trial_kept_them(tmp_path: Path) -> None:
    made = resumed(tmp_path, *BETTER_AND_WORSE, gone=("t0-1",), kept=(copy_name("t2", "t0-1"),))
    newest = made["t1"].newest
    assert newest is not None
    assert (newest.trial_id, newest.name, newest.file) == ("t0", "t0-1", copy_name("t1", "t0-1"))
    assert (tmp_path / STATE_FOLDER / newest.file).exists()


def test_a_trials_own_snapshot_is_not_looked_for_among_the_copies_of_others(tmp_path: Path) -> None:
    made = resumed(tmp_path, scored("t0", 1, 0.9))
    assert made["t0"].newest is not None
    assert made["t0"].newest.file == "t0-1"


@pytest.mark.parametrize("donor_trained", [1, 2])
def test_a_copy_whose_donors_state_is_gone_leaves_the_trial_as_it_was(tmp_path: Path, donor_trained: int) -> None:
    donors = [scored("t0", number, 0.9) for number in range(1, donor_trained + 1)]
    made = resumed(tmp_path, *donors, scored("t1", 1, 0.1), gone=("t0-1", "t0-2"))
    assert made["t1"].newest is not None, "whatever the clock of what it was to copy"
    assert (made["t1"].newest.trial_id, made["t1"].newest.clock) == ("t1", 1)
    assert made["t1"].compared == made["t1"].newest
    assert made["t1"].hparams == made.search.hparams("t1") == {"learning_rate": CONFIGURED["t1"]}
    assert (made["t0"].newest, made["t0"].compared, made["t0"].epochs_trained) == (None, None, 0.0)


def test_a_trial_whose_copy_is_not_carried_out_goes_on_from_the_newest_state_that_is_left(tmp_path: Path) -> None:
    records = scored("t0", 1, 0.9), scored("t1", 1, 0.95), scored("t1", 2, 0.1)
    made = resumed(tmp_path, *records, gone=("t0-1", "t1-2"))
    assert made.clock("t1") == 1
    assert made["t1"].newest is not None
    assert made["t1"].newest.name == "t1-1"


def test_what_a_copy_not_carried_out_is_followed_by_goes_on_from_the_trials_own_clock(tmp_path: Path) -> None:
    """The copy was of clock 1, the weights are the trial's own."""
    before = scored("t0", 1, 0.9), scored("t1", 1, 0.95), scored("t1", 2, 0.96), scored("t1", 3, 0.1)
    made = resumed(tmp_path, *before, scored("t1", 4, 0.97, 4.4), gone=("t0-1",))
    assert made.clock("t1") == 4


def test_weights_that_were_copied_go_on_from_the_clock_of_the_copy(tmp_path: Path) -> None:
    """Whatever the log says of the donor's evaluation, and wherever in an epoch the next one is."""
    copied = scored("t1", 2, 0.95, 2.6, parent_trial_id="t0", parent_evaluation=None)
    made = resumed(tmp_path, *BETTER_AND_WORSE, copied)
    assert made.clock("t1") == 1 + 1


def test_a_trial_that_gets_its_own_older_weights_back_has_their_clock_again(tmp_path: Path) -> None:
    """t0 copies t1's first state; t1 then copies t0, which has not trained since."""
    made = resumed(tmp_path, scored("t1", 1, 0.95), scored("t0", 1, 0.1), scored("t1", 2, 0.05), scored("t1", 3, 0.99, 2.6))
    assert made.clock("t1") == 1 + 1


@pytest.mark.parametrize(("number", "clock"), [(1, 2), (None, 3), (7, 3)])
def test_a_parent_that_the_search_would_not_have_chosen_gives_its_clock_where_its_evaluation_is_known(
    tmp_path: Path, number: int | None, clock: int
) -> None:
    """After a crash: the retold search made t1 go on. By epochs, of which there are 2.6, where it is not known."""
    records = scored("t0", 1, 0.9), scored("t1", 1, 0.95)
    made = resumed(tmp_path, *records, scored("t1", 2, 0.97, 2.6, parent_trial_id="t0", parent_evaluation=number))
    assert made.clock("t1") == clock


def test_a_trial_goes_on_from_its_newest_snapshot_that_is_left(tmp_path: Path) -> None:
    records = [scored("t0", number, 0.5 + number / 100) for number in (1, 2, 3, 4)]
    made = resumed(tmp_path, *records, gone=("t0-3", "t0-4"))
    assert (made.clock("t0"), made["t0"].epochs_trained) == (2, 2.0)
    assert made["t0"].compared == made["t0"].newest, "its turn begins there"


def test_the_scheduler_is_told_of_weights_that_are_lost_and_of_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, int]] = []
    monkeypatch.setattr(PopulationBasedTraining, "rewind", lambda _, name, clock: told.append((name, clock)))
    resumed(tmp_path, scored("t0", 1, 0.5), scored("t1", 1, 0.5), trials=3, gone=("t0-1",))
    assert told == [("t0", 0)]


def test_weights_that_a_trial_gave_up_for_a_copy_are_not_gone_back_to(tmp_path: Path) -> None:
    own = scored("t1", 1, 0.95), scored("t1", 2, 0.96), scored("t1", 3, 0.1)
    after = scored("t1", 4, 0.97, 2.0, parent_trial_id="t0", parent_evaluation=1)
    made = resumed(tmp_path, scored("t0", 1, 0.9), *own, after, gone=("t1-4",))
    newest = made["t1"].newest
    assert newest is not None
    assert (newest.trial_id, newest.clock) == ("t0", 1), "not its own third evaluation"


def test_what_others_copy_is_the_state_of_the_last_comparison(tmp_path: Path) -> None:
    made = resumed(
        tmp_path, *(scored("t0", number, 0.5) for number in (1, 2, 3)), scored("t1", 1, 0.5), perturbation_interval_epochs=2
    )
    assert made["t0"].compared is not None
    assert (made["t0"].compared.clock, made.clock("t0")) == (2, 3)
    assert (made["t1"].compared, made.clock("t1")) == (None, 1)


def test_a_member_that_waits_with_fewer_intervals_than_a_crash_cost_it_is_copied_as_it_is_now(tmp_path: Path) -> None:
    repeated = scored("t0", 1, 0.9, 3.0, intervals=3), scored("t0", 2, 0.9, 2.0)
    made = resumed(tmp_path, *repeated, synchronous=True)
    assert made["t0"].waits
    assert made["t0"].compared is not None
    assert (made["t0"].compared.clock, made["t0"].compared.name) == (2, "t0-2")


@pytest.mark.parametrize(("resume", "rate"), [("examples", 7e-4), ("trainer_2020", CONFIGURED["t1"])])
def test_a_trial_goes_on_under_what_the_log_says_it_trained_with_but_for_the_code_of_2020(
    tmp_path: Path, resume: str, rate: float
) -> None:
    """That trained, and recorded, something else than what a member was configured with."""
    trained_with = {"learning_rate": 7e-4, "num_epochs": 9}
    copying = scored("t0", 1, 0.9), scored("t1", 1, 0.1, hparams=trained_with)
    (tmp_path / "copying").mkdir()
    made = resumed(tmp_path / "copying", *copying, gone=("t0-1",), resume=resume)
    assert made["t1"].hparams == {"learning_rate": rate}, "the copy is not carried out"
    (tmp_path / "going on").mkdir()
    made = resumed(tmp_path / "going on", scored("t1", 1, 0.5, hparams=trained_with), resume=resume)
    assert made["t1"].hparams == {"learning_rate": rate}


def test_a_synchronous_population_waits_for_those_that_have_not_trained_as_far(tmp_path: Path) -> None:
    made = resumed(tmp_path, scored("t0", 1, 0.9), synchronous=True)
    assert (made["t0"].waits, made["t1"].waits) == (True, False)
    (tmp_path / "lost").mkdir()
    made = resumed(tmp_path / "lost", scored("t0", 1, 0.9), synchronous=True, gone=("t0-1",))
    assert not made["t0"].waits, "it trains that interval again"


@pytest.mark.parametrize("last", [scored("t1", 1, 0.1), trial_end("t1", 20.0, status="failed")])
def test_a_synchronous_population_goes_on_once_the_last_one_is_there_or_has_ended(tmp_path: Path, last: Record) -> None:
    made = resumed(tmp_path, scored("t0", 1, 0.9), last, synchronous=True)
    assert not made["t0"].waits
    assert {trial.name: trial.newest and trial.newest.trial_id for trial in made.earlier.unfinished} in (
        {"t0": "t0", "t1": "t0"},
        {"t0": "t0"},
    )


@pytest.mark.parametrize(
    ("status", "examples", "charged"),
    [
        ("stopped", 0, 0.0),
        ("completed", 0, 0.0),
        ("stopped", 1, 1.0),
        ("diverged", 500, 1.0),
        ("diverged", 0, 1.0),
        ("failed", 0, 1.0),
    ],
)
def test_an_interval_that_a_trial_ended_in_is_charged_where_it_was_trained_or_failed(
    tmp_path: Path, status: str, examples: int, charged: float
) -> None:
    ended = trial_end("t0", 20.0, status=status, cost=Cost(train_examples=examples))
    assert resumed(tmp_path, scored("t0", 1, 0.5), ended).earlier.epochs_spent == 1.0 + charged


def test_a_trial_that_failed_or_diverged_tells_the_searcher_nothing(tmp_path: Path) -> None:
    for status, observed in (("failed", 0), ("diverged", 0), ("stopped", 1), ("completed", 1)):
        (tmp_path / status).mkdir()
        made = resumed(tmp_path / status, scored("t0", 1, 0.5), trial_end("t0", 20.0, status=status))
        assert len(made.search.history.observed) == observed, status
