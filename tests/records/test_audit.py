"""Which stopped trials an audit takes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.report import synthetic as syn
from tuneoff.records.audit import completed_share, drawn, is_drawn, stopped_early
from tuneoff.records.schema import BUDGET_SPENT, STOPPED_EARLY

HEADER = replace(syn.header("random_asha"), seeds={"search": 11})
NAMES = [f"t{i:03d}" for i in range(2000)]


def test_each_trial_is_drawn_with_the_probability_that_was_asked_for() -> None:
    taken = [is_drawn(HEADER, name, 0.2) for name in NAMES]
    assert sum(taken) == pytest.approx(400, abs=4 * (2000 * 0.2 * 0.8) ** 0.5)
    assert not any(is_drawn(HEADER, name, 0.0) for name in NAMES)
    assert all(is_drawn(HEADER, name, 1.0) for name in NAMES)


def test_a_larger_share_only_adds_trials_and_another_repeat_takes_others() -> None:
    fifth = {name for name in NAMES if is_drawn(HEADER, name, 0.2)}
    assert fifth < {name for name in NAMES if is_drawn(HEADER, name, 0.4)}
    other = replace(HEADER, seeds={**HEADER.seeds, "search": HEADER.seeds["search"] + 1})
    assert fifth != {name for name in NAMES if is_drawn(other, name, 0.2)}


def test_only_trials_that_the_scheduler_ended_are_drawn() -> None:
    ends = [
        syn.trial_end("t000", 1.0, "stopped", STOPPED_EARLY),
        syn.trial_end("t001", 2.0),
        syn.trial_end("t002", 3.0, "stopped", BUDGET_SPENT),
        syn.trial_end("t003", 4.0, "diverged", "no finite loss"),
        syn.trial_end("t004", 5.0, "stopped", STOPPED_EARLY),
    ]
    cell = syn.cell([syn.start(), *ends, syn.end()], head=HEADER)
    assert stopped_early(cell) == drawn(cell, 1.0) == ["t000", "t004"]
    assert drawn(cell, 0.0) == []
    assert completed_share(HEADER) == 0
