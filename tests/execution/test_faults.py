"""How long a trial may take, which errors interrupt a search, and what a death is called."""

from __future__ import annotations

import pytest
from ray.exceptions import OutOfMemoryError, RayActorError

from tuneoff.execution.faults import (
    MEMORY_SHORT,
    SHARED_STATE_LOST,
    cause_of_death,
    common_cause,
    patience,
    preparation_patience,
)

GONE = "its process is gone: killed from outside, or out of memory"


@pytest.mark.parametrize(
    ("asked", "expected_seconds", "allowed"),
    [
        ("auto", 0.0, None),  # not measured: nobody knows what is long
        ("auto", 1.0, 600.0),
        ("auto", 100.0, 2000.0),
        (45, 100.0, 45.0),
        (None, 100.0, None),
    ],
)
def test_how_long_a_step_may_take(asked, expected_seconds, allowed):
    assert patience(asked, expected_seconds) == allowed


@pytest.mark.parametrize(("asked", "allowed"), [("auto", 3600.0), (45, 600.0), (1e4, 1e4), (None, None)])
def test_how_long_a_worker_may_take_to_be_ready(asked, allowed):
    assert preparation_patience(asked) == allowed


@pytest.mark.parametrize(
    ("error", "reason"),
    [(OutOfMemoryError("2 worker(s) were killed"), MEMORY_SHORT), (RayActorError(), SHARED_STATE_LOST), (ValueError("x"), "")],
)
def test_which_deaths_interrupt_a_search(error, reason):
    assert common_cause(error) == reason


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("Traceback\nray.exceptions.ActorDiedError: The actor died.", GONE),
        ("The actor died unexpectedly before", GONE),
        ("OutOfMemoryError: the node running low on memory.\nRefer to", "Ray ended it, as the machine's memory ran short"),
        ("Traceback\nRuntimeError: the worker died and was started anew", "RuntimeError: the worker died and was started anew"),
        ("", "no message"),
    ],
)
def test_why_a_process_died_in_a_few_words(text, cause):
    assert cause_of_death(text) == cause
