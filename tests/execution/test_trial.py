"""A worker and its trials in this process, without Ray: messages, states saved and loaded, how a trial ends."""

from __future__ import annotations

import errno
import time
from dataclasses import replace

import pytest
import torch
from ray.exceptions import ObjectStoreFullError, RayActorError, RayTaskError

from tests.execution.local_actor import LocalActor
from tests.training.conftest import local as shared
from tests.training.conftest import make_base, make_split
from tuneoff.execution import worker as module
from tuneoff.execution.actor import WorkerActor
from tuneoff.execution.files import LocalFiles
from tuneoff.execution.messages import MESSAGE, SCORE, TIME, Ended, Evaluated, SessionInputs, TrialRequest
from tuneoff.execution.shared_state import Limits, SharedState
from tuneoff.execution.worker import Worker
from tuneoff.records.recipe import Schedule, Segment
from tuneoff.task.encode import EncodedSplit
from tuneoff.task.kinds import scoring
from tuneoff.training import finetune_trainer, speed
from tuneoff.training.engines.finetune import FinetuneRecipe
from tuneoff.training.finetune_trainer import Material
from tuneoff.training.hparams import HParams
from tuneoff.training.settings import TrainingSettings

REQUEST = TrialRequest(trial_id="t001", hparams={})
DEFAULTS = HParams(num_epochs=3, learning_rate=1e-3, batch_size=16)


def local_state(limits: Limits | None = None) -> LocalActor:
    return LocalActor(SharedState(limits or Limits()))


@pytest.fixture(autouse=True)
def local(monkeypatch):
    monkeypatch.setattr(module.ray, "get", lambda value, timeout=None: value)


def encoded(n: int, seed: int) -> EncodedSplit:
    return EncodedSplit(**vars(make_split(n, seed)), max_length=32, truncated_rows=0)


@pytest.fixture
def inputs(tmp_path) -> SessionInputs:
    material = Material(base=make_base(), train=encoded(70, 1), validation=encoded(30, 2), test=encoded(30, 3))
    recipe = FinetuneRecipe(
        material=shared(material),
        scoring=scoring(2),
        settings=TrainingSettings(evaluation_batch_size=32),
        bf16=False,
        defaults=DEFAULTS,
        batch_sizes=(16,),
    )
    return SessionInputs(
        recipe=recipe,
        metric="accuracy",
        defaults=DEFAULTS.to_dict(),
        seed=11,
        device="cpu",
        threads=1,
        evaluations_per_epoch=1,
        resume="examples",
        checkpoints=True,
        schedule=None,
        files=LocalFiles(snapshots=tmp_path / "state", kept=tmp_path / "kept"),
        snapshot_seconds=0.0,
        test_always=False,
        began=0.0,
        timed=False,
        shared_state=local_state(),
    )


class Trial(WorkerActor):
    """The only one of its worker so far."""

    def __init__(self, inputs: SessionInputs, name: str, hparams: dict[str, float]) -> None:
        super().__init__(())
        self.begin(inputs, TrialRequest(trial_id=name, hparams=hparams), time.time())


def make(inputs: SessionInputs, name: str = "t000", **hparams) -> Trial:
    return Trial(inputs, name, hparams)


def state_of(result: dict[str, object]) -> tuple[int, int]:
    """(serial number, clock) of the state after a result: what a checkpoint of Ray's refers to."""
    return result[MESSAGE].serial, result[TIME]


def test_a_trial_reports_an_evaluation_per_step_and_is_done_after_its_epochs(inputs):
    trial = make(inputs)
    results = [trial.train() for _ in range(3)]
    assert [r["done"] for r in results] == [False, False, True]
    assert all(0 <= r[SCORE] <= 1 for r in results)
    first, second, third = (r[MESSAGE] for r in results)
    assert [first.epoch, second.epoch, third.epoch] == [1.0, 2.0, 3.0]
    assert first.rates.train_token_seconds.keys() == {"16"}
    assert second.rates is None
    assert first.cost.start_up_seconds > 0
    assert second.cost.start_up_seconds == 0


def test_the_next_trial_in_the_same_process_starts_in_milliseconds_and_from_scratch(inputs):
    trial = make(inputs)
    alone = make(inputs, "t001").train()[MESSAGE]
    trial.train()
    trial.reset(TrialRequest(trial_id="t001", hparams={}))
    again = trial.train()[MESSAGE]
    assert again.validation == alone.validation
    assert again.cost.start_up_seconds < 0.05


