"""Whose turn it is in a population that has fewer slots than members."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ray.tune.experiment import Trial

from tests.algorithms.search_driver import context, search
from tuneoff.execution.messages import MESSAGE, SCORE, TIME, TRIAL
from tuneoff.execution.ray_scheduler import RayScheduler, RestoredMember, SavedState

EPOCHS = 6
SIZE = 3


class OneSlot:
    """Ray Tune's controller as far as the scheduler asks it, with one slot. score: by name and clock."""

    def __init__(self, folder: Path, score: Callable[[str, int], float], restored: dict[str, RestoredMember] | None = None):
        made = search(
            scheduler="pbt", trials=SIZE, scheduler_knobs={"quantile_fraction": 0.34}, where=context(max_epochs=EPOCHS)
        )
        self.search, self.score = made, score
        self.scheduler = RayScheduler(made, references=folder / "r", snapshots=folder / "s", restored=restored)
        self.trials = []
        for number in range(SIZE):
            name = f"t{number:03d}"
            point = made.ask(name)
            assert point is not None
            manager = SimpleNamespace(_latest_checkpoint_result=None)
            trial: Any = SimpleNamespace(
                config={TRIAL: name, **point, "num_epochs": EPOCHS},
                status=Trial.PENDING,
                run_metadata=SimpleNamespace(checkpoint_manager=manager),
                temporary_state=SimpleNamespace(ray_actor=None),
            )
            trial.set_status = lambda status, trial=trial: setattr(trial, "status", status)
            trial.set_config = lambda config, trial=trial: setattr(trial, "config", config)
            self.trials.append(trial)
            self.scheduler.on_trial_add(self, trial)
        self.turns: list[tuple[str, int]] = []

    def get_trials(self) -> list[Any]:
        return self.trials

    def pause_trial(self, trial: Any, should_checkpoint: bool) -> None:
        trial.set_status(Trial.PAUSED)

    def train(self, most: int) -> None:
        """Gives turns until all are done, at most so many."""
        for serial in range(1, most + 1):
            trial = self.scheduler.choose_trial_to_run(self)
            if trial is None:
                return
            latest = trial.run_metadata.checkpoint_manager._latest_checkpoint_result
            name, clock = trial.config[TRIAL], 1 + (latest.metrics[TIME] if latest else 0)
            trial.set_status(Trial.RUNNING)
            self.turns.append((name, clock))
            if clock == EPOCHS:
                self.search.report(name, clock=clock, score=self.score(name, clock), done=True)
                self.search.end(name, scored=True)
                trial.set_status(Trial.TERMINATED)
                continue
            message = SimpleNamespace(serial=serial, snapshot=None)
            self.scheduler.on_trial_result(
                self, trial, {TIME: clock, SCORE: self.score(name, clock), MESSAGE: message, "done": False}
            )


@pytest.mark.parametrize("worst", ["t000", "t001", "t002"])
def test_a_member_that_stays_the_worst_does_not_keep_the_slot(tmp_path: Path, worst: str) -> None:
    """Having copied a member behind it, it is as far as that one, which must go on first: else it is copied again and again."""
    run = OneSlot(tmp_path, lambda name, clock: -clock if name == worst else clock + int(name[-1]) / 10)
    run.train(most=10 * SIZE * EPOCHS)
    assert {trial.status for trial in run.trials} == {Trial.TERMINATED}
    for name in ("t000", "t001", "t002"):
        assert (name, EPOCHS) in run.turns
    assert len(run.turns) <= 2 * SIZE * EPOCHS


def test_without_copies_the_members_take_turns_in_their_order(tmp_path: Path) -> None:
    run = OneSlot(tmp_path, lambda name, clock: float("nan"))
    run.train(most=100)
    assert run.turns == [(f"t{number:03d}", clock) for clock in range(1, EPOCHS + 1) for number in range(SIZE)]


def test_a_resumed_population_goes_on_in_the_order_in_which_it_was_left(tmp_path: Path) -> None:
    def member(last_turn: int) -> RestoredMember:
        state = SavedState(serial=last_turn, clock=2, name=None, file=None)
        return RestoredMember(newest=state, compared=state, waits=False, last_turn=last_turn)

    left = {"t000": member(6), "t001": member(4), "t002": member(5)}
    run = OneSlot(tmp_path, lambda name, clock: float("nan"), restored=left)
    run.train(most=4)
    assert run.turns == [("t001", 3), ("t002", 3), ("t000", 3), ("t001", 4)]


def controller(*statuses: tuple[str, str]) -> Any:
    trials = [
        SimpleNamespace(config={TRIAL: name}, status=status, temporary_state=SimpleNamespace(ray_actor=None))
        for name, status in statuses
    ]
    return SimpleNamespace(get_live_trials=lambda: set(map(_Hashed, trials)), get_trials=lambda: trials, trials=trials)


class _Hashed:
    """Ray's trials are hashed by a random name, so that a set of them has no order."""

    def __init__(self, trial: Any) -> None:
        self.__dict__ = trial.__dict__


def chosen(scheduler: RayScheduler, controller: Any) -> str | None:
    trial = scheduler.choose_trial_to_run(controller)
    return trial.config[TRIAL] if trial else None


def test_the_first_of_the_waiting_trials_is_next_but_for_those_whose_process_is_starting(tmp_path):
    made = search(scheduler="none", trials=2000, where=context(max_epochs=EPOCHS))
    scheduler = RayScheduler(made, references=tmp_path / "r", snapshots=tmp_path / "s")
    two = controller(("t1000", Trial.PENDING), ("t999", Trial.PENDING), ("t998", Trial.RUNNING))
    assert chosen(scheduler, two) == "t999"
    scheduler.starts("t999")
    assert chosen(scheduler, two) == "t1000", "Tune would end the process that starts, and give the trial a free one"
    scheduler.starts("t1000")
    assert chosen(scheduler, two) is None
    scheduler.on_trial_error(two, two.trials[1])
    assert chosen(scheduler, two) == "t999", "its process died, and another one has to be found"
    two.trials[1].temporary_state.ray_actor = "a process that is being prepared"
    assert chosen(scheduler, two) is None


def test_a_member_whose_process_is_starting_has_no_turn_until_it_was_evaluated(tmp_path):
    one = OneSlot(tmp_path, lambda name, clock: clock)
    one.scheduler.starts("t000")
    assert chosen(one.scheduler, one) == "t001"
    one.scheduler.starts("t001")
    one.scheduler.starts("t002")
    assert chosen(one.scheduler, one) is None
    one.trials[0].set_status(Trial.RUNNING)
    message = SimpleNamespace(serial=1, snapshot=None)
    one.scheduler.on_trial_result(one, one.trials[0], {TIME: 1, SCORE: 0.5, MESSAGE: message})
    assert one.trials[0].status == Trial.PAUSED
    assert chosen(one.scheduler, one) == "t000"
