"""A place in an epoch, in examples, and the steps that Trainer makes of what is left; two that work in turns."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tuneoff.training.hf.order import Grid, Place, RememberedOrder
from tuneoff.training.hf.turns import Turns


@given(
    n=st.integers(1, 90),
    batch_size=st.integers(1, 40),
    accumulation=st.integers(1, 4),
    drop=st.booleans(),
    share=st.floats(0, 1),
)
def test_the_steps_to_come_hold_exactly_the_examples_that_are_left(n, batch_size, accumulation, drop, share):
    grid = Grid(n=n, batch_size=batch_size, accumulation=accumulation, drop_last=drop)
    assume(grid.batches(n) > 0)
    order = np.random.default_rng(n).permutation(n)
    place = grid.nearest(Place(epoch=1, position=int(share * n), order=order))
    if place.epoch == 2:
        assert place.position == 0
        return
    skipped, batches = grid.steps_before(place.position) * accumulation, grid.batches(n)
    assert 0 <= grid.steps_before(place.position) < grid.steps
    drawn = list(RememberedOrder(order, place if place.position else None, skipped * batch_size))
    cut = [drawn[i : i + batch_size] for i in range(0, len(drawn), batch_size)]
    if drop:
        cut = [batch for batch in cut if len(batch) == batch_size]
    left = [index for batch in cut[skipped:] for index in batch]
    assert left == order[place.position :].tolist()[: len(left)]
    assert len(cut) == batches, "Trainer counts as many batches as there are"
    if not drop:
        assert sorted(left) == sorted(order[place.position :].tolist())


def test_a_pass_that_goes_on_is_followed_by_whole_ones():
    order = np.array([3, 1, 0, 2])
    sampler = RememberedOrder([0, 1, 2, 3], Place(epoch=0, position=3, order=order), 2)
    assert list(sampler) == [0, 0, 2]
    assert list(sampler) == [0, 1, 2, 3]
    assert sampler.order.tolist() == [0, 1, 2, 3]


def counting(pause):
    for number in range(1, 4):
        if not pause(number):
            return


def test_turns_hand_over_values_answer_questions_and_end():
    turns = Turns(counting)
    assert turns.next() == 1
    assert turns.ask(lambda: "here") == "here"
    with pytest.raises(ZeroDivisionError):
        turns.ask(lambda: 1 / 0)
    assert [turns.next(), turns.next(), turns.next()] == [2, 3, None]
    turns.close()


def test_turns_that_are_closed_are_told_so_and_errors_reach_the_caller():
    heard = []
    turns = Turns(lambda pause: heard.append(pause(1)))
    turns.close()
    assert turns.next() == 1
    turns.close()
    assert heard == [False]

    def failing(pause):
        raise KeyError(math.pi)

    with pytest.raises(KeyError):
        Turns(failing).next()