def test_an_exploit_goes_on_from_the_donors_state_under_the_trials_own_name(inputs):
    donor, member = make(inputs, "t000"), make(inputs, "t001", learning_rate=5e-4)
    copied = state_of(donor.train())
    assert member.reset(TrialRequest(trial_id="t001", hparams={"learning_rate": 2e-3})) is True
    member.load(*copied)
    result = member.train()
    assert result[TIME] == 2, "the donor's clock"
    assert result[MESSAGE].epoch == 2.0
    assert result[MESSAGE].parent[0] == "t000"
    assert result[MESSAGE].hparams["learning_rate"] == 2e-3
    assert member.train()[MESSAGE].parent is None, "named once, where it happened"


def test_a_trial_that_comes_back_to_its_own_state_has_no_parent(inputs):
    trial = make(inputs)
    own = state_of(trial.train())
    trial.reset(TrialRequest(trial_id="t000", hparams={}))
    trial.load(*own)
    result = trial.train()[MESSAGE]
    assert result.epoch == 2.0
    assert result.parent is None


def test_after_a_crash_a_trial_goes_on_from_its_recorded_snapshot(inputs):
    trial = make(inputs)
    first, second = trial.train()[MESSAGE], trial.train()[MESSAGE]
    inputs.shared_state.of.recorded("t000", first.snapshot)
    again = make(inputs)
    result = again.train()
    assert result[MESSAGE].validation == second.validation, "bit for bit"
    assert result[TIME] == 2, "Ray's clock goes on too"
    assert result[MESSAGE].cost.load_seconds > 0


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
    monkeypatch.setattr(finetune_trainer, "finetune", broken)
    result = trial.train()
    ended = result[MESSAGE]
    assert (ended.status, result["done"]) == ("failed", True)
    assert ended.reason.startswith(reason)
    assert SCORE not in result
    assert type(error).__name__ in ended.traceback
    assert ended.cost.start_up_seconds > 0, "what was spent is not lost"


def test_a_spent_budget_ends_a_trial_before_it_trains(inputs):
    trial = make(replace(inputs, shared_state=local_state(Limits(epochs=1.0))))
    assert isinstance(trial.train()[MESSAGE], Evaluated)
    result = trial.train()[MESSAGE]
    assert (result.status, result.reason) == ("stopped", "the budget is spent")
    assert result.cost.train_examples == 0


def test_a_budget_of_time_cuts_an_interval_short(inputs):
    inputs.shared_state.of.seconds_left = lambda: -1.0
    trial = make(replace(inputs, timed=True))
    result = trial.train()[MESSAGE]
    assert (result.status, result.reason) == ("stopped", "the budget is spent")
    assert isinstance(result, Ended)
    assert 0 < result.cost.train_examples < 70


def test_a_schedule_is_followed_instead_of_a_proposal(inputs):
    rates = (1e-3, 2e-3, 3e-3)
    schedule = Schedule(
        segments=tuple(
            Segment(until_examples=70 * (i + 1), hparams=HParams(num_epochs=3, learning_rate=rate).to_dict(), trial_id="t")
            for i, rate in enumerate(rates)
        )
    )
    trial = make(replace(inputs, schedule=schedule), "r000", learning_rate=0.5)
    assert [trial.train()[MESSAGE].hparams["learning_rate"] for _ in rates] == list(rates)


def test_only_incumbents_are_scored_on_test_unless_the_protocol_wants_all(inputs):
    def tested(given: SessionInputs) -> list[bool]:
        given.shared_state.of.offer(0.999)
        trial = make(given)
        return [trial.train()[MESSAGE].test is not None for _ in range(2)]

    assert tested(inputs) == [False, False]
    assert tested(replace(inputs, test_always=True)) == [True, True]


@pytest.fixture
def timed(monkeypatch) -> list[tuple[bool, int] | str]:
    """Timings so far: (bf16, batch size) of training, or evaluation."""
    found: list[tuple[bool, int] | str] = []
    train, evaluation = speed.train_token_seconds, speed.evaluation_token_seconds
    monkeypatch.setattr(
        speed,
        "train_token_seconds",
        lambda job, hparams: (found.append((job.bf16, hparams.batch_size)), train(job, hparams))[1],
    )
    monkeypatch.setattr(speed, "evaluation_token_seconds", lambda job: (found.append("evaluation"), evaluation(job))[1])
    return found


def search(worker: Worker, inputs: SessionInputs, began: float, **changes) -> Evaluated:
    """The first result of one more search in the same worker. changes: of the recipe."""
    recipe = replace(inputs.recipe, **changes)
    worker.begin(replace(inputs, began=began, recipe=recipe), TrialRequest(trial_id="t000", hparams={}), since=began)
    return worker.step()


def test_the_next_search_on_the_same_data_keeps_the_network_and_the_measured_speed(inputs, timed):
    worker = Worker()
    first = search(worker, inputs, began=time.time())
    network = worker._trainer.job.network
    assert timed == [(False, 16), "evaluation"]
    began = time.time()
    second = search(worker, inputs, began=began)
    passed = time.time() - began
    assert len(timed) == 2
    assert worker._trainer.job.network is network
    assert second.validation == first.validation, "as from scratch"
    assert second.rates.train_token_seconds == first.rates.train_token_seconds
    assert 0 < second.rates.start_up_seconds <= passed, "this session's, not the one in which it was measured"
    assert second.cost.start_up_seconds <= passed


