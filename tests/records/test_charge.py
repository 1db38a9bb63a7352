"""A search is charged for wall seconds x devices held, session by session."""

from __future__ import annotations

import pytest

from tests.report.synthetic import cell, end, evaluation, start
from tuneoff.records.charge import charged_clock, charged_seconds, session_devices


def test_each_session_is_charged_for_its_own_devices_until_the_next_began() -> None:
    made = cell([start(1, 0.0, devices=8), start(2, 100.0, devices=2), start(3, 250.0, devices=4), end(3, 300.0)])
    clock = charged_clock(made)
    assert [clock(t) for t in (0.0, 50.0, 100.0, 150.0, 250.0, 300.0)] == [0, 400, 800, 900, 1100, 1300]
    assert charged_seconds(made, 300.0) == 1300
    assert charged_seconds(cell([start(devices=8)]), 60.0) == 480


def test_of_two_sessions_that_began_at_one_moment_the_later_held_its_devices() -> None:
    made = cell([start(1, 0.0, devices=2), start(3, 100.0, devices=1), start(2, 100.0, devices=8)])
    assert session_devices(made) == [(0.0, 2), (100.0, 8), (100.0, 1)]
    assert charged_seconds(made, 110.0) == 2 * 100 + 1 * 10


@pytest.mark.parametrize("began", [0.5, 60.0])
def test_what_came_before_the_first_session_that_is_known_is_charged_at_its_devices(began: float) -> None:
    made = cell([start(2, began, devices=2), start(3, 100.0, devices=4)])
    assert charged_seconds(made, 110.0) == 2 * 100 + 4 * 10


def test_a_log_without_a_session_is_charged_as_one_device() -> None:
    assert charged_seconds(cell([evaluation("t0", 1, 0.5, 30.0)]), 30.0) == 30.0
