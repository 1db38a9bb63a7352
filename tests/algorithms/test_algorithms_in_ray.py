"""Our searches in Ray Tune itself, through the adapters and the controller, with workers that only add numbers."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import ray
from ray import cloudpickle, tune

from tests.algorithms.search_driver import MIXED, context, search
from tuneoff.algorithms.search import Search
from tuneoff.evaluation import Cost, Score
from tuneoff.execution import tune_actor
from tuneoff.execution.actor import WorkerActor
from tuneoff.execution.controller import Trial, controlling
from tuneoff.execution.messages import MESSAGE, TIME, TRIAL, Ended, Evaluated, TrialRequest
from tuneoff.execution.ray_scheduler import RayScheduler
from tuneoff.execution.ray_searcher import RaySearcher
from tuneoff.execution.worker_slots import WorkerSlots
from tuneoff.records.schema import DIVERGED

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_of_two_cpus")]
cloudpickle.register_pickle_by_value(sys.modules[__name__])


class Adding:
    """Its weight grows by 1 / (1 + weight_decay) a step; `num_epochs` steps. Diverges at a batch size of 64.

    A state's number is its file's: nanoseconds, so that no actor is needed to hold it.
    """

    def __init__(self, states: Path, diverges: bool) -> None:
        self.states, self.diverges = states, diverges

    def begin(self, inputs: Any, request: TrialRequest, since: float) -> None:
        self.reset(request)

    def reset(self, request: TrialRequest) -> None:
        self.name, self.values = request.trial_id, dict(request.hparams)
        self.weight, self.epoch, self.loaded = 0.0, 0, None

    def step(self) -> Evaluated | Ended:
        time.sleep(0.05)
        if self.diverges and self.values["batch_size"] == 64 and self.epoch == 1:
            return Ended(trial_id=self.name, status=DIVERGED, reason="", cost=Cost(), worker="")
        self.epoch += 1
        self.weight += 1 / (1 + self.values["weight_decay"])
        serial = time.time_ns()
        state = {"weight": self.weight, "epoch": self.epoch, "writer": self.name, "values": self.values}
        (self.states / str(serial)).write_text(json.dumps(state), encoding="utf-8")
        return Evaluated(
            trial_id=self.name,
            score=self.weight,
            hparams=dict(self.values),
            examples_seen=self.epoch,
            epoch=float(self.epoch),
            done=self.epoch >= self.values["num_epochs"],
            validation=Score(metrics={}, loss=0.0, n_examples=1, predicted_counts=(1,)),
            test=None,
            cost=Cost(),
            peak_memory_bytes=None,
            worker="",
            snapshot=None,
            serial=serial,
            parent=None,
            rates=None,
        )

    def load(self, serial: int) -> None:
        self.loaded = json.loads((self.states / str(serial)).read_text(encoding="utf-8"))
        self.weight, self.epoch = self.loaded["weight"], self.loaded["epoch"]


class Adder(WorkerActor):
    """A worker's process, in which nothing is trained."""

    diverges = False

    def __init__(self, states: str) -> None:
        self._worker: Any = Adding(Path(states), self.diverges)
        self._clock = 0

    def train(self) -> dict[str, Any]:
        result = super().train()
        work = self._worker
        loaded, work.loaded = work.loaded, None
        return {**result, "seen": dict(work.values), "loaded": loaded, "process": os.getpid()}


class Diverging(Adder):
    diverges = True


class Mute(Adder):
    def train(self) -> dict[str, Any]:
        return {"eval_acc": 0.5, TIME: 1, "done": False}


class Fragile(Adder):
    """Its process dies at the first trial that it takes over, once in all."""

    def reset(self, request: TrialRequest) -> bool:
        died = self._worker.states / "died"
        if not died.exists():
            died.touch()
            os._exit(1)
        return super().reset(request)


class Stuck(Adder):
    """Hangs once in all, in the call that `states/hangs in` names: in the first `begin` or `reset`, or in a second step."""

    def _hang(self, call: str) -> None:
        file = self._worker.states / "hangs in"
        if file.exists() and file.read_text() == call:
            file.unlink()
            time.sleep(600)

    def begin(self, inputs: Any, request: TrialRequest, since: float) -> float:
        self._hang("begin")
        super().begin(inputs, request, since)
        return 2.0

    def reset(self, request: TrialRequest) -> bool:
        self._hang("reset")
        return super().reset(request)

    def train(self) -> dict[str, Any]:
        if self._worker.epoch == 1:
            self._hang("train")
        return super().train()


class Slow(Adder):
    """One second step takes as long as Ray Tune waits for a process that it told to stop, and longer."""

    def train(self) -> dict[str, Any]:
        file = self._worker.states / "hangs in"
        if self._worker.epoch == 1 and file.exists():
            file.unlink()
            time.sleep(12)
        return super().train()


class Log(tune.Callback):
    def __init__(self) -> None:
        self.results: list[tuple[str, dict[str, Any]]] = []

    def on_trial_result(self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any) -> None:
        self.results.append((trial.config[TRIAL], dict(result)))


def run(made: Search, folder: Path, kind: type[Adder] = Adder, retries: int = 0) -> tuple[Any, Log]:
    states = folder / "states"
    states.mkdir(exist_ok=True)
    workers = workers_of(kind, states)
    try:
        return search_with(workers, made, folder, retries)
    finally:
        for worker in workers:
            ray.kill(worker)


def workers_of(kind: type[Adder], states: Path) -> list[Any]:
    return [ray.remote(num_cpus=1, max_restarts=-1)(kind).remote(str(states)) for _ in range(2)]


