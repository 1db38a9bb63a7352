"""Our schedulers' decisions, carried out in Ray Tune: one `TrialScheduler` for all of them.

A checkpoint that Ray carries around is a folder with a serial number in it (see references.py); the states lie on the
shared-state actor. So nothing is saved when a member pauses or is copied: its state of each evaluation is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ray
from ray.train._internal.session import _TrainingResult
from ray.tune import Checkpoint
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler

from tuneoff.algorithms.contracts import Continue, Copy, Decision, Stop, Wait
from tuneoff.algorithms.search import Search
from tuneoff.algorithms.settings import AlgorithmError
from tuneoff.execution.messages import MESSAGE, MODE, SCORE, TIME, TRIAL, Evaluated, StoredState
from tuneoff.execution.references import write_reference
from tuneoff.execution.snapshots import copy_name, share
from tuneoff.records.history import Earlier, Snapshot


@dataclass(frozen=True, kw_only=True)
class SavedState:
    """A state on the shared-state actor. clock: evaluations behind it. name: of its snapshot when it was recorded; file: the
    one to read it from; None where there is none."""

    serial: int
    clock: int
    name: str | None
    file: str | None


@dataclass(frozen=True, kw_only=True)
class RestoredMember:
    """A member of a population that is resumed. newest: the state from which it goes on, None from scratch; compared, waits,
    last_turn: see UnfinishedTrial."""

    newest: SavedState | None
    compared: SavedState | None
    waits: bool
    last_turn: int


@dataclass(frozen=True, kw_only=True)
class Restored:
    """members: of a population, by name. written_at: the evaluation at which their states were written, by serial number."""

    members: Mapping[str, RestoredMember] = field(default_factory=dict)
    written_at: Mapping[int, int] = field(default_factory=dict)


def restore(shared_state: Any, earlier: Earlier) -> Restored:
    """Makes the snapshots of a population's members known to the shared-state actor, as states that can be copied."""
    written_at: dict[int, int] = {}

    def put(snapshot: Snapshot | None) -> SavedState | None:
        if snapshot is None:
            return None
        serial: int = ray.get(shared_state.put.remote(snapshot.trial_id, StoredState(name=snapshot.name)))
        written_at[serial] = snapshot.evaluation
        return SavedState(serial=serial, clock=snapshot.clock, name=snapshot.name, file=snapshot.file)

    members = {}
    for trial in earlier.unfinished:
        compared, newest = put(trial.compared), put(trial.newest)
        members[trial.name] = RestoredMember(newest=newest, compared=compared, waits=trial.waits, last_turn=trial.last_turn)
    return Restored(members=members, written_at=written_at)


