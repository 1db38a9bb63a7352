"""A search that was cut off goes on from its log: nothing finished is repeated, nothing is charged twice.

The log is the only state. A new search is told its events in their order, and so makes the same decisions (draws are numbered,
so none has to be remembered). A decision on a trial's last evaluation that the last session did not carry out is carried out
now: a stop, a copy, a turn of another member. Unfinished trials go on from the snapshot of their newest recorded evaluation.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tuneoff.algorithms.contracts import Copy, Decision, Point, Stop, Wait
from tuneoff.algorithms.search import Search
from tuneoff.evaluation import Cost
from tuneoff.execution.snapshots import copy_name, share
from tuneoff.records.history import Earlier, Snapshot, UnfinishedTrial
from tuneoff.records.incumbent import best_score
from tuneoff.records.schema import (
    COMPLETED,
    DIVERGED,
    FAILED,
    STOPPED,
    STOPPED_EARLY,
    Cell,
    EvaluationRecord,
    SessionStartRecord,
    TrialEndRecord,
    TrialStartRecord,
)
from tuneoff.records.store import STATE_FOLDER
from tuneoff.training.protocol import RESUME_EXAMPLES

TINY = 1e-9


@dataclass(frozen=True, kw_only=True)
class Resumption:
    """missing_ends: records to be appended to the log first, of trials that had ended when the last session was cut off."""

    earlier: Earlier
    missing_ends: tuple[TrialEndRecord, ...]


def resume(cell: Cell, search: Search, evaluations_per_epoch: int) -> Resumption:
    """Tells a new search the events of the log, so that it stands where the log ends."""
    log = _Log(cell=cell, search=search, evaluations_per_epoch=evaluations_per_epoch)
    for record in cell.records:
        if isinstance(record, TrialStartRecord):
            log.started(record)
        elif isinstance(record, EvaluationRecord):
            log.evaluated(record)
        elif isinstance(record, TrialEndRecord):
            log.ended(record)
    missing = tuple(log.missing_ends())
    for record in missing:
        log.ended(record)
    return Resumption(earlier=log.earlier(), missing_ends=missing)


@dataclass(kw_only=True)
class _Trial:
    """A trial as far as the log goes. states: by clock, its own and those that it copied."""

    clock: int = 0
    last: EvaluationRecord | None = None
    decision: Decision | None = None
    before: Point = field(default_factory=dict)
    """Hyperparameters in force before `decision`."""
    states: dict[int, EvaluationRecord] = field(default_factory=dict)
    states_before: dict[int, EvaluationRecord] = field(default_factory=dict)
    """`states` before the last copy, which may have its own state's clock."""
    compared: int = 0
    """Clock of the last comparison, or of the weights copied since."""
    done: bool = False
    turn: int = 0
    """The number of its last evaluation, among those of all trials."""


