"""How many trials a budget buys, and what it lets begin, by hand."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
import ray

from tests.execution.local_actor import LocalActor
from tests.test_config import config
from tuneoff.budget import BudgetError
from tuneoff.execution.runtime import Slots
from tuneoff.execution.shared_state import Limits, SharedState
from tuneoff.records.history import Earlier, Snapshot, UnfinishedTrial
from tuneoff.seeds import derive
from tuneoff.study.plan import UNLIMITED_TRIALS, algorithm_and_context, budget_gate, budget_limits, build_search

HALVES = "training.evaluations_per_epoch=2"


@pytest.mark.parametrize(
    ("overrides", "trials"),
    [
        (("algorithm=random", "algorithm.trials=7"), 7),
        (("algorithm=random", "budget=epochs:10"), 10),
        (("algorithm=random", "budget=epochs:10", HALVES), 20),
        (("algorithm=random", "budget=epochs:0.5", HALVES), 1),
        (("algorithm=random", "budget=epochs:0.4"), 1),
        (("algorithm=random", "budget=epochs:1.99"), 1),
        (("algorithm=random", "budget=minutes:10"), UNLIMITED_TRIALS),
        (("algorithm=random", "budget=dollars:1", "price=t4"), UNLIMITED_TRIALS),
        (("algorithm=pbt", "budget=epochs:15"), 5),
        (("algorithm=pbt", "budget=epochs:14.99"), 4),
        (("algorithm=pbt", "budget=epochs:15", HALVES), 5),
        (("algorithm=pbt", "budget=epochs:3"), 2),
        (("algorithm=pbt", "algorithm.trials=6", "budget=minutes:10"), 6),
        (("algorithm=default", "algorithm.trials=3", "budget=epochs:10"), 3),
    ],
)
def test_a_budget_buys_so_many_trials(overrides: tuple[str, ...], trials: int) -> None:
    assert algorithm_and_context(config(*overrides), 2, 2)[0].trials == trials


def test_the_context_is_of_the_configuration() -> None:
    found = config("algorithm=random", HALVES, "hparams.num_epochs=4", "seed=3", "repeat=2")
    _, context = algorithm_and_context(found, 5, 2)
    assert (context.slots, context.max_epochs, context.evaluations_per_epoch, context.max_evaluations) == (5, 4, 2, 8)
    assert context.seed == derive(3, 2)["search"]
    assert context.defaults == {name: found.hparams[name] for name in found.space.domains}
    assert context.mutable == ("learning_rate", "weight_decay", "batch_size")


def test_dollars_without_a_price_are_refused_before_anything_runs() -> None:
    free = config("algorithm=random", "budget=dollars:1", "price=t4")
    free = replace(free, price=replace(free.price, per_device_hour_usd=0.0))
    with pytest.raises(BudgetError, match="costs nothing"):
        build_search(free, slots=1, devices=1)


def gate(monkeypatch: pytest.MonkeyPatch, overrides: tuple[str, ...], **limits: Any) -> Any:
    monkeypatch.setattr(ray, "get", lambda value, timeout=None: value)
    found = config(*overrides)
    return budget_gate(found, build_search(found, slots=1, devices=1), LocalActor(SharedState(Limits(**limits))))


def test_where_nothing_stops_early_a_trial_needs_all_of_its_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    may_start = gate(monkeypatch, ("algorithm=random", "budget=epochs:5", "hparams.num_epochs=3"), epochs=5.0)
    assert may_start("t000", {}, 0.0), "3 of 5"
    assert not may_start("t001", {}, 0.0), "2 are left"
    assert may_start("t001", {}, 1.0), "one is trained already"
    assert not may_start("t002", {"num_epochs": 1}, 0.0)


def test_where_trials_are_stopped_one_evaluation_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    overrides = ("algorithm=random_asha", "budget=epochs:5", HALVES)
    assert gate(monkeypatch, overrides, epochs=5.0, epochs_spent=4.5)("t000", {}, 0.0)
    assert not gate(monkeypatch, overrides, epochs=5.0, epochs_spent=4.6)("t000", {}, 0.0)


def test_the_limits_are_the_epochs_or_the_moment_when_the_time_is_up() -> None:
    slots = Slots(count=4, devices=2, device_kind="cpu")
    earlier = Earlier(elapsed_seconds=100.0)
    assert budget_limits(config("algorithm=random"), slots, earlier) == {}
    assert budget_limits(config("algorithm=random", "budget=epochs:5"), slots, earlier) == {"epochs": 5.0}
    limits = budget_limits(config("algorithm=random", "budget=minutes:10"), slots, earlier)
    assert limits["deadline"] - time.monotonic() == pytest.approx(10 * 60 / 2 - 100, abs=5)


def test_a_search_that_begins_has_nothing_behind_it() -> None:
    fresh = Earlier()
    assert (fresh.sessions, fresh.elapsed_seconds, fresh.best, fresh.epochs_spent) == (0, 0.0, float("-inf"), 0.0)
    assert fresh.snapshots == {}
    one = UnfinishedTrial(name="t000", hparams={})
    assert (one.epochs_trained, one.newest, one.compared, one.waits) == (0.0, None, None, False)
    newest = Snapshot(trial_id="t001", evaluation=2, clock=2, name="a", file="b")
    going_on = UnfinishedTrial(name="t001", hparams={}, newest=newest)
    assert Earlier(unfinished=(one, going_on)).snapshots == {"t001": "b"}
