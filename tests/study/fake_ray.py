"""A whole search in this process: real adapters, trials, worker, recorder, shared state and log, around a made-up controller
and trainer."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ray.tune.experiment import Trial as TuneTrial

from tests.execution.local_actor import LocalActor
from tests.report.synthetic import header
from tuneoff.algorithms.search import Search
from tuneoff.config import RunConfig
from tuneoff.evaluation import Cost, Score
from tuneoff.execution.actor import WorkerActor
from tuneoff.execution.files import LocalFiles
from tuneoff.execution.kept import kept_weights
from tuneoff.execution.messages import TIME, SessionInputs, TrialRequest
from tuneoff.execution.ray_scheduler import RayScheduler, Restored, restore
from tuneoff.execution.ray_searcher import RaySearcher
from tuneoff.execution.recorder import Recorder
from tuneoff.execution.references import read_reference
from tuneoff.execution.shared_state import Limits, SharedState
from tuneoff.execution.snapshots import discard_damaged
from tuneoff.records.schema import Record, SessionStartRecord
from tuneoff.records.store import HEADER_FILE, KEPT_FOLDER, LOG_FILE, STATE_FOLDER, LogWriter, load_cell, write_header
from tuneoff.study.plan import budget_gate, budget_limits, build_search
from tuneoff.study.resume import resume
from tuneoff.training import protocol

N_TRAIN = 100


@dataclass(frozen=True)
class ScriptedTrainer(protocol.Trainer):
    """A state is a number from 0 to 1, drawn by everything that it came through. Knows the defects of 2020."""

    per_epoch: int
    environment: protocol.Environment

    def start(self, hparams: protocol.Values, *, seed: int, state: protocol.State | None = None) -> protocol.Trial:
        value, seen = (state.numbers["value"], state.examples_seen) if state else (float(seed % 97), 0)
        applied = state.numbers["applied"] if state and self.environment.resume != protocol.RESUME_EXAMPLES else {}
        total = int(hparams["num_epochs"] or 0) * N_TRAIN
        while seen < total:
            in_force = {**hparams, **applied}
            digest = hashlib.sha256(json.dumps([value, in_force], sort_keys=True).encode()).hexdigest()
            value, seen = int(digest[:8], 16) / 16**8, seen + N_TRAIN // self.per_epoch
            score = round(0.3 + 0.5 * value + 0.1 * seen / N_TRAIN, 3)
            kept = {"value": value, "applied": {name: in_force[name] for name in ("learning_rate", "weight_decay")}}
            saved = protocol.State(arrays={}, numbers=kept, examples_seen=seen, epoch=seen / N_TRAIN)
            yield protocol.Evaluation(
                hparams=in_force,
                examples_seen=seen,
                epoch=seen / N_TRAIN,
                validation=_score(score),
                test=_score(score) if self.environment.wants_test(score) else None,
                cost=Cost(train_examples=N_TRAIN // self.per_epoch),
                done=seen >= total,
                capture=lambda saved=saved: saved,
            )


def _score(value: float) -> Score:
    return Score(metrics={"accuracy": value}, loss=1 - value, n_examples=2, predicted_counts=(1, 1))


@dataclass(frozen=True)
class ScriptedRecipe(protocol.Recipe):
    per_epoch: int

    def build(self, environment: protocol.Environment, kept: protocol.Kept) -> ScriptedTrainer:
        return ScriptedTrainer(self.per_epoch, environment)


def session_inputs(config: RunConfig, search: Search, state: LocalActor) -> SessionInputs:
    per_epoch = config.training.evaluations_per_epoch
    return SessionInputs(
        recipe=ScriptedRecipe(per_epoch),
        metric="accuracy",
        defaults=config.hparams,
        seed=7,
        device="cpu",
        threads=1,
        evaluations_per_epoch=per_epoch,
        resume=search.resume,
        checkpoints=search.population,
        schedule=search.schedule,
        files=LocalFiles(snapshots=config.cell / STATE_FOLDER, kept=config.cell / KEPT_FOLDER),
        snapshot_seconds=0.0,
        test_always=False,
        began=time.time(),
        timed=False,
        shared_state=state,
        keeps=config.keep is not None,
    )


@dataclass
class FakeTrial:
    """What searcher, scheduler and recorder read of a trial of Ray Tune."""

    trial_id: str
    config: dict[str, Any]
    status: str = TuneTrial.PENDING
    last_result: dict[str, Any] = field(default_factory=dict)
    run_metadata: Any = None
    temporary_state: Any = field(default_factory=lambda: SimpleNamespace(ray_actor=None))

    def __post_init__(self) -> None:
        self.run_metadata = SimpleNamespace(checkpoint_manager=SimpleNamespace(_latest_checkpoint_result=None))

    def set_status(self, status: str) -> None:
        self.status = status

    def set_config(self, config: dict[str, Any]) -> None:
        self.config = config

    def is_finished(self) -> bool:
        return self.status == TuneTrial.TERMINATED


@dataclass
class FakeController:
    """One slot: what Ray's controller does with a searcher, a scheduler and a callback, in its order."""

    searcher: RaySearcher
    scheduler: RayScheduler
    recorder: Recorder
    inputs: SessionInputs
    samples: int
    trials: list[FakeTrial] = field(default_factory=list)
    finished: bool = False
    worker: WorkerActor | None = None
    """One for all trials."""

    def get_trials(self) -> list[FakeTrial]:
        return self.trials

    def get_live_trials(self) -> list[FakeTrial]:
        return [trial for trial in self.trials if not trial.is_finished()]

    def pause_trial(self, trial: FakeTrial, should_checkpoint: bool = True) -> None:
        assert not should_checkpoint
        trial.status = TuneTrial.PAUSED

    def run(self) -> None:
        running: FakeTrial | None = None
        while True:
            self._ask()
            if running is None or running.status != TuneTrial.RUNNING:
                running = self.scheduler.choose_trial_to_run(self)
                if running is None:
                    assert all(trial.is_finished() for trial in self.trials), "nobody can go on"
                    if self.finished:
                        return
                    continue
                self._start(running)
                continue
            self._train(running)

    def _ask(self) -> None:
        while not self.finished and not any(trial.status == TuneTrial.PENDING for trial in self.trials):
            if len(self.trials) >= self.samples:
                self.finished = True
                return
            trial_id = f"random-{len(self.trials)}-{time.time_ns()}"
            suggestion = self.searcher.suggest(trial_id)
            if not isinstance(suggestion, dict):
                self.finished = suggestion is not None
                return
            trial = FakeTrial(trial_id, suggestion)
            self.scheduler.on_trial_add(self, trial)
            self.trials.append(trial)

    def _start(self, trial: FakeTrial) -> None:
        trial.status = TuneTrial.RUNNING
        request = TrialRequest.of(trial.config)
        if self.worker is None:
            self.worker = WorkerActor(())
            self.worker.begin(self.inputs, request, time.time())
        else:
            self.worker.reset(request)
        saved = trial.run_metadata.checkpoint_manager._latest_checkpoint_result
        if saved is not None:
            self.worker.load(read_reference(Path(saved.checkpoint.path)), saved.metrics[TIME])

    def _train(self, trial: FakeTrial) -> None:
        assert self.worker is not None
        result = self.worker.train()
        decision = "STOP" if result["done"] else self.scheduler.on_trial_result(self, trial, result)
        if decision == "STOP":
            result["done"] = True
        self.recorder.on_trial_result(0, self.trials, trial, result)
        trial.last_result = result
        if decision == "STOP":
            self.searcher.on_trial_complete(trial.trial_id, result)
            self.recorder.on_trial_complete(0, self.trials, trial)
            trial.status = TuneTrial.TERMINATED


