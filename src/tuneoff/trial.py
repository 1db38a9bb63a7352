"""The Ray adapter around the training function: one warm process per slot, one trial at a time in it."""

from __future__ import annotations

import time

IMPORT_BEGAN = time.monotonic()  # before the imports below, which are most of a worker's start-up

import os
import socket
import traceback
from collections.abc import Callable, Generator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import ray
import torch
from ray.tune import Trainable

from tuneoff.calibrate import calibrate
from tuneoff.checkpoint import TrainState, from_arrays, read, to_arrays
from tuneoff.engine.batches import DeviceSplit
from tuneoff.engine.model import BaseModel, Network
from tuneoff.finetune import Diverged, Evaluation, Job, OutOfTime, finetune
from tuneoff.hparams import HParams
from tuneoff.record import COMPLETED, DIVERGED, FAILED, STOPPED, Cost
from tuneoff.schedule import Schedule
from tuneoff.seeds import trial_seed
from tuneoff.snapshots import SnapshotWriter
from tuneoff.task.encode import EncodedSplit

SCORE = "score"
TRIAL = "trial"
REFERENCE_FILE = "state.ref"
BUDGET_SPENT = "the budget is spent"


@dataclass(frozen=True, kw_only=True)
class TrialInputs:
    """What every trial of a search is given, through Ray's object store (arrays are not copied).

    hparams: in force where neither the search nor `schedule` sets them. resume: how a checkpoint is continued, see
    finetune. batch_sizes: at which a worker's speed is measured. checkpoints: whether the scheduler exploits.
    schedule: what every trial follows instead of a proposal.
    snapshot_seconds: see SnapshotWriter; None writes none. test_always: not only incumbents are scored on test.
    began: time.time() at which the search began. deadline: time.time() at which a budget of time is spent, or None.
    """

    base: BaseModel
    train: EncodedSplit
    validation: EncodedSplit
    test: EncodedSplit | None
    n_labels: int
    metrics: tuple[str, ...]
    hparams: HParams
    seed: int
    device: str
    threads: int
    batch_sizes: tuple[int, ...]
    bf16: bool
    evaluations_per_epoch: int
    bucket_lengths: bool
    evaluation_batch_size: int
    resume: str
    checkpoints: bool
    schedule: Schedule | None
    snapshot_folder: str
    snapshot_seconds: float | None
    test_always: bool
    began: float
    deadline: float | None
    board: Any


