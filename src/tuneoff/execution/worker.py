"""A worker: one process a slot, which trains one trial at a time and outlives trials and searches."""

from __future__ import annotations

import time

IMPORT_BEGAN = time.time()  # before the imports below, which are most of a process's start-up

import os
import socket
import traceback
from dataclasses import dataclass, field, replace
from functools import partial

import ray

from tuneoff import plugins
from tuneoff.evaluation import Cost
from tuneoff.execution.faults import common_cause, patience, reason_of
from tuneoff.execution.memory import FreedMemory
from tuneoff.execution.messages import Ended, Evaluated, SessionInputs, StoredState, TrialRequest
from tuneoff.execution.snapshots import SnapshotWriter
from tuneoff.records.schema import BUDGET_SPENT, COMPLETED, DIVERGED, FAILED, INTERRUPTED, STOPPED
from tuneoff.seeds import trial_seed
from tuneoff.training.protocol import (
    Diverged,
    Environment,
    Evaluation,
    Kept,
    OutOfTime,
    Rates,
    Speed,
    State,
    Trainer,
    Trial,
    Values,
)


@dataclass(kw_only=True)
class _Running:
    """The trial in progress. pending: its cost that no message has carried yet."""

    trial_id: str
    hparams: Values
    snapshots: SnapshotWriter | None
    examples_seen: int = 0
    generator: Trial | None = None
    state: State | None = None
    parent: tuple[str, int] | None = None
    serial: int = 0
    clock: int | None = None
    pending: Cost = field(default_factory=Cost)