def session(config: RunConfig, listen: Callable[[Record], None] = lambda _: None) -> None:
    """Begins the search or goes on with it, to its end."""
    cell = config.cell
    cell.mkdir(parents=True, exist_ok=True)
    if not (cell / HEADER_FILE).exists():
        write_header(cell, header(data={"n_train": N_TRAIN, "name": "fake"}))
    search = build_search(config, slots=1, devices=1)
    discard_damaged(cell / STATE_FOLDER)
    with LogWriter(cell) as writer:
        found = resume(load_cell(cell, LOG_FILE), search, config.training.evaluations_per_epoch)
        for record in found.missing_ends:
            writer.append(record)
            listen(record)
        earlier = found.earlier
        limits = budget_limits(config, SimpleNamespace(devices=1), earlier)  # type: ignore[arg-type]
        state = LocalActor(
            SharedState(Limits(best=earlier.best, epochs_spent=earlier.epochs_spent, snapshots=earlier.snapshots, **limits))
        )
        restored = restore(state, earlier) if search.population else Restored()
        scheduler = RayScheduler(
            search, references=cell / "references", snapshots=cell / STATE_FOLDER, restored=restored.members
        )
        recorder = Recorder(
            cell,
            writer,
            state,
            earlier,
            listen,
            wanted=scheduler.wanted,
            written_at=restored.written_at,
            kept=kept_weights(load_cell(cell, LOG_FILE)),
        )
        recorder.write(
            SessionStartRecord(session=earlier.sessions + 1, time_utc="", elapsed_seconds=0.0, devices=1, device_kind="cpu")
        )
        searcher = RaySearcher(
            search,
            unfinished=earlier.unfinished,
            first=len(earlier.started),
            may_start=budget_gate(config, search, state),
            proposed=recorder.proposed,
        )
        if len(earlier.ended) < search.num_trials:
            samples = search.num_trials + search.population - len(earlier.ended)
            FakeController(searcher, scheduler, recorder, session_inputs(config, search, state), samples).run()
