"""A recording's configurations: independent draws, a share of them again under other seeds and other splits."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.algorithms.search_driver import context, proposals, search
from tuneoff.algorithms.settings import AlgorithmError


def points(trials: int = 20, repeat: int = 0, **knobs: Any) -> list[tuple[Any, ...]]:
    """seed: of a repeat; the study's is the same."""
    where = context(seed=100 + repeat, study_seed=7)
    return [tuple(point.values()) for point in proposals(search("record", trials=trials, where=where, searcher_knobs=knobs))]


def test_every_fifth_trial_trains_an_earlier_configuration_again() -> None:
    found = points()
    again = [number for number, point in enumerate(found) if point in found[:number]]
    assert again == [4, 9, 14, 19]
    assert [found.index(found[number]) for number in again] == [0, 1, 2, 3]


def test_as_many_configurations_are_the_same_in_every_repeat() -> None:
    first, second = set(points(repeat=0)), set(points(repeat=1))
    assert (len(first), len(second), len(first & second)) == (16, 16, 3)


def test_a_recording_cut_short_by_a_budget_is_the_beginning_of_a_longer_one() -> None:
    assert points(trials=50)[:11] == points(trials=11)


@pytest.mark.parametrize(("repeated", "most"), [(0.0, 1), (0.5, 2)])
def test_the_share_is_what_was_asked_for(repeated: float, most: int) -> None:
    counts = Counter(points(trials=16, repeated=repeated)).values()
    assert max(counts) == most
    assert len(counts) == 16 - int(16 * repeated)


@pytest.mark.parametrize("repeated", [-0.1, 0.6])
def test_a_share_outside_of_its_limits_is_refused(repeated: float) -> None:
    with pytest.raises(AlgorithmError, match=r"algorithm.searcher.repeated is .*, but it must be from 0 to 0.5"):
        points(repeated=repeated)
