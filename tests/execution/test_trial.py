"""The Ray adapter and its executor in one process, without Ray: what is reported, saved, loaded and how a trial ends."""

from __future__ import annotations

import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from tests.training.conftest import make_base, make_split
from tuneoff.evaluation import Cost
from tuneoff.execution import worker as module
from tuneoff.execution.messages import SCORE, TRIAL, Assignment, Material, TrialInputs
from tuneoff.execution.shared_state import Board, Limits
from tuneoff.execution.trainable import Trial
from tuneoff.execution.worker import Executor
from tuneoff.hparams import HParams
from tuneoff.records.recipe import Schedule, Segment
from tuneoff.task.encode import EncodedSplit
from tuneoff.training import speed as calibrate


class LocalBoard:
    """The board's methods with Ray's calling convention, in this process."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.board = Board(limits or Limits())

    def __getattr__(self, name):
        return SimpleNamespace(remote=getattr(self.board, name))


@pytest.fixture(autouse=True)
def local(monkeypatch):
    monkeypatch.setattr(module.ray, "get", lambda value: value)


def encoded(n: int, seed: int) -> EncodedSplit:
    return EncodedSplit(**vars(make_split(n, seed)), max_length=32, truncated_rows=0)


@pytest.fixture
def inputs(tmp_path) -> TrialInputs:
    material = Material(base=make_base(), train=encoded(70, 1), validation=encoded(30, 2), test=encoded(30, 3))
    return TrialInputs(
        material=material,
        material_key="a",
        n_labels=2,
        metrics=("accuracy",),
        hparams=HParams(num_epochs=3, learning_rate=1e-3),
        seed=5,
        device="cpu",
        threads=1,
        batch_sizes=(16,),
        bf16=False,
        evaluations_per_epoch=1,
        bucket_lengths=True,
        evaluation_batch_size=32,
        resume="examples",
        checkpoints=True,
        schedule=None,
        snapshot_folder=str(tmp_path / "state"),
        snapshot_seconds=0.0,
        test_always=False,
        began=0.0,
        deadline=None,
        board=LocalBoard(),
    )


def make(inputs: TrialInputs, name: str = "t000", **hparams) -> Trial:
    trial = Trial.__new__(Trial)
    trial._iteration = 0
    trial.setup({TRIAL: name, **hparams}, Assignment(inputs=inputs, executors=(), seats=""))
    return trial


def test_a_trial_reports_an_evaluation_per_step_and_is_done_after_its_epochs(inputs):
    trial = make(inputs)
    results = [trial.step() for _ in range(3)]
    assert [r["done"] for r in results] == [False, False, True]
    assert [r["epoch"] for r in results] == [1.0, 2.0, 3.0]
    assert all(0 <= r[SCORE] <= 1 for r in results)
    assert results[0]["rates"]["train_token_seconds"].keys() == {"16"}
    assert results[1]["rates"] is None
    first, second = (Cost(**r["evaluation"]["cost"]) for r in results[:2])
    assert first.start_up_seconds > 0
    assert second.start_up_seconds == 0


def test_the_next_trial_in_the_same_process_starts_in_milliseconds_and_from_scratch(inputs):
    trial = make(inputs)
    alone = make(inputs, "t001").step()
    trial.step()
    trial.reset_config({TRIAL: "t001"})
    again = trial.step()
    assert again["evaluation"]["validation"] == alone["evaluation"]["validation"]
    assert Cost(**again["evaluation"]["cost"]).start_up_seconds < 0.05


def test_an_exploit_goes_on_from_the_donors_state_under_the_trials_own_name(inputs, tmp_path):
    donor, member = make(inputs, "t000"), make(inputs, "t001", learning_rate=5e-4)
    donor.step()
    donor.save_checkpoint(str(tmp_path))
    assert sum(f.stat().st_size for f in tmp_path.glob("state.ref")) < 20, "a reference of a few bytes"
    member.reset_config({TRIAL: "t001", "learning_rate": 2e-3})
    member.load_checkpoint(str(tmp_path))
    result = member.step()
    assert result["epoch"] == 2.0
    assert result["evaluation"]["parent_trial_id"] == "t000"
    assert result["evaluation"]["hparams"]["learning_rate"] == 2e-3
    assert member.step()["evaluation"]["parent_trial_id"] is None, "named once, where it happened"


def test_a_trial_that_comes_back_to_its_own_state_has_no_parent(inputs, tmp_path):
    trial = make(inputs)
    trial.step()
    trial.save_checkpoint(str(tmp_path))
    trial.reset_config({TRIAL: "t000"})
    trial.load_checkpoint(str(tmp_path))
    result = trial.step()
    assert result["epoch"] == 2.0
    assert result["evaluation"]["parent_trial_id"] is None


def test_after_a_crash_a_trial_goes_on_from_its_recorded_snapshot(inputs):
    trial = make(inputs)
    first, second = trial.step(), trial.step()
    inputs.board.board.recorded("t000", first["evaluation"]["snapshot"])
    again = make(inputs)
    result = again.step()
    assert result["evaluation"]["validation"] == second["evaluation"]["validation"], "bit for bit"
    assert again._iteration == 1, "Ray's clock goes on too"
    assert Cost(**result["evaluation"]["cost"]).load_seconds > 0


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RuntimeError("CUDA error: broken\nlong story"), "RuntimeError: CUDA error: broken"),
        (torch.OutOfMemoryError("tried to allocate"), "out of memory: tried to allocate"),
        (MemoryError(), "out of memory: no"),
    ],
)
def test_an_exception_is_a_failed_trial_with_its_reason_and_no_score(inputs, monkeypatch, error, reason):
    def broken(*_, **__):
        raise error
        yield

    trial = make(inputs)
    monkeypatch.setattr(module, "finetune", broken)
    result = trial.step()
    assert (result["status"], result["done"]) == ("failed", True)
    assert result["reason"].startswith(reason)
    assert SCORE not in result
    assert type(error).__name__ in result["traceback"]
    assert Cost(**result["cost"]).start_up_seconds > 0, "what was spent is not lost"


def test_a_spent_budget_ends_a_trial_before_it_trains(inputs):
    trial = make(replace(inputs, board=LocalBoard(Limits(epochs=1.0))))
    assert trial.step()["status"] == "running"
    result = trial.step()
    assert (result["status"], result["reason"]) == ("stopped", "the budget is spent")
    assert Cost(**result["cost"]).train_examples == 0


def test_a_budget_of_time_cuts_an_interval_short(inputs):
    trial = make(replace(inputs, deadline=1.0))  # long ago
    result = trial.step()
    assert (result["status"], result["reason"]) == ("stopped", "the budget is spent")
    assert SCORE not in result
    assert 0 < Cost(**result["cost"]).train_examples < 70


def test_a_schedule_is_followed_instead_of_a_proposal(inputs):
    rates = (1e-3, 2e-3, 3e-3)
    schedule = Schedule(
        segments=tuple(
            Segment(until_examples=70 * (i + 1), hparams=HParams(num_epochs=3, learning_rate=rate), trial_id="t")
            for i, rate in enumerate(rates)
        )
    )
    trial = make(replace(inputs, schedule=schedule), "r000", learning_rate=0.5)
    assert [trial.step()["evaluation"]["hparams"]["learning_rate"] for _ in rates] == list(rates)


def test_only_incumbents_are_scored_on_test_unless_the_protocol_wants_all(inputs):
    def tested(given: TrialInputs) -> list[bool]:
        given.board.board.offer(0.999)
        trial = make(given)
        return [trial.step()["evaluation"]["test"] is not None for _ in range(2)]

    assert tested(inputs) == [False, False]
    assert tested(replace(inputs, test_always=True)) == [True, True]


@pytest.fixture
def timed(monkeypatch) -> list[tuple[bool, int] | str]:
    """What has been timed so far: (bf16, batch size) of training, or evaluation."""
    found: list[tuple[bool, int] | str] = []
    train, evaluation = calibrate.train_token_seconds, calibrate.evaluation_token_seconds
    monkeypatch.setattr(
        calibrate,
        "train_token_seconds",
        lambda job, hparams: (found.append((job.bf16, hparams.batch_size)), train(job, hparams))[1],
    )
    monkeypatch.setattr(calibrate, "evaluation_token_seconds", lambda job: (found.append("evaluation"), evaluation(job))[1])
    return found


def search(executor: Executor, inputs: TrialInputs, began: float, **changes) -> dict:
    """The first result of one more search in the same executor."""
    executor.begin(replace(inputs, began=began, **changes), {TRIAL: "t000"}, since=began)
    return executor.step()[0]


def test_the_next_search_on_the_same_data_keeps_the_network_and_the_measured_speed(inputs, timed):
    executor = Executor()
    first = search(executor, inputs, began=time.time())
    network = executor._job.network
    assert timed == [(False, 16), "evaluation"]
    began = time.time()
    second = search(executor, inputs, began=began)
    passed = time.time() - began
    assert len(timed) == 2
    assert executor._job.network is network
    assert second["evaluation"]["validation"] == first["evaluation"]["validation"], "as from scratch"
    assert second["rates"]["train_token_seconds"] == first["rates"]["train_token_seconds"]
    assert 0 < second["rates"]["start_up_seconds"] <= passed, "this session's, not the one in which it was measured"
    assert Cost(**second["evaluation"]["cost"]).start_up_seconds <= passed


def test_another_datas_search_gets_its_own_network_and_is_measured(inputs, timed):
    executor = Executor()
    search(executor, inputs, began=1.0)
    network = executor._job.network
    other = Material(base=make_base(), train=encoded(40, 4), validation=encoded(30, 5), test=None)
    second = search(executor, inputs, began=2.0, material=other, material_key="b")
    assert executor._job.network is not network
    assert second["evaluation"]["examples_seen"] == 40
    assert timed == [(False, 16), "evaluation"] * 2
    search(executor, inputs, began=3.0, material=other, material_key="b", batch_sizes=(8, 16))
    assert timed[4:] == [(False, 8)], "nothing is timed twice"


def test_the_precisions_are_timed_before_a_search_which_knows_what_was_timed(inputs, timed):
    executor = Executor()
    found = {name: executor.time_precision(inputs, name) for name in ("bf16", "fp32")}
    assert min(found.values()) > 0
    assert timed == [(True, 16), (False, 16)]
    rates = search(executor, replace(inputs, bf16=True), began=time.time())["rates"]
    assert rates["train_token_seconds"] == {"16": found["bf16"]}
    assert timed[2:] == ["evaluation"]


def test_what_prepares_badly_says_why_each_time_and_never_goes_on_with_the_last_searchs_speed(inputs, monkeypatch):
    executor = Executor()
    search(executor, inputs, began=1.0)

    def fail(*_):
        raise MemoryError("no room")

    monkeypatch.setattr(module, "calibrate", fail)
    for _ in range(2):
        with pytest.raises(MemoryError, match="no room"):
            search(executor, inputs, began=2.0)
    monkeypatch.undo()
    monkeypatch.setattr(module.ray, "get", lambda value: value)
    assert search(executor, inputs, began=2.0)["rates"]


def test_a_search_is_measured_and_reported_once_however_often_its_workers_come_anew(inputs):
    executor = Executor()
    began = time.time()
    assert search(executor, inputs, began)["rates"]
    assert search(executor, inputs, began)["rates"] is None


def test_a_first_trial_that_comes_to_no_score_leaves_the_report_to_the_next(inputs):
    executor = Executor()
    executor.begin(inputs, {TRIAL: "t000", "learning_rate": 1e-3}, since=0.0)
    executor.reset({TRIAL: "t001"})
    assert executor.step()[0]["rates"]


def test_start_up_is_what_passed_since_the_session_began_at_most(inputs):
    executor = Executor()
    began = time.time()
    executor.begin(replace(inputs, began=began), {TRIAL: "t000"}, since=0.0)
    assert executor._pending.start_up_seconds <= time.time() - began


@pytest.mark.parametrize(("method", "arguments"), [("step", ()), ("reset", ({TRIAL: "t001"},)), ("load", (1,))])
def test_an_executor_that_was_started_anew_says_so_instead_of_training_something_else(method, arguments):
    with pytest.raises(RuntimeError, match="started anew"):
        getattr(Executor(), method)(*arguments)
