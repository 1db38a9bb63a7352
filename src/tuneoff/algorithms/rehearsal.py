"""Runs a search without training: scores come from a function; running trials advance side by side, one evaluation a round."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from tuneoff.algorithms.contracts import Continue, Copy, Decision, Point, Stop, Wait
from tuneoff.algorithms.search import Search


@dataclass(frozen=True, kw_only=True)
class Started:
    """A point was proposed for a trial."""

    trial_id: str
    point: Point


@dataclass(frozen=True, kw_only=True)
class Reported:
    """A trial was evaluated; see Report."""

    trial_id: str
    clock: int
    score: float
    done: bool
    decision: Decision


@dataclass(frozen=True, kw_only=True)
class Released:
    """Trials that waited go on."""

    decisions: Mapping[str, Continue | Copy]


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A trial ended."""

    trial_id: str
    scored: bool


Event: TypeAlias = Started | Reported | Released | Ended


def rehearse(
    search: Search,
    *,
    score: Callable[[Point, int], float],
    slots: int = 2,
    fails: Callable[[str], bool] = lambda _: False,
    rounds: int = 10_000,
) -> list[Event]:
    """Returns the events of a search. A trial is done after as many evaluations as its point's `num_epochs` (3 without one).

    score: maps hyperparameters and a clock to a score. fails: whether a trial of this name fails at its last evaluation instead
    of reporting it. All trials of a population run at once.
    """
    run = _Rehearsal(search, score, fails)
    for _ in range(rounds):
        run.fill(search.num_trials if search.population else slots)
        if not run.clocks:
            break
        for trial_id in list(run.clocks):
            run.train(trial_id)
    return run.events


class _Rehearsal:
    def __init__(self, search: Search, score: Callable[[Point, int], float], fails: Callable[[str], bool]) -> None:
        self.search, self.score, self.fails = search, score, fails
        self.events: list[Event] = []
        self.clocks: dict[str, int] = {}
        """The clock of each running trial."""
        self.waiting: set[str] = set()
        self.started = 0

    def fill(self, slots: int) -> None:
        while len(self.clocks) < slots:
            trial_id = f"t{self.started:03d}"
            point = self.search.ask(trial_id)
            if point is None:
                break
            self.started += 1
            self.clocks[trial_id] = 0
            self.events.append(Started(trial_id=trial_id, point=dict(point)))
        self._release()

    def train(self, trial_id: str) -> None:
        if trial_id in self.waiting:
            return
        point, clock = self.search.hparams(trial_id), self.clocks[trial_id] + 1
        self.clocks[trial_id] = clock
        done = clock >= int(point.get("num_epochs") or 3)
        if done and self.fails(trial_id):
            self._end(trial_id, scored=False)
            return
        value = self.score(point, clock)
        decision = self.search.report(trial_id, clock=clock, score=value, done=done)
        self.events.append(Reported(trial_id=trial_id, clock=clock, score=value, done=done, decision=decision))
        if done or isinstance(decision, Stop):
            self._end(trial_id, scored=True)
            return
        if isinstance(decision, Wait):
            self.waiting.add(trial_id)
        elif isinstance(decision, Copy):
            self.clocks[trial_id] = decision.clock
        self._release()

    def _end(self, trial_id: str, *, scored: bool) -> None:
        self.search.end(trial_id, scored=scored)
        del self.clocks[trial_id]
        self.events.append(Ended(trial_id=trial_id, scored=scored))
        self._release()

    def _release(self) -> None:
        released = self.search.release()
        if not released:
            return
        self.events.append(Released(decisions=dict(released)))
        self.waiting -= set(released)
        for trial_id, decision in released.items():
            if isinstance(decision, Copy):
                self.clocks[trial_id] = decision.clock


def retell(search: Search, events: Iterable[Event]) -> Iterator[tuple[Event, Event]]:
    """Tells a search the events of another one; yields each event beside the one that this search produces in its place."""
    released: Mapping[str, Continue | Copy] = {}
    for event in events:
        if released and not isinstance(event, Released):
            yield event, Released(decisions=dict(released))
        if isinstance(event, Started):
            point = search.propose()
            search.adopt(event.trial_id, event.point)
            yield event, Started(trial_id=event.trial_id, point=dict(point or {}))
        elif isinstance(event, Reported):
            decision = search.report(event.trial_id, clock=event.clock, score=event.score, done=event.done)
            yield (
                event,
                Reported(trial_id=event.trial_id, clock=event.clock, score=event.score, done=event.done, decision=decision),
            )
        elif isinstance(event, Ended):
            search.end(event.trial_id, scored=event.scored)
        else:
            yield event, Released(decisions=dict(released))
        released = search.release()
