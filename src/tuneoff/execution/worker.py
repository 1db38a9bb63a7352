"""What trains: one process a slot, which outlives trials and searches. Holds torch, the network and the data."""

from __future__ import annotations

import time

IMPORT_BEGAN = time.time()  # before the imports below, which are most of a process's start-up

import os
import socket
import traceback
from collections.abc import Generator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import ray
import torch

from tuneoff.errors import first_line
from tuneoff.evaluation import Cost
from tuneoff.execution.messages import SCORE, TRIAL, Material, StoredState, TrialInputs
from tuneoff.execution.snapshots import SnapshotWriter
from tuneoff.hparams import HParams
from tuneoff.model.loading import Network
from tuneoff.records.schema import COMPLETED, DIVERGED, FAILED, STOPPED
from tuneoff.seeds import trial_seed
from tuneoff.training.batches import DeviceSplit
from tuneoff.training.checkpoint import TrainState, from_arrays, read, to_arrays
from tuneoff.training.finetune import Diverged, Evaluation, Job, OutOfTime, finetune
from tuneoff.training.speed import Rates, Speeds, calibrate
from tuneoff.training.step import Steppers

BUDGET_SPENT = "the budget is spent"


@dataclass(frozen=True, kw_only=True)
class _Held:
    """The network and the data on the device, for as long as searches ask for the same."""

    key: tuple[str, str]
    network: Network
    train: DeviceSplit
    validation: DeviceSplit
    test: DeviceSplit | None
    steppers: Steppers = field(default_factory=Steppers)
    speeds: Speeds = field(default_factory=Speeds)