class Trial(Trainable):  # type: ignore[misc]
    """Reports one evaluation per `step`. Its process, imports, arrays and network outlive the trial."""

    def setup(self, config: dict[str, Any], inputs: TrialInputs) -> None:
        torch.set_num_threads(inputs.threads)
        self._inputs = inputs
        self._job = make_job(inputs, self._out_of_time)
        self._worker = f"{socket.gethostname()}:{os.getpid()}"
        self._begin(config)
        self._rates: Any = calibrate(self._job, inputs.hparams, inputs.batch_sizes, inputs.began)
        tokens = sum(int(s.lengths.sum()) for s in (self._job.validation, self._job.test) if s is not None)
        self._evaluate_seconds = self._rates.evaluate_token_seconds * tokens
        slowest = max(self._rates.train_token_seconds.values()) * float(self._job.train.lengths.sum())
        self._interval_seconds = slowest / inputs.evaluations_per_epoch + self._evaluate_seconds
        self._pending = Cost(start_up_seconds=time.monotonic() - IMPORT_BEGAN)

    def _out_of_time(self) -> bool:
        """Whether a budget of time would be overdrawn by going on: what is trained must also be scored."""
        deadline = self._inputs.deadline
        return deadline is not None and time.time() + self._evaluate_seconds > deadline

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self._begin(new_config)
        return True

    def _begin(self, config: Mapping[str, Any]) -> None:
        values = dict(config)
        self._trial: str = values.pop(TRIAL)
        self._hparams = self._inputs.hparams.replace(values)
        self._examples_seen = 0
        self._run: Generator[Evaluation, HParams | None, None] | None = None
        self._state: TrainState | None = None
        self._parent: tuple[str, int] | None = None
        self._serial = 0
        self._pending = Cost()
        self._snapshots = self._make_snapshots()

    def _make_snapshots(self) -> SnapshotWriter | None:
        seconds = self._inputs.snapshot_seconds
        return None if seconds is None else SnapshotWriter(Path(self._inputs.snapshot_folder), self._trial, seconds)

    def step(self) -> dict[str, Any]:
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
        rates, self._rates = self._rates, None
        return {
            SCORE: evaluation.validation.metrics[self._inputs.metrics[0]],
            "epoch": evaluation.epoch, "done": evaluation.done, "status": COMPLETED if evaluation.done else "running",
            "serial": self._serial if self._inputs.checkpoints and not evaluation.done else None,
            "parent_serial": parent[1] if parent else None,
            "rates": asdict(rates) if rates else None,
            "evaluation": {
                "trial_id": self._trial, "parent_trial_id": parent[0] if parent else None,
                "hparams": evaluation.hparams.to_dict(), "examples_seen": evaluation.examples_seen,
                "epoch": evaluation.epoch, "validation": asdict(evaluation.validation),
                "test": asdict(evaluation.test) if evaluation.test else None, "cost": asdict(cost),
                "peak_memory_bytes": _peak_memory(self._inputs.device), "worker": self._worker, "snapshot": snapshot},
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
        self._iteration = int(self._state.examples_seen / share + 1e-9)  # Ray's clock, which its schedulers go by
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

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        (Path(checkpoint_dir) / REFERENCE_FILE).write_text(str(self._serial), encoding="ascii")

    def load_checkpoint(self, checkpoint: str) -> None:
        """Goes on from the referenced state; another trial's makes it this one's parent."""
        started = time.perf_counter()
        self._serial = read_reference(Path(checkpoint))
        writer, state = ray.get(self._inputs.board.get.remote(self._serial))
        self._state, self._run = from_arrays(*state), None
        self._parent = (writer, self._serial) if writer != self._trial else None
        self._pending = self._pending + Cost(load_seconds=time.perf_counter() - started)

    def _end(self, status: str, reason: str, cost: Cost, trace: str = "") -> dict[str, Any]:
        """A last result without a score: none is invented."""
        spent, self._pending = cost + self._pending, Cost()
        return {"done": True, "status": status, "reason": reason, "traceback": trace, "cost": asdict(spent),
                "worker": self._worker}


def read_reference(checkpoint: Path) -> int:
    """Serial number of the state that a checkpoint folder stands for."""
    return int((checkpoint / REFERENCE_FILE).read_text(encoding="ascii"))


def make_job(inputs: TrialInputs, out_of_time: Callable[[], bool] | None = None) -> Job:
    device = torch.device(inputs.device)
    board = inputs.board
    return Job(
        network=Network(inputs.base, device),
        train=DeviceSplit(inputs.train, device), validation=DeviceSplit(inputs.validation, device),
        test=DeviceSplit(inputs.test, device) if inputs.test else None,
        n_labels=inputs.n_labels, metrics=inputs.metrics, device=device, bf16=inputs.bf16,
        evaluations_per_epoch=inputs.evaluations_per_epoch, bucket_lengths=inputs.bucket_lengths,
        evaluation_batch_size=inputs.evaluation_batch_size, resume=inputs.resume,
        out_of_time=out_of_time if inputs.deadline is not None else None,
        wants_test=lambda score: bool(ray.get(board.offer.remote(score))) or inputs.test_always)


def _reason(error: Exception) -> str:
    kind = "out of memory" if isinstance(error, torch.OutOfMemoryError | MemoryError) else type(error).__name__
    return f"{kind}: {str(error).strip().splitlines()[0] if str(error).strip() else 'no message'}"


def _peak_memory(device: str) -> int:
    """Peak resident bytes of the process; on a GPU, peak bytes allocated on it."""
    if device == "cuda":
        return int(torch.cuda.max_memory_allocated())
    import resource
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