def test_another_datas_search_gets_its_own_network_and_is_measured(inputs, timed):
    worker = Worker()
    search(worker, inputs, began=1.0)
    network = worker._trainer.job.network
    other = shared(Material(base=make_base(), train=encoded(40, 4), validation=encoded(30, 5), test=None), "b")
    second = search(worker, inputs, began=2.0, material=other)
    assert worker._trainer.job.network is not network
    assert second.examples_seen == 40
    assert timed == [(False, 16), "evaluation"] * 2
    search(worker, inputs, began=3.0, material=other, batch_sizes=(8, 16))
    assert timed[4:] == [(False, 8)], "nothing is timed twice"


def test_the_precisions_are_timed_before_a_search_which_knows_what_was_timed(inputs, timed):
    worker = Worker()
    found = {}
    for name in ("bf16", "fp32"):
        recipe = replace(inputs.recipe, bf16=name == "bf16")
        found[name] = worker.step_seconds(replace(inputs, recipe=recipe))
    assert min(found.values()) > 0
    assert timed == [(True, 16), (False, 16)]
    rates = search(worker, inputs, began=time.time(), bf16=True).rates
    assert rates.train_token_seconds == {"16": found["bf16"]}
    assert timed[2:] == ["evaluation"]


def test_what_prepares_badly_says_why_each_time_and_never_goes_on_with_the_last_searchs_speed(inputs, monkeypatch):
    worker = Worker()
    search(worker, inputs, began=1.0)

    def fail(*_):
        raise MemoryError("no room")

    monkeypatch.setattr(finetune_trainer, "calibrate", fail)
    for _ in range(2):
        ended = search(worker, inputs, began=2.0)
        assert (ended.status, ended.reason) == ("failed", "out of memory: no room")
        assert "MemoryError: no room" in ended.traceback
        with pytest.raises(MemoryError, match="no room"):
            worker.prepare(replace(inputs, began=2.0))
    worker.reset(REQUEST)
    assert worker.step().status == "failed", "the next trial says so too"
    monkeypatch.undo()
    monkeypatch.setattr(module.ray, "get", lambda value, timeout=None: value)
    assert search(worker, inputs, began=2.0).rates


def test_a_shared_state_that_died_interrupts_a_trial_and_is_never_its_failure(inputs):
    class Dead:
        def take(self, *_):
            raise RayActorError

    trial = make(inputs)
    trial.train()
    inputs.shared_state.of = Dead()
    ended = trial.train()[MESSAGE]
    assert ended.status == "interrupted"
    assert "shared state died" in ended.reason


def test_a_search_is_measured_and_reported_once_however_often_its_workers_come_anew(inputs):
    worker = Worker()
    began = time.time()
    assert search(worker, inputs, began).rates
    assert search(worker, inputs, began).rates is None


def test_a_first_trial_that_comes_to_no_score_leaves_the_report_to_the_next(inputs):
    worker = Worker()
    worker.begin(inputs, TrialRequest(trial_id="t000", hparams={"learning_rate": 1e-3}), since=0.0)
    worker.reset(TrialRequest(trial_id="t001", hparams={}))
    assert worker.step().rates


def test_start_up_is_what_passed_since_the_session_began_at_most(inputs):
    worker = Worker()
    began = time.time()
    worker.begin(replace(inputs, began=began), TrialRequest(trial_id="t000", hparams={}), since=0.0)
    assert worker._running.pending.start_up_seconds <= time.time() - began


def test_a_worker_that_was_started_anew_says_so_instead_of_training_something_else():
    worker = Worker()
    worker.reset(REQUEST)  # Ray Tune gives up a trial whose reset fails
    with pytest.raises(RuntimeError, match="started anew"):
        worker.load(1)
    with pytest.raises(RuntimeError, match="started anew"):
        worker.step()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device", "/results/x"),
            "No space left on device: /results/x; free some space",
        ),
        (RayTaskError("save", "", OSError(errno.EDQUOT, "Quota")).as_instanceof_cause(), "quota exceeded"),
        (ObjectStoreFullError("full"), "Ray's object store is full"),
    ],
)
def test_a_full_disk_or_store_interrupts_the_search_and_is_no_trials_failure(inputs, monkeypatch, error, said):
    def fail(*_):
        raise error

    monkeypatch.setattr(LocalFiles, "save", fail)
    ended = make(inputs).train()[MESSAGE]
    assert ended.status == "interrupted"
    assert said in ended.reason