class Executor:
    """One trial at a time: `begin` a first one, `reset` to the next, `step` through it. In a process of its own where it is
    a Ray actor (see pool), else in a worker of Ray Tune."""

    def __init__(self) -> None:
        self._worker = f"{socket.gethostname()}:{os.getpid()}"
        self._held: _Held | None = None
        self._job: Any = None
        self._began: float | None = None
        self._report: Rates | None = None

    def time_precision(self, inputs: TrialInputs, precision: str) -> float:
        """Seconds per real token of training steps in fp32 or bf16, at the smallest batch size."""
        torch.set_num_threads(inputs.threads)
        self._inputs = inputs
        job, hparams = self._make_job(), inputs.hparams.replace({"batch_size": inputs.batch_sizes[0]})
        return self._hold().speeds.train(replace(job, bf16=precision == "bf16"), hparams)

    def prepare(self, inputs: TrialInputs) -> Rates:
        """Takes up a session of a search; the second time does nothing. Returns the speed of this worker.

        What is at hand is kept: network and data where they are the same, the measured speed where everything that it depends
        on is. start_up_seconds is this session's. What is raised here is raised again at the next call.
        """
        if self._began != inputs.began:
            self._busy_since = IMPORT_BEGAN if self._began is None else time.time()
            self._inputs = inputs
            torch.set_num_threads(inputs.threads)
            if inputs.device == "cuda":
                torch.cuda.reset_peak_memory_stats()
            self._job = self._make_job()
            self._rates = self._measure()
            self._began, self._new = inputs.began, True
        return replace(self._rates, start_up_seconds=time.time() - inputs.began)

    def _hold(self) -> _Held:
        inputs, device = self._inputs, torch.device(self._inputs.device)
        key = (inputs.material_key, inputs.device)
        if self._held is None or self._held.key != key:
            self._held = self._job = None  # two networks at once may be too much for the device
            material: Material = ray.get(inputs.material)
            self._held = _Held(
                key=key,
                network=Network(material.base, device),
                train=DeviceSplit(material.train, device),
                validation=DeviceSplit(material.validation, device),
                test=DeviceSplit(material.test, device) if material.test else None,
            )
        return self._held

    def _make_job(self) -> Job:
        inputs, held, board = self._inputs, self._hold(), self._inputs.board
        return Job(
            network=held.network,
            train=held.train,
            validation=held.validation,
            test=held.test,
            n_labels=inputs.n_labels,
            metrics=inputs.metrics,
            device=torch.device(inputs.device),
            bf16=inputs.bf16,
            evaluations_per_epoch=inputs.evaluations_per_epoch,
            bucket_lengths=inputs.bucket_lengths,
            evaluation_batch_size=inputs.evaluation_batch_size,
            resume=inputs.resume,
            cuda_graphs=inputs.cuda_graphs,
            steppers=held.steppers,
            out_of_time=self._out_of_time if inputs.deadline is not None else None,
            wants_test=lambda score: bool(ray.get(board.offer.remote(score))) or inputs.test_always,
        )

    def _measure(self) -> Rates:
        inputs = self._inputs
        rates = calibrate(self._job, inputs.hparams, inputs.batch_sizes, inputs.began, self._hold().speeds)
        tokens = sum(int(s.lengths.sum()) for s in (self._job.validation, self._job.test) if s is not None)
        self._evaluate_seconds = rates.evaluate_token_seconds * tokens
        slowest = max(rates.train_token_seconds.values()) * float(self._job.train.lengths.sum())
        self._interval_seconds = slowest / inputs.evaluations_per_epoch + self._evaluate_seconds
        return rates

    def begin(self, inputs: TrialInputs, config: Mapping[str, Any], since: float) -> None:
        """A worker's first trial. since: time.time() from which it was starting, which is booked as start-up, as is what this
        process did for the search before."""
        rates = self.prepare(inputs)
        self.reset(config)
        if self._new:
            since, self._report, self._new = min(since, self._busy_since), rates, False
        self._pending = Cost(start_up_seconds=max(0.0, time.time() - max(since, inputs.began)))

    def _out_of_time(self) -> bool:
        """Whether a budget of time would be overdrawn by going on: what is trained must also be scored."""
        deadline = self._inputs.deadline
        return deadline is not None and time.time() + self._evaluate_seconds > deadline

    def _must_have_begun(self) -> None:
        """RuntimeError in a process that Ray put in a dead one's place between two calls."""
        if self._began is None:
            raise RuntimeError("the executor died and was started anew: what it held is gone, its trial begins again")

    def reset(self, config: Mapping[str, Any]) -> None:
        """The next trial, from scratch."""
        self._must_have_begun()
        values = dict(config)
        self._trial: str = values.pop(TRIAL)
        self._hparams = self._inputs.hparams.replace(values)
        self._examples_seen = 0
        self._run: Generator[Evaluation, HParams | None, None] | None = None
        self._state: TrainState | None = None
        self._parent: tuple[str, int] | None = None
        self._serial = 0
        self._pending = Cost()
        self._iteration: int | None = None
        self._snapshots = self._make_snapshots()

    def _make_snapshots(self) -> SnapshotWriter | None:
        seconds = self._inputs.snapshot_seconds
        return None if seconds is None else SnapshotWriter(Path(self._inputs.snapshot_folder), self._trial, seconds)

    def step(self) -> tuple[dict[str, Any], int | None]:
        """(result for Ray Tune, its clock where that must be set: after a crash)."""
        self._must_have_begun()
        result = self._guarded_step()
        iteration, self._iteration = self._iteration, None
        return result, iteration

    def _guarded_step(self) -> dict[str, Any]:
        started = time.perf_counter()
        epochs = 1 / self._inputs.evaluations_per_epoch
        try:
            if not ray.get(self._inputs.board.take.remote(self._trial, epochs, self._interval_seconds)):
                return self._end(STOPPED, BUDGET_SPENT, Cost())
            result = self._step()
            self._interval_seconds = time.perf_counter() - started
            return result
        except StopIteration:
            self._inputs.board.give_back.remote(epochs)
            return self._end(COMPLETED, "the weights it continued from had already seen every epoch", Cost())
        except OutOfTime as error:
            return self._end(STOPPED, BUDGET_SPENT, error.cost)
        except Diverged as error:
            return self._end(DIVERGED, str(error), error.cost)
        except Exception as error:  # a failed trial is counted and the search goes on; the reason is kept
            spent = Cost(train_seconds=time.perf_counter() - started)
            return self._end(FAILED, _reason(error), spent, traceback.format_exc())

    def _step(self) -> dict[str, Any]:
        evaluation = self._next_evaluation()
        self._examples_seen = evaluation.examples_seen
        cost = evaluation.cost + self._pending
        snapshot = None
        if not evaluation.done:
            saved, snapshot = self._save(evaluation)
            cost = cost + saved
        parent, self._parent, self._pending = self._parent, None, Cost()
        rates, self._report = self._report, None
        return {
            SCORE: evaluation.validation.metrics[self._inputs.metrics[0]],
            "epoch": evaluation.epoch,
            "done": evaluation.done,
            "status": COMPLETED if evaluation.done else "running",
            "snapshot": snapshot,
            "serial": self._serial if self._inputs.checkpoints and not evaluation.done else None,
            "parent_serial": parent[1] if parent else None,
            "rates": asdict(rates) if rates else None,
            "evaluation": {
                "trial_id": self._trial,
                "parent_trial_id": parent[0] if parent else None,
                "hparams": evaluation.hparams.to_dict(),
                "examples_seen": evaluation.examples_seen,
                "epoch": evaluation.epoch,
                "validation": asdict(evaluation.validation),
                "test": asdict(evaluation.test) if evaluation.test else None,
                "cost": asdict(cost),
                "peak_memory_bytes": _peak_memory(self._inputs.device),
                "worker": self._worker,
                "snapshot": snapshot,
            },
        }

    def _next_evaluation(self) -> Evaluation:
        schedule = self._inputs.schedule
        if self._run is not None:
            return self._run.send(schedule.at(self._examples_seen) if schedule else None)
        if self._state is None:
            self._recover()
        self._examples_seen = self._state.examples_seen if self._state else 0
        hparams = schedule.at(self._examples_seen) if schedule else self._hparams
        self._run = finetune(self._job, hparams, seed=trial_seed(self._inputs.seed, self._trial), state=self._state)
        return next(self._run)

    def _recover(self) -> None:
        """After a crash: from the trial's newest snapshot whose evaluation is in the log, if there is one."""
        started = time.perf_counter()
        name = ray.get(self._inputs.board.snapshot_of.remote(self._trial))
        if name is None:
            return
        self._state = read(Path(self._inputs.snapshot_folder) / name)
        share = len(self._job.train) / self._inputs.evaluations_per_epoch
        self._iteration = int(self._state.examples_seen / share + 1e-9)
        self._pending = self._pending + Cost(load_seconds=time.perf_counter() - started)

    def _save(self, evaluation: Evaluation) -> tuple[Cost, str | None]:
        """Hands the state to the board now, so that the cost is this interval's; Ray gets a reference on demand."""
        started = time.perf_counter()
        snapshots = self._snapshots if self._snapshots and self._snapshots.due() else None
        if not self._inputs.checkpoints and snapshots is None:
            return Cost(), None
        state = evaluation.capture(self._trial)
        if self._inputs.checkpoints:
            self._serial = ray.get(self._inputs.board.put.remote(self._trial, to_arrays(state)))
        name = snapshots.write(state) if snapshots else None
        return Cost(save_seconds=time.perf_counter() - started), name

    def load(self, serial: int) -> None:
        """Goes on from the state of this number; another trial's makes it this one's parent."""
        self._must_have_begun()
        started = time.perf_counter()
        writer, state = ray.get(self._inputs.board.get.remote(serial))
        stored = isinstance(state, StoredState)
        self._state = read(Path(self._inputs.snapshot_folder) / state.file) if stored else from_arrays(*state)
        self._run = None
        self._parent = (writer, serial) if writer != self._trial else None
        self._pending = self._pending + Cost(load_seconds=time.perf_counter() - started)

    def _end(self, status: str, reason: str, cost: Cost, trace: str = "") -> dict[str, Any]:
        """A last result without a score: none is invented."""
        spent, self._pending = cost + self._pending, Cost()
        return {
            "done": True,
            "status": status,
            "reason": reason,
            "traceback": trace,
            "cost": asdict(spent),
            "worker": self._worker,
        }


def _reason(error: Exception) -> str:
    text = first_line(error)
    return f"out of memory: {text.split(': ', 1)[1]}" if isinstance(error, torch.OutOfMemoryError | MemoryError) else text


def _peak_memory(device: str) -> int:
    """Peak resident bytes of the process; on a GPU, peak bytes allocated on it."""
    if device == "cuda":
        return int(torch.cuda.max_memory_allocated())
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
