"""Scores and costs, by hand."""

from __future__ import annotations

from dataclasses import asdict

from tuneoff.evaluation import Cost, Score

ONE = Cost(
    start_up_seconds=1,
    train_seconds=2,
    evaluate_seconds=4,
    test_seconds=8,
    save_seconds=16,
    load_seconds=32,
    train_steps=3,
    train_examples=5,
    train_tokens=7,
)


def test_costs_add_up_field_by_field_and_start_at_nothing() -> None:
    assert ONE + Cost() == ONE == Cost() + ONE
    assert asdict(ONE + ONE) == {name: 2 * value for name, value in asdict(ONE).items()}
    assert Cost().seconds == 0
    assert set(asdict(Cost()).values()) == {0}


def test_every_second_counts_once_and_work_is_no_time() -> None:
    assert ONE.seconds == 1 + 2 + 4 + 8 + 16 + 32
    assert ONE.to_dict() == asdict(ONE)


def test_answers_that_are_all_one_class_are_collapsed() -> None:
    def score(*counts: int) -> Score:
        return Score(metrics={}, loss=0.0, n_examples=10, predicted_counts=counts)

    assert score(10, 0).collapsed
    assert score(0, 10).collapsed
    assert not score(9, 1).collapsed
    assert not score().collapsed, "numbers have no classes"
    assert not Score(metrics={}, loss=0.0, n_examples=1, predicted_counts=()).collapsed