class RayScheduler(FIFOScheduler):  # type: ignore[misc]
    """references: folder of the checkpoints that Ray carries. snapshots: folder of the trials' snapshots. restored: members
    of a population that is resumed, by name, each of which will be added to Ray again."""

    def __init__(
        self, search: Search, *, references: Path, snapshots: Path, restored: Mapping[str, RestoredMember] | None = None
    ) -> None:
        super().__init__()
        self._search, self._references, self._snapshots = search, references, snapshots
        self._restored = dict(restored or {})
        self._newest: dict[str, SavedState] = {}
        self._compared: dict[str, SavedState] = {}
        self._waiting: set[str] = set()
        self._last_turn: dict[str, int] = {}
        """The number of each member's last evaluation, among those of all."""
        self._files: dict[str, str] = {}
        """The snapshot that each trial keeps of the one that it copied."""
        self._old_files: dict[str, str] = {}
        """The copied snapshots of trials that have been evaluated since."""
        self._starting: set[str] = set()
        """Trials that a worker begins, and which have not been evaluated yet."""

    def __getstate__(self) -> dict[str, Any]:
        """Ray saves schedulers for a restore of its own, which is never used."""
        return {}

    @property
    def metric(self) -> None:
        """None: Ray refuses any result without its metric, and the last result of a diverged trial has no score."""
        return

    def set_search_properties(self, metric: str | None, mode: str | None, **spec: Any) -> bool:  # noqa: ARG002
        """Whether the metric and mode given to `TuneConfig` are the ones that we use anyway."""
        return metric in (None, SCORE) and mode in (None, MODE)

    def wanted(self) -> set[int]:
        """Serial numbers of the states that can still be asked for."""
        alive = self._search.pending
        return {state.serial for states in (self._newest, self._compared) for name, state in states.items() if name in alive}

    def starts(self, name: str) -> None:
        """A worker begins this trial."""
        self._starting.add(name)

    def on_trial_add(self, tune_controller: Any, trial: Trial) -> None:  # noqa: ARG002
        """A restored member comes in as paused: the least trained one has the first turn, whatever its number."""
        member = self._restored.pop(trial.config[TRIAL], None)
        if member is None:
            return
        name = trial.config[TRIAL]
        self._last_turn[name] = member.last_turn
        trial.set_status(Trial.PAUSED)
        if member.waits:
            self._waiting.add(name)
        if member.compared is not None:
            self._compared[name] = member.compared
        if member.newest is not None:
            self._go_on_from(trial, member.newest)

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: Mapping[str, Any]) -> str:
        """Raises AlgorithmError where a trial that goes on reports no score: Ray would search on without one."""
        name, clock = trial.config[TRIAL], int(result[TIME])
        self._starting.discard(name)
        decision = self._search.report(name, clock=clock, score=_score_of(result, name))
        if isinstance(decision, Stop):
            return str(TrialScheduler.STOP)
        if not self._search.population:
            return str(TrialScheduler.CONTINUE)
        self._last_turn[name] = 1 + max(self._last_turn.values(), default=0)
        self._drop_old_file(name)
        message: Evaluated = result[MESSAGE]
        assert message.serial is not None, "a population's states are kept"
        newest = SavedState(serial=message.serial, clock=clock, name=message.snapshot, file=message.snapshot)
        began = self._compared[name].clock if name in self._compared else 0
        if isinstance(decision, Copy):
            self._copy(trial, decision)
        elif isinstance(decision, Continue) and clock - began < self._search.scheduler.turn:
            self._newest[name] = newest
            return str(TrialScheduler.CONTINUE)
        else:
            self._compared[name] = newest
            self._go_on_from(trial, newest)
        return self._give_way(tune_controller, trial, decision)

    def _give_way(self, controller: Any, trial: Trial, decision: Decision) -> str:
        """Whoever waits, copied or has had its turn makes room for others."""
        if isinstance(decision, Wait):
            self._waiting.add(trial.config[TRIAL])
        elif isinstance(decision, Continue) and not any(
            other.status in (Trial.PENDING, Trial.PAUSED) for other in controller.get_trials()
        ):
            return str(TrialScheduler.CONTINUE)
        controller.pause_trial(trial, should_checkpoint=False)
        return str(TrialScheduler.NOOP)

    def _copy(self, trial: Trial, decision: Copy) -> None:
        name, donor = trial.config[TRIAL], self._compared[decision.donor]
        assert donor.clock == decision.clock, (name, donor, decision)
        file = None
        if donor.file is not None and donor.name is not None:
            file = share(self._snapshots, donor.file, copy_name(name, donor.name))
        if file is not None:
            self._files[name] = file
            if self._old_files.get(name) == file:
                del self._old_files[name]
        trial.set_config({**trial.config, **decision.hparams})
        state = SavedState(serial=donor.serial, clock=donor.clock, name=donor.name, file=file)
        self._compared[name] = state
        self._go_on_from(trial, state)

    def _drop_old_file(self, name: str) -> None:
        """A copied snapshot is of no more use once an evaluation after it is in the log, where this one's is not yet."""
        old = self._old_files.pop(name, None)
        if old is not None:
            (self._snapshots / old).unlink(missing_ok=True)
        if name in self._files:
            self._old_files[name] = self._files.pop(name)

    def _go_on_from(self, trial: Trial, state: SavedState) -> None:
        """The state from which Ray starts the trial again, after a pause or a death of its worker."""
        self._newest[trial.config[TRIAL]] = state
        folder = write_reference(self._references, state.serial)
        trial.run_metadata.checkpoint_manager._latest_checkpoint_result = _TrainingResult(
            checkpoint=Checkpoint.from_directory(str(folder)), metrics={TIME: state.clock}
        )

    def on_trial_error(self, tune_controller: Any, trial: Trial) -> None:  # noqa: ARG002
        """A member whose worker died goes on from its last evaluation."""
        self._starting.discard(trial.config[TRIAL])
        state = self._newest.get(trial.config[TRIAL])
        if state is not None:
            self._go_on_from(trial, state)

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        """The next trial to run; of a population, a member in the middle of its turn, else the one that has trained least;
        of several the one whose turn was longest ago.

        Not one that a worker is just beginning: to give the trial to a free one Tune would take it from that worker.
        """
        if not self._search.population:
            waiting = [trial for trial in tune_controller.get_live_trials() if self._can_begin(trial)]
            return min(waiting, key=_number, default=None)
        trials = {trial.config[TRIAL]: trial for trial in tune_controller.get_trials()}
        for name, decision in self._search.release().items():
            self._waiting.discard(name)
            if isinstance(decision, Copy):
                self._copy(trials[name], decision)
        candidates = [trial for name, trial in trials.items() if self._can_begin(trial) and name not in self._waiting]
        return None if self._restored else min(candidates, key=self._turn, default=None)

    def _can_begin(self, trial: Trial) -> bool:
        """Whether the trial has no worker, and none is beginning it."""
        waits = trial.status in (Trial.PENDING, Trial.PAUSED) and trial.temporary_state.ray_actor is None
        return waits and trial.config[TRIAL] not in self._starting

    def _turn(self, trial: Trial) -> tuple[bool, int, int]:
        """Without the last part, a member that copies one behind it would go before that one, copy it again, and so on."""
        name = trial.config[TRIAL]
        newest = self._newest[name].clock if name in self._newest else 0
        compared = self._compared[name].clock if name in self._compared else 0
        return newest == compared, compared, self._last_turn.get(name, 0)


def _number(trial: Trial) -> tuple[int, str]:
    """Trials by their names' numbers: t999 comes before t1000."""
    name = trial.config[TRIAL]
    return len(name), name


def _score_of(result: Mapping[str, Any], name: str) -> float:
    """The score (it may be NaN). Raises AlgorithmError where it is missing."""
    if result.get(SCORE) is None:
        raise AlgorithmError(
            f"trial {name} reported {sorted(result)}, but a result must have a {SCORE!r}: "
            "searchers and schedulers can't compare trials without it; report it, or end the trial"
        )
    return float(result[SCORE])