def search_with(workers: list[Any], made: Search, folder: Path, retries: int = 0, stop: Any = None) -> tuple[Any, Log]:
    log = Log()
    scheduler = RayScheduler(made, references=folder / "references", snapshots=folder / "states")
    slots = WorkerSlots(workers, ray.put(None), None, lost=pytest.fail, starts=scheduler.starts)
    tuner = tune.Tuner(
        Trial,
        tune_config=tune.TuneConfig(
            search_alg=RaySearcher(made), scheduler=scheduler, num_samples=made.num_trials + made.population, reuse_actors=True
        ),
        run_config=tune.RunConfig(
            storage_path=str(folder),
            name="search",
            callbacks=[log],
            verbose=0,
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            failure_config=tune.FailureConfig(max_failures=retries),
            stop=stop,
        ),
    )
    with controlling(slots):
        return tuner.fit(), log


@pytest.mark.parametrize("synchronous", [False, True])
def test_a_population_of_more_members_than_slots_copies_mutates_and_ends(tmp_path: Path, synchronous: bool) -> None:
    made = search(
        "random",
        "pbt",
        trials=6,
        where=context(seed=4),
        scheduler_knobs={"synchronous": synchronous, "quantile_fraction": 0.5, "resample_probability": 0.5},
    )
    grid, log = run(made, tmp_path)
    assert len(grid) == made.num_trials
    assert not grid.errors
    assert not made.pending
    copies = [(trial, result) for trial, result in log.results if result["loaded"] and result["loaded"]["writer"] != trial]
    assert copies
    for trial, result in log.results:
        assert MIXED.contains(result["seen"]), trial
    for trial, result in copies:
        donor, seen = result["loaded"], result["seen"]
        assert (seen["num_epochs"], seen["lr_schedule"]) == (donor["values"]["num_epochs"], donor["values"]["lr_schedule"]), (
            trial
        )
        assert result["training_iteration"] == result[MESSAGE].epoch == donor["epoch"] + 1
        assert result["score"] == pytest.approx(donor["weight"] + 1 / (1 + seen["weight_decay"]))


def test_successive_halving_stops_trials_and_a_diverged_one_has_no_score(tmp_path: Path) -> None:
    made = search("random", "asha", trials=8, where=context(seed=1), scheduler_knobs={"reduction_factor": 2})
    grid, log = run(made, tmp_path, Diverging)
    assert not grid.errors
    assert len(grid) == 8
    diverged = {trial for trial, result in log.results if isinstance(result[MESSAGE], Ended)}
    assert diverged
    last = dict(log.results)
    messages = [result[MESSAGE] for result in last.values()]
    assert [one for one in messages if isinstance(one, Evaluated) and not one.done], "stopped early"
    assert len(made.history.observed) == 8 - len(diverged)
    assert not made.pending


def test_a_trainable_that_never_reports_a_score_ends_in_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="must have a 'score'"):
        run(search("random", "asha", trials=2), tmp_path, Mute)


@pytest.mark.parametrize("scheduler", ["none", "pbt"])
def test_a_trial_whose_process_dies_while_it_takes_the_trial_over_goes_on_in_another(tmp_path: Path, scheduler: str) -> None:
    made = search("random", scheduler, trials=5, where=context(seed=4))
    grid, _ = run(made, tmp_path, Fragile, retries=1)
    assert (tmp_path / "states" / "died").exists()
    trials = grid._experiment_analysis.trials
    assert {trial.status for trial in trials} == {"TERMINATED"}
    assert sorted(trial.run_metadata.num_failures for trial in trials) == [0, 0, 0, 0, 1], "one death counts once"


@pytest.mark.parametrize("call", ["begin", "reset", "train"])
def test_a_trial_that_hangs_is_ended_and_the_others_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    monkeypatch.setattr(tune_actor, "preparation_patience", lambda _: 2.0)
    (tmp_path / "states").mkdir()
    (tmp_path / "states" / "hangs in").write_text(call)
    grid, log = run(search("random", "none", trials=5, where=context(seed=4)), tmp_path, Stuck, retries=1)
    trials = grid._experiment_analysis.trials
    assert {trial.status for trial in trials} == {"TERMINATED"}
    ends = [result[MESSAGE] for _, result in log.results if isinstance(result[MESSAGE], Ended)]
    missing = "no evaluation" if call == "train" else "its worker was not ready"
    assert [(end.status, end.reason) for end in ends] == [("failed", f"it hung: {missing} in 2 s (resources.hang_seconds)")]
    assert all(trial.last_result["done"] for trial in trials)
    assert sum(trial.run_metadata.num_failures for trial in trials) == 0, "and is not tried again"


class AfterTheFirstEvaluation(tune.Stopper):
    seen = 0

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        self.seen += 1
        return False

    def stop_all(self) -> bool:
        return self.seen > 2


def test_a_search_that_ends_while_a_worker_is_still_at_work_leaves_the_workers_to_the_next(tmp_path: Path) -> None:
    (tmp_path / "a" / "states").mkdir(parents=True)
    (tmp_path / "a" / "states" / "hangs in").touch()
    workers = workers_of(Slow, tmp_path / "a" / "states")
    search_with(
        workers, search("random", "none", trials=4, where=context(seed=4)), tmp_path / "a", stop=AfterTheFirstEvaluation()
    )
    (tmp_path / "b" / "states").mkdir(parents=True)
    grid, _ = search_with(workers, search("random", "none", trials=4, where=context(seed=4)), tmp_path / "b")
    trials = grid._experiment_analysis.trials
    assert [trial.last_result["done"] for trial in trials] == [True] * 4
    assert sum(trial.run_metadata.num_failures for trial in trials) == 0
    assert not (tmp_path / "a" / "states" / "hangs in").exists()
    for worker in workers:
        ray.kill(worker)