@dataclass(kw_only=True)
class _Log:
    cell: Cell
    search: Search
    evaluations_per_epoch: int
    trials: dict[str, _Trial] = field(default_factory=dict)
    clocks: dict[tuple[str, int], int] = field(default_factory=dict)
    """The clock of each evaluation, by trial and number."""
    intervals: int = 0
    """The intervals that a budget in epochs was charged for."""
    evaluations: int = 0
    over: set[str] = field(default_factory=set)

    def started(self, record: TrialStartRecord) -> None:
        self.trials[record.trial_id] = _Trial()
        self.search.adopt(record.trial_id, record.hparams)
        self._release()

    def evaluated(self, record: EvaluationRecord) -> None:
        name, score = record.trial_id, record.validation.metrics[self.cell.header.metric]
        trial = self.trials[name]
        self.intervals += record.intervals
        self.evaluations += 1
        trial.turn = self.evaluations
        trial.clock = self.clocks[name, record.evaluation] = self._clock(record, trial)
        trial.last, trial.states[trial.clock] = record, record
        trial.done = record.epoch >= record.hparams["num_epochs"] - TINY
        point = self.search.hparams(name)
        # What the published code of 2020 trained with, and recorded, is not what the trial was configured with.
        known = {key: record.hparams[key] for key in point} if self.search.resume == RESUME_EXAMPLES else None
        trial.before = known or point
        decision = self.search.report(name, clock=trial.clock, score=score, done=trial.done, hparams=known)
        self._decide(name, decision)
        self._release()

    def _clock(self, record: EvaluationRecord, trial: _Trial) -> int:
        """Evaluations behind the weights: one more than before, or than the donor's; where a crash cost some, by epochs."""
        copied = trial.decision
        if isinstance(copied, Copy) and trial.states[copied.clock].trial_id == (record.parent_trial_id or record.trial_id):
            return copied.clock + record.intervals
        if record.parent_trial_id is not None:
            parent = self.clocks.get((record.parent_trial_id, record.parent_evaluation or 0))
            if parent is not None:
                return parent + record.intervals
        elif trial.last is None or record.epoch > trial.last.epoch:
            return trial.clock + record.intervals
        return max(1, round(record.epoch * self.evaluations_per_epoch))

    def _decide(self, name: str, decision: Decision) -> None:
        trial = self.trials[name]
        trial.decision = decision
        if isinstance(decision, Copy):
            trial.states_before = dict(trial.states)
            trial.states[decision.clock] = self.trials[decision.donor].states[decision.clock]
            trial.compared = decision.clock
        elif isinstance(decision, Wait) or trial.clock - trial.compared >= self.search.scheduler.turn:
            trial.compared = trial.clock

    def _release(self) -> None:
        for name, decision in self.search.release().items():
            self._decide(name, decision)

    def ended(self, record: TrialEndRecord) -> None:
        self.over.add(record.trial_id)
        self.intervals += record.cost.train_examples > 0 or record.status in (DIVERGED, FAILED)
        self.search.end(record.trial_id, scored=record.status not in (DIVERGED, FAILED))
        self._release()

    def missing_ends(self) -> list[TrialEndRecord]:
        """The ends of trials that were stopped, or trained and scored to the end, but whose end did not reach the log.

        Their increments are in their evaluations; they ended with the log's last line.
        """
        found = []
        for name, trial in self.trials.items():
            stopped = isinstance(trial.decision, Stop) and not trial.done
            if name not in self.over and trial.last is not None and (trial.done or stopped):
                found.append(
                    TrialEndRecord(
                        trial_id=name,
                        status=STOPPED if stopped else COMPLETED,
                        reason=STOPPED_EARLY if stopped else "",
                        cost=Cost(),
                        elapsed_seconds=self.cell.wall_seconds,
                        hparams=dict(self.search.hparams(name)),
                        worker=trial.last.worker,
                    )
                )
        return found

    def earlier(self) -> Earlier:
        return Earlier(
            sessions=sum(isinstance(r, SessionStartRecord) for r in self.cell.records),
            elapsed_seconds=self.cell.wall_seconds,
            best=best_score(self.cell),
            epochs_spent=self.intervals / self.evaluations_per_epoch,
            evaluations={name: trial.last.evaluation for name, trial in self.trials.items() if trial.last is not None},
            started=frozenset(self.trials),
            ended=frozenset(self.over),
            unfinished=tuple(self._unfinished(name) for name in sorted(self.trials) if name not in self.over),
        )

    def _unfinished(self, name: str) -> UnfinishedTrial:
        trial = self.trials[name]
        copied = isinstance(trial.decision, Copy)
        newest = self._snapshot(name, trial.compared if copied else trial.clock)
        compared = self._snapshot(name, trial.compared)
        if newest is None and trial.last is not None:
            if copied:  # the donor's state is gone: the copy is not carried out
                trial.states = trial.states_before
            newest = compared = self._latest_snapshot(name)
            self.search.rewind(name, newest.clock if newest else 0, trial.before if copied else self.search.hparams(name))
        clock = newest.clock if newest else 0
        return UnfinishedTrial(
            name=name,
            hparams=self.search.hparams(name),
            epochs_trained=clock / self.evaluations_per_epoch,
            newest=newest,
            compared=compared,
            waits=isinstance(trial.decision, Wait) and clock == trial.clock,
            last_turn=trial.turn,
        )

    def _latest_snapshot(self, name: str) -> Snapshot | None:
        """Of the weights behind the last evaluation, or behind earlier ones; later clocks are of weights that it gave up."""
        trial = self.trials[name]
        clocks = sorted((clock for clock in trial.states if clock <= trial.clock), reverse=True)
        return next((found for clock in clocks if (found := self._snapshot(name, clock)) is not None), None)

    def _snapshot(self, name: str, clock: int) -> Snapshot | None:
        """The state of this trial after so many evaluations, where its file is still there.

        What was copied from another trial is kept under this one's name from now on: the other one may end first.
        """
        record = self.trials[name].states.get(clock)
        if record is None or record.snapshot is None:
            return None
        file = self._file(name, record.trial_id, record.snapshot)
        if file is None:
            return None
        return Snapshot(trial_id=record.trial_id, evaluation=record.evaluation, clock=clock, name=record.snapshot, file=file)

    def _file(self, name: str, writer: str, snapshot: str) -> str | None:
        folder, own = self.cell.path / STATE_FOLDER, copy_name(name, snapshot)
        if (folder / own).exists():
            return own
        if writer == name and (folder / snapshot).exists():
            return snapshot
        others = [snapshot, *sorted(path.name for path in folder.glob(copy_name("*", snapshot)))]
        return next((kept for file in others if (kept := share(folder, file, own)) is not None), None)
