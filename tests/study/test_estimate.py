"""What a search will cost: epochs by simulation of the plan, seconds from measured rates."""

from __future__ import annotations

import pytest

from tests.test_config import config
from tuneoff.algorithms.search import build
from tuneoff.records.schema import CalibrationRecord
from tuneoff.study.estimate import Workload, _expected_incumbents, estimate, simulate
from tuneoff.study.plan import algorithm_and_context

RATES = [
    CalibrationRecord(
        worker="",
        train_token_seconds={"16": 2e-5, "64": 1e-5},
        evaluate_token_seconds=5e-6,
        start_up_seconds=4.0,
        elapsed_seconds=0.0,
    )
] * 2
FACTS = {"tokens": {"train": 40_000, "validation": 5_000, "test": 40_000}, "parameters": 300_000}


def work_of(*overrides: str):
    found = config(*overrides)
    return found, simulate(found, lambda: build(*algorithm_and_context(found, 2, 2)))


@pytest.mark.parametrize(
    ("overrides", "trials", "epochs"),
    [
        (("algorithm=random",), 16, 48),
        (("algorithm=pbt",), 8, 24),
        (("algorithm=grid", "algorithm.trials=5"), 5, 15),
        (("algorithm=default", "hparams.num_epochs=2"), 1, 2),
    ],
)
def test_searches_that_stop_nothing_train_every_epoch(overrides, trials, epochs):
    _, work = work_of(*overrides)
    assert work.trials == trials
    assert sum(work.epochs.values()) == pytest.approx(epochs)


def test_early_stopping_saves_about_what_its_reduction_factor_says():
    """16 trials, rung at 1 epoch, a quarter and the first few pass: 16 + 2 x about 5 epochs."""
    _, work = work_of("algorithm=random_asha")
    assert 20 < sum(work.epochs.values()) < 34


@pytest.mark.parametrize("algorithm", ["random", "bayesopt", "pbt"])
def test_a_budget_in_epochs_is_what_is_trained(algorithm):
    _, work = work_of(f"algorithm={algorithm}", "budget=epochs:12")
    assert sum(work.epochs.values()) == pytest.approx(12)


def test_a_budget_of_time_is_the_wall_time():
    found, work = work_of("algorithm=pbt", "budget=minutes:0.2")
    told = estimate(found, work, RATES, FACTS, slots=2, devices=2, population=True)
    assert told.device_seconds == pytest.approx(12)
    assert told.epochs < 24


def test_twice_the_price_is_twice_the_dollars_and_smaller_batches_take_longer():
    small, work = work_of("algorithm=random", "~space.batch_size", "hparams.batch_size=16")
    large, more = work_of("algorithm=random", "~space.batch_size", "hparams.batch_size=64")
    one = estimate(small, work, RATES, FACTS, slots=2, devices=2, population=False)
    two = estimate(large, more, RATES, FACTS, slots=2, devices=2, population=False)
    assert one.wall_seconds > two.wall_seconds > 4
    assert one.dollars == pytest.approx(small.price.dollars(one.device_seconds))


@pytest.mark.parametrize(
    ("trials", "evaluations", "population", "expected"),
    [(1, 3, False, 3), (2, 6, False, 3 + 0.5 * 2), (4, 4, False, 25 / 12), (2, 6, True, 3 * 1.5)],
)
def test_how_many_evaluations_will_be_the_best_so_far(trials, evaluations, population, expected):
    work = Workload(trials=trials, evaluations=evaluations, epochs={16: evaluations})
    assert _expected_incumbents(work, population) == pytest.approx(expected)
