"""One search in virtual time: slots, budgets, and the order in which trials finish, as in a real run.

An interval is charged when it starts and its score is known when it ends. Trials are scored on test as in a real run: where
their validation score is at least the best so far.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tuneoff.algorithms.contracts import Continue, Point
from tuneoff.algorithms.search import Search
from tuneoff.errors import UserError
from tuneoff.replay.ledger import Ledger
from tuneoff.replay.world import Curve, Replay

COMPLETED, STOPPED, FAILED, CUT = "completed", "stopped", "failed", "cut"
"""How trials end; cut: the budget was spent."""


class ReplayError(UserError):
    """A search or a setting that can't be replayed."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """The circumstances of a search. epochs, deadline: what may be trained, and the wall seconds until which the devices may be
    held. expected_seconds: a slot's first guess of an interval, by which a budget of time refuses one. overhead_seconds: of
    each evaluation, beside its trial's; start_seconds: before a slot's first step. interruptions_per_hour: of one slot; what it
    trained since its last evaluation is lost then."""

    slots: int
    evaluations_per_epoch: int
    epochs: float = math.inf
    deadline: float = math.inf
    expected_seconds: float = 0.0
    overhead_seconds: float = 0.0
    start_seconds: float = 0.0
    interruptions_per_hour: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Incumbent:
    """The best so far by validation, from `wall_seconds` on. epochs: started by then, by all trials. row: see Curve."""

    wall_seconds: float
    epochs: float
    validation: float
    test: float
    row: int


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A search's end. wall_seconds: the devices were held. endings: trials by the way in which they ended."""

    incumbents: tuple[Incumbent, ...]
    epochs: float
    wall_seconds: float
    evaluations: int
    trials: int
    endings: dict[str, int]
    interruptions: int


@dataclass(kw_only=True)
class _Trial:
    """done: evaluations whose scores are known."""

    name: str
    curve: Curve
    length: int
    done: int = 0


@dataclass(kw_only=True)
class _Slot:
    """closed: too little time is left for an interval of its own length, which will not change any more."""

    expected_seconds: float
    closed: bool = False
    trial: _Trial | None = None
    fresh: bool = True


def simulate(
    search: Search,
    replay: Replay,
    setting: Setting,
    *,
    length_of: Callable[[Point], int],
    seed: int = 0,
    listen: Callable[[str, str, float], None] | None = None,
) -> Outcome:
    """Runs the search to its end. ReplayError for a population, whose copied weights have no recorded curve.

    length_of: evaluation points of a trial. listen: hears (event, trial, time): start, evaluated, and how it ended.
    """
    if search.population:
        raise ReplayError(
            "a population copies weights under new hyperparameters, for which no curve was recorded: run it for real"
        )
    return _Simulation(search, replay, setting, length_of=length_of, seed=seed, listen=listen or (lambda *_: None)).run()


