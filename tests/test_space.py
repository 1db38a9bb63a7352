"""The search space: draws, clipping, the unit interval, grids and counts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuneoff.space import Choice, Domain, Float, Int, SearchSpace, SpaceError

floats = st.builds(lambda low, width: Float(low=low, high=low + width), st.floats(-1e3, 1e3), st.floats(1e-3, 1e3))
log_floats = st.builds(
    lambda low, ratio: Float(low=low, high=low * ratio, log=True), st.floats(1e-8, 1e3), st.floats(1.01, 1e4)
)
ints = st.builds(lambda low, width: Int(low=low, high=low + width), st.integers(-50, 50), st.integers(1, 600))
log_ints = st.builds(lambda low, width: Int(low=low, high=low + width, log=True), st.integers(1, 64), st.integers(1, 600))
choices = st.builds(
    lambda values: Choice(values=tuple(values)),
    st.one_of(
        st.lists(st.integers(-9, 99), min_size=1, max_size=6, unique=True),
        st.lists(st.text(min_size=1, max_size=4), min_size=1, max_size=6, unique=True),
        st.lists(st.none() | st.integers(-9, 99), min_size=1, max_size=6, unique=True),
    ),
)
domains = st.one_of(floats, log_floats, ints, log_ints, choices)


@given(domain=domains, seed=st.integers(0, 2**32))
def test_a_draw_is_contained_and_clipping_leaves_it_alone(domain: Domain, seed: int) -> None:
    value = domain.sample(np.random.default_rng(seed))
    assert domain.contains(value)
    assert domain.clip(value) == value


@given(domain=domains, unit=st.floats(0, 1))
def test_every_position_of_the_unit_interval_is_a_legal_value(domain: Domain, unit: float) -> None:
    assert domain.contains(domain.from_unit(unit))


@given(domain=domains, seed=st.integers(0, 2**32))
def test_to_unit_and_back_is_the_same_value(domain: Domain, seed: int) -> None:
    value = domain.sample(np.random.default_rng(seed))
    unit = domain.to_unit(value)
    assert 0 <= unit <= 1
    back = domain.from_unit(unit)
    if isinstance(domain, Float):
        assert isinstance(value, float)
        assert back == pytest.approx(value, rel=1e-9, abs=1e-9)
    else:
        assert back == value


@given(domain=st.one_of(floats, log_floats, ints, log_ints), value=st.floats(-1e6, 1e6))
def test_a_number_outside_is_clipped_to_a_legal_one(domain: Float | Int, value: float) -> None:
    assert domain.contains(domain.clip(value))


@given(domain=domains, points=st.integers(1, 9))
def test_grid_values_are_legal_and_all_different(domain: Domain, points: int) -> None:
    grid = domain.grid(points)
    assert grid
    assert all(domain.contains(value) for value in grid)
    assert len(set(grid)) == len(grid)
    if not isinstance(domain, Choice):
        assert len(grid) <= points


def test_the_grid_of_a_log_domain_is_even_in_the_logarithm() -> None:
    assert Float(low=1e-5, high=1e-3, log=True).grid(3) == pytest.approx([1e-5, 1e-4, 1e-3])


def test_both_ends_of_a_whole_number_range_are_drawn_as_often_as_the_rest() -> None:
    rng = np.random.default_rng(0)
    domain = Int(low=2, high=5)
    counts = np.bincount([domain.sample(rng) for _ in range(4000)], minlength=6)[2:]
    assert counts.min() > 900


def test_a_log_uniform_draw_has_as_many_values_in_each_decade() -> None:
    rng = np.random.default_rng(0)
    domain = Float(low=1e-5, high=1e-3, log=True)
    below = np.mean([domain.sample(rng) < 1e-4 for _ in range(4000)])
    assert 0.46 < below < 0.54


def test_numbers_of_a_choice_are_sorted_and_clip_to_the_nearest() -> None:
    choice = Choice(values=(64, 16, 32))
    assert choice.values == (16, 32, 64)
    assert choice.clip(25.0) == 32
    assert choice.clip(1000) == 64


def test_a_value_lies_in_the_middle_of_its_share_of_the_unit_interval() -> None:
    """Shares are of the logarithm where the domain is: from 0.5 to 4.5 for 1 to 4."""
    assert [Choice(values=(1, 2, 4, 8)).to_unit(value) for value in (1, 2, 4, 8)] == [0.125, 0.375, 0.625, 0.875]
    assert [Int(low=3, high=6).to_unit(value) for value in (3, 4, 5, 6)] == [0.125, 0.375, 0.625, 0.875]
    log = Int(low=1, high=4, log=True)
    assert [log.to_unit(value) for value in (1, 3)] == pytest.approx([math.log(2) / math.log(9), math.log(6) / math.log(9)])
    assert [log.from_unit(unit) for unit in (0.0, 0.49, 0.51, 1.0)] == [1, 1, 2, 4]  # 0.5 x 9^0.5 = 1.5
    last = math.log(3.5 / 0.5) / math.log(9)  # where 3.5 lies
    assert [log.from_unit(unit) for unit in (last - 1e-3, last + 1e-3)] == [3, 4]
    assert Float(low=2.0, high=6.0).to_unit(3.0) == 0.25
    assert Float(low=2.0, high=6.0).from_unit(0.25) == 3.0
    assert Float(low=1e-4, high=1e-2, log=True).to_unit(1e-3) == pytest.approx(0.5)


def test_grids_by_hand() -> None:
    assert Float(low=0.0, high=1.0).grid(1) == [0.5]
    assert Float(low=0.0, high=1.0).grid(3) == [0.0, 0.5, 1.0]
    assert Int(low=1, high=9).grid(3) == [1, 5, 9]
    assert Int(low=1, high=3).grid(9) == [1, 2, 3]
    assert Choice(values=(4, 2)).grid(1) == [2, 4]
    assert SearchSpace({"a": Int(low=2, high=4), "b": Choice(values=("x", "y"))}).size() == 6


def test_whole_numbers_round_when_clipped() -> None:
    assert Int(low=1, high=10).clip(3.6) == 4


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_in_no_domain(value: float) -> None:
    for domain in (Float(low=0, high=1), Int(low=0, high=1), Choice(values=(0, 1))):
        assert not domain.contains(value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Float(low=1, high=1), "low must be below high"),
        (lambda: Float(low=0, high=1, log=True), "above 0"),
        (lambda: Float(low=0, high=math.inf), "high is inf, but it must be a finite number"),
        (lambda: Int(low=1, high=2.5), "whole numbers"),  # type: ignore[arg-type]
        (lambda: Choice(values=()), "at least one"),
        (lambda: Choice(values=(1, 1)), "once"),
        (lambda: Choice(values=(1, "a")), "can't be mixed"),
        (lambda: Choice(values=(None, 1, "a")), "can't be mixed"),
        (lambda: Choice(values=(1, [2])), r"lists \[2\], but each value must be a number, text or null"),  # type: ignore[arg-type]
        (lambda: Choice(values=(1, True)), "each value must be a number, text or null"),
        (lambda: Choice(values=(1, math.nan)), "each value must be a number, text or null"),
        (lambda: Choice(values=(None, 1)).clip("a"), "is text"),
        (lambda: Choice(values=(1, 2)).clip(None), "null is not one of"),
        (lambda: Float(low=0, high=1).clip(None), "is no number"),
        (lambda: Float(low=0, high=1, log="no"), "log is 'no', but it must be true or false"),  # type: ignore[arg-type]
        (lambda: Float(low="0", high=1), "low is '0', but it must be a finite number"),  # type: ignore[arg-type]
        (lambda: Int(low=1, high=10**400), "finite number"),
        (lambda: Choice(values=("a", "b")).clip("c"), "is not one of"),
        (lambda: Float(low=0, high=1).clip("a"), "is text"),
        (lambda: Float(low=0, high=1).grid(0), "must be >= 1"),
        (lambda: SearchSpace({}), "empty"),
        (lambda: list(SearchSpace({"a": Float(low=0, high=1)}).every_point()), "continuous"),
    ],
)
def test_what_can_not_be_is_refused_with_the_rule(make: Any, message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        make()


def test_a_countable_space_lists_each_of_its_points_once() -> None:
    space = SearchSpace({"a": Choice(values=("x", "y")), "b": Int(low=1, high=30, log=True)})
    points = [tuple(point.values()) for point in space.every_point()]
    assert len(points) == len(set(points)) == space.size() == 60
    assert all(space.contains(point) for point in space.every_point())


def test_a_space_with_a_continuous_hyperparameter_has_no_size() -> None:
    assert SearchSpace({"a": Choice(values=(1, 2)), "b": Float(low=0, high=1)}).size() is None


def test_the_full_factorial_has_the_product_of_its_axes() -> None:
    space = SearchSpace(
        {
            "batch_size": Choice(values=(16, 32)),
            "learning_rate": Choice(values=(2e-5, 3e-5, 5e-5)),
            "num_epochs": Int(low=2, high=4),
        }
    )
    grid = list(space.grid(3))
    assert len(grid) == 18
    assert grid[0] == {"batch_size": 16, "learning_rate": 2e-5, "num_epochs": 2}


def test_a_point_needs_exactly_the_names_of_the_space() -> None:
    space = SearchSpace({"a": Int(low=1, high=3)})
    assert space.contains({"a": 2})
    assert not space.contains({"a": 2, "b": 1})
    assert not space.contains({})


def test_draws_depend_on_the_generator_alone() -> None:
    space = SearchSpace({"a": Float(low=0, high=1), "b": Choice(values=("x", "y", "z"))})
    assert space.sample(np.random.default_rng(7)) == space.sample(np.random.default_rng(7))


def test_a_choice_with_null_is_not_ordered_but_its_numbers_are_still_clipped_to() -> None:
    choice = Choice(values=(None, 0.3, 0.1))
    assert not choice.ordered
    assert choice.values == (None, 0.3, 0.1)
    assert choice.clip(None) is None
    assert choice.clip(0.15) == 0.1
    assert [choice.from_unit(choice.to_unit(value)) for value in choice.values] == [None, 0.3, 0.1]