class Worker:
    """`begin` a first trial, `reset` to the next, `step` through it. See actor.WorkerActor."""

    def __init__(self) -> None:
        self._name = f"{socket.gethostname()}:{os.getpid()}"
        self._kept = Kept()
        self._freed = FreedMemory()
        self._trainer: Trainer | None = None
        self._began: float | None = None
        self._report: Rates | None = None
        self._may_be_best = False
        """Whether the last evaluation's score was the best so far."""
        self._deadline: float | None = None
        """time.monotonic() of this machine at which a budget of time is spent."""
        self._broken: tuple[str, str] | None = None
        """(reason, traceback) of a preparation that failed."""

    def step_seconds(self, inputs: SessionInputs) -> float:
        """Seconds per unit of training work with the recipe of `inputs`: one of its engine's variants."""
        return self._build(inputs).step_seconds()

    def prepare(self, inputs: SessionInputs) -> Rates | None:
        """Prepares for a session of a search; a second call does nothing. Returns the speed of this worker.

        The trainer keeps what it has where it is the same: the network, data and measured speed in the case of `finetune`.
        start_up_seconds is this session's. An exception raised here is raised again at the next call.
        """
        if self._began != inputs.began:
            self._busy_since = IMPORT_BEGAN if self._began is None else time.time()
            self._inputs = inputs
            self._trainer = self._build(inputs)
            self._speed: Speed = self._trainer.measure()
            self._interval_seconds = self._speed.interval_seconds
            self._began, self._new = inputs.began, True
        rates = self._speed.rates
        return replace(rates, start_up_seconds=time.time() - inputs.began) if rates else None

    def _build(self, inputs: SessionInputs) -> Trainer:
        plugins.load(inputs.plugins)
        environment = Environment(
            device=inputs.device,
            threads=inputs.threads,
            resume=inputs.resume,
            wants_test=partial(self._wants_test, inputs),
            out_of_time=self._out_of_time if inputs.timed else None,
        )
        self._trainer = None  # so that the last one's memory can be freed before the next one's is taken
        return inputs.recipe.build(environment, self._kept)

    def _wants_test(self, inputs: SessionInputs, score: float) -> bool:
        self._may_be_best = bool(ray.get(inputs.shared_state.offer.remote(score)))
        return self._may_be_best or inputs.test_always

    def begin(self, inputs: SessionInputs, request: TrialRequest, since: float) -> float | None:
        """A process's first trial. since: time.time() from which it was starting, which is booked as start-up, as is this
        worker's preparation for the session. Where that fails, each step says so: another try would fail as well.

        Returns how many seconds a step may take, None for as many as it likes.
        """
        rates, self._broken = None, None
        if inputs.timed:
            self._deadline = time.monotonic() + ray.get(inputs.shared_state.seconds_left.remote())
        try:
            rates = self.prepare(inputs)
        except Exception as error:
            self._inputs, self._broken = inputs, (reason_of(error), traceback.format_exc())
        self.reset(request)
        if self._broken is None and self._new:
            since, self._report, self._new = min(since, self._busy_since), rates, False
        self._running.pending = Cost(start_up_seconds=max(0.0, time.time() - max(since, inputs.began)))
        return None if self._broken else patience(inputs.hang_seconds, self._speed.interval_seconds)

    def _out_of_time(self) -> bool:
        """Whether a budget of time would be overdrawn by going on: an interval that was trained must also be scored."""
        return self._deadline is not None and time.monotonic() + self._speed.evaluate_seconds > self._deadline

    @property
    def _has_begun(self) -> bool:
        """Not so in a process with which Ray replaced a dead one between two calls."""
        return self._began is not None or self._broken is not None

    def _must_have_begun(self) -> None:
        """Raises RuntimeError in such a process."""
        if not self._has_begun:
            raise RuntimeError("the worker died and was started anew: its state is gone, its trial begins again")

    def reset(self, request: TrialRequest) -> None:
        """Begins the next trial, from scratch. In a process that has not begun `load` and `step` say so: Ray Tune gives up a
        trial whose reset fails."""
        if not self._has_begun:
            return
        inputs = self._inputs
        seconds = inputs.snapshot_seconds
        self._running = _Running(
            trial_id=request.trial_id,
            hparams={**inputs.defaults, **request.hparams},
            snapshots=None if seconds is None else SnapshotWriter(inputs.files.save, request.trial_id, seconds),
        )

    def step(self) -> Evaluated | Ended:
        """Trains to the next evaluation. An exception of the trainer is a failed trial, and the search goes on."""
        self._must_have_begun()
        if self._broken is not None:
            reason, trace = self._broken
            return self._end(FAILED, reason, Cost(), trace)
        started = time.perf_counter()
        try:
            return self._step(started)
        except OutOfTime as error:
            return self._end(STOPPED, BUDGET_SPENT, error.cost)
        except Diverged as error:
            return self._end(DIVERGED, str(error), error.cost)
        except Exception as error:
            return self._failed(error, started)

    def _failed(self, error: Exception, started: float) -> Ended:
        """A failed trial, or an interruption where the same would happen to every one."""
        lost = common_cause(error)
        if lost:
            return self._end(INTERRUPTED, lost, Cost())
        spent = Cost(train_seconds=time.perf_counter() - started)
        return self._end(FAILED, reason_of(error), spent, traceback.format_exc())

    def _step(self, started: float) -> Evaluated | Ended:
        """Trains up to the next evaluation, within the budget."""
        epochs, state = 1 / self._inputs.evaluations_per_epoch, self._inputs.shared_state
        try:
            if not ray.get(state.take.remote(self._running.trial_id, epochs, self._interval_seconds)):
                return self._end(STOPPED, BUDGET_SPENT, Cost())
            message = self._evaluate()
            self._freed.give_back()
            if message.intervals > 1:  # they are trained: where the budget has no room for them it is overdrawn
                ray.get(state.spend.remote(self._running.trial_id, epochs * (message.intervals - 1)))
            self._interval_seconds = time.perf_counter() - started
            return message
        except StopIteration:
            state.give_back.remote(epochs)
            return self._end(COMPLETED, "the weights it continued from had already seen every epoch", Cost())

    def _evaluate(self) -> Evaluated:
        running = self._running
        self._may_be_best = False
        evaluation = self._next_evaluation()
        running.examples_seen = evaluation.examples_seen
        saved, snapshot, kept = self._save(evaluation)
        cost = evaluation.cost + running.pending + saved
        parent, running.parent, running.pending = running.parent, None, Cost()
        clock, running.clock = running.clock, None
        rates, self._report = self._report, None
        return Evaluated(
            trial_id=running.trial_id,
            score=evaluation.validation.metrics[self._inputs.metric],
            hparams=evaluation.hparams,
            examples_seen=evaluation.examples_seen,
            epoch=evaluation.epoch,
            done=evaluation.done,
            validation=evaluation.validation,
            test=evaluation.test,
            cost=cost,
            peak_memory_bytes=_peak_memory(self._inputs.device),
            worker=self._name,
            snapshot=snapshot,
            serial=running.serial if self._inputs.checkpoints and not evaluation.done else None,
            parent=parent,
            rates=rates,
            clock=clock,
            intervals=evaluation.intervals,
            kept=kept,
        )

    def _next_evaluation(self) -> Evaluation:
        running, schedule = self._running, self._inputs.schedule
        if running.generator is not None:
            return running.generator.send(schedule.at(running.examples_seen) if schedule else None)
        if running.state is None:
            self._recover()
        running.examples_seen = running.state.examples_seen if running.state else 0
        hparams = schedule.at(running.examples_seen) if schedule else running.hparams
        assert self._trainer is not None
        seed = trial_seed(self._inputs.seed, running.trial_id)
        running.generator = self._trainer.start(hparams, seed=seed, state=running.state)
        return next(running.generator)

    def _recover(self) -> None:
        """After a crash: from the trial's newest snapshot whose evaluation is in the log, if there is one."""
        started, running = time.perf_counter(), self._running
        name = ray.get(self._inputs.shared_state.snapshot_of.remote(running.trial_id))
        if name is None:
            return
        file, running.state = self._inputs.files.load(running.trial_id, name)
        if running.snapshots is not None:
            running.snapshots.went_on_from(file)
        running.clock = int(running.state.epoch * self._inputs.evaluations_per_epoch + 1e-9)
        running.pending = running.pending + Cost(load_seconds=time.perf_counter() - started)

    def _save(self, evaluation: Evaluation) -> tuple[Cost, str | None, str | None]:
        """Hands the state to shared memory now, so that the cost is this interval's; Ray gets a reference on demand. Returns
        also the names of the snapshot and of the kept weights, where they are written."""
        started, running, inputs = time.perf_counter(), self._running, self._inputs
        goes_on = not evaluation.done
        snapshots = running.snapshots if goes_on and running.snapshots and running.snapshots.due() else None
        keeps = inputs.keeps and self._may_be_best
        if not (goes_on and inputs.checkpoints) and snapshots is None and not keeps:
            return Cost(), None, None
        state = evaluation.capture()
        if goes_on and inputs.checkpoints:
            running.serial = ray.get(inputs.shared_state.put.remote(running.trial_id, state))
        name = snapshots.write(state) if snapshots else None
        assert self._trainer is not None
        kept = inputs.files.keep(running.trial_id, self._trainer.weights_of(state)) if keeps else None
        return Cost(save_seconds=time.perf_counter() - started), name, kept

    def load(self, serial: int) -> None:
        """Goes on from the state with this serial number. If another trial wrote it, that trial becomes this one's parent."""
        self._must_have_begun()
        started, running = time.perf_counter(), self._running
        writer, state = ray.get(self._inputs.shared_state.get.remote(serial))
        if isinstance(state, StoredState):
            file, state = self._inputs.files.load(running.trial_id, state.name)
            if running.snapshots is not None:
                running.snapshots.went_on_from(file)
        running.state = state
        running.generator = None
        running.parent = (writer, serial) if writer != running.trial_id else None
        running.pending = running.pending + Cost(load_seconds=time.perf_counter() - started)

    def _end(self, status: str, reason: str, cost: Cost, trace: str = "") -> Ended:
        running = self._running
        spent, running.pending = cost + running.pending, Cost()
        return Ended(trial_id=running.trial_id, status=status, reason=reason, cost=spent, worker=self._name, traceback=trace)


def _peak_memory(device: str) -> int:
    """Peak resident bytes of the process; on a GPU, peak bytes allocated on it."""
    if device == "cuda":
        import torch

        return int(torch.cuda.max_memory_allocated())
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