class _Simulation:
    def __init__(
        self,
        search: Search,
        replay: Replay,
        setting: Setting,
        *,
        length_of: Callable[[Point], int],
        seed: int,
        listen: Callable[[str, str, float], None],
    ) -> None:
        self.search, self.replay, self.setting, self.length_of, self.listen = search, replay, setting, length_of, listen
        self._share = 1 / setting.evaluations_per_epoch
        self._deadline = setting.deadline
        self._ledger = Ledger(epochs=setting.epochs, deadline=setting.deadline)
        self._rng = np.random.default_rng([seed, 1]) if setting.interruptions_per_hour else None
        self._slots = [_Slot(expected_seconds=setting.expected_seconds) for _ in range(setting.slots)]
        self._events: list[tuple[float, int, _Slot, Callable[[_Slot], None]]] = []
        self._serials = itertools.count()
        self._now = 0.0
        self._offered = self._best = -math.inf
        self._incumbents: list[Incumbent] = []
        self._endings = {COMPLETED: 0, STOPPED: 0, FAILED: 0, CUT: 0}
        self._trials = self._evaluations = self._interruptions = 0
        self._refused = False

    def run(self) -> Outcome:
        self._fill()
        while self._events:
            self._now, _, slot, happens = heapq.heappop(self._events)
            happens(slot)
        return Outcome(
            incumbents=tuple(self._incumbents),
            epochs=self._ledger.epochs,
            wall_seconds=self._now,
            evaluations=self._evaluations,
            trials=self._trials,
            endings=self._endings,
            interruptions=self._interruptions,
        )

    def _fill(self) -> None:
        """Gives every free slot a trial, where there is one for it."""
        for slot in self._slots:
            while slot.trial is None and not slot.closed:
                slot.trial = self._next_trial()
                if slot.trial is None:
                    return
                self._begin(slot)

    def _next_trial(self) -> _Trial | None:
        """A refused proposal is made again once another trial has ended, which may leave some of its budget over."""
        point = None if self._refused else self.search.propose()
        if point is None:
            return None
        name, point = f"t{self._trials:03d}", self.replay.settle(point)
        length = self.length_of(point)
        whole = length * self._share if self.search.whole_trials else None
        if not self._ledger.may_start(name, self._now, self._share, whole):
            self._refused = True
            if not self.search.pending:
                self.search.close()
            return None
        self.search.adopt(name, point)
        trial = _Trial(name=name, curve=self.replay.curve(self._trials, point), length=length)
        self._trials += 1
        self.listen("start", name, self._now)
        return trial

    def _begin(self, slot: _Slot) -> None:
        """The next interval of the slot's trial, or its end where the budget is spent."""
        trial = slot.trial
        assert trial is not None
        if not self._ledger.take(trial.name, self._now, self._share, slot.expected_seconds):
            slot.closed = self._now + slot.expected_seconds >= self._deadline
            self._end(slot, CUT)
            return
        curve, index = trial.curve, trial.done
        fails = index >= len(curve.validation)
        assert not fails or curve.failed, "a curve shorter than its trial"
        trained = curve.failing_seconds if fails else curve.train_seconds[index] + curve.evaluate_seconds[index]
        seconds = self._with_interruptions(trained + self.setting.overhead_seconds)
        slot.expected_seconds = seconds
        if slot.fresh:
            seconds, slot.fresh = seconds + self.setting.start_seconds, False
        if self._now + seconds > self._deadline:
            self._push(self._deadline, slot, self._cut)
        else:
            self._push(self._now + seconds, slot, self._fail if fails else self._validated)

    def _with_interruptions(self, seconds: float) -> float:
        """An interval that is interrupted begins again, after the start of a new process."""
        if self._rng is None:
            return seconds
        total, mean = 0.0, 3600 / self.setting.interruptions_per_hour
        while (survived := float(self._rng.exponential(mean))) < seconds and total < self._deadline:
            total += survived + self.setting.start_seconds
            self._interruptions += 1
        return total + seconds

    def _push(self, when: float, slot: _Slot, happens: Callable[[_Slot], None]) -> None:
        heapq.heappush(self._events, (when, next(self._serials), slot, happens))

    def _validated(self, slot: _Slot) -> None:
        """The validation score is known; a test score follows where it is at least the best."""
        trial = slot.trial
        assert trial is not None
        score = trial.curve.validation[trial.done]
        if score >= self._offered:
            self._offered = score
            self._push(self._now + trial.curve.test_seconds[trial.done], slot, self._evaluated)
        else:
            self._evaluated(slot)

    def _evaluated(self, slot: _Slot) -> None:
        trial = slot.trial
        assert trial is not None
        score, test = trial.curve.validation[trial.done], trial.curve.test[trial.done]
        trial.done += 1
        self._evaluations += 1
        self.listen("evaluated", trial.name, self._now)
        if score > self._best:
            self._best = score
            self._incumbents.append(
                Incumbent(wall_seconds=self._now, epochs=self._ledger.epochs, validation=score, test=test, row=trial.curve.row)
            )
        done = trial.done >= trial.length
        decision = self.search.report(trial.name, clock=trial.done, score=score, done=done)
        if done:
            self._end(slot, COMPLETED)
        elif isinstance(decision, Continue):
            self._begin(slot)
        else:
            self._end(slot, STOPPED)
        self._fill()

    def _fail(self, slot: _Slot) -> None:
        self._end(slot, FAILED)
        self._fill()

    def _cut(self, slot: _Slot) -> None:
        self._end(slot, CUT)
        self._fill()

    def _end(self, slot: _Slot, how: str) -> None:
        trial = slot.trial
        assert trial is not None
        slot.trial = None
        self._endings[how] += 1
        self._ledger.ended(trial.name)
        self._refused = False
        self.search.end(trial.name, scored=how != FAILED)
        self.listen(how, trial.name, self._now)
