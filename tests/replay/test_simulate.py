"""Virtual time against cases worked out by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.replay.known import ASHA, LINE, HandReplay, algorithm, hand_curve, run
from tuneoff.algorithms.contracts import SearchContext
from tuneoff.algorithms.search import build
from tuneoff.replay.simulate import ReplayError, Setting, simulate


def times(events, kind):
    return [(trial, time) for event, trial, time in events if event == kind]


def test_two_slots_take_the_next_trial_when_one_ends():
    curves = [hand_curve([0.1, 0.2], seconds=s) for s in (1.0, 3.0, 1.0)]
    outcome, events = run(curves)
    assert times(events, "start") == [("t000", 0.0), ("t001", 0.0), ("t002", 2.0)]
    assert times(events, "completed") == [("t000", 2.0), ("t002", 4.0), ("t001", 6.0)]
    assert outcome.wall_seconds == 6.0
    assert outcome.epochs == 6


def test_trials_that_finish_together_are_scored_in_the_order_in_which_they_were_started():
    _, events = run([hand_curve([0.1, 0.2]), hand_curve([0.1, 0.2])])
    assert times(events, "evaluated") == [("t000", 1.0), ("t001", 1.0), ("t000", 2.0), ("t001", 2.0)]


def test_the_incumbent_is_the_best_by_validation_known_by_then_and_the_earliest_of_equals():
    curves = [hand_curve([0.4, 0.6], test=[0.1, 0.2]), hand_curve([0.5, 0.6], test=[0.3, 0.4], seconds=1.5)]
    outcome, _ = run(curves)
    assert [(i.wall_seconds, i.validation, i.test) for i in outcome.incumbents] == [
        (1.0, 0.4, 0.1),
        (1.5, 0.5, 0.3),
        (2.0, 0.6, 0.2),
    ]


def test_only_incumbents_pay_for_the_test_set():
    curves = [hand_curve([0.5, 0.4, 0.6], test_seconds=[10.0] * 3)]
    outcome, events = run(curves, slots=1)
    assert [time for _, time in times(events, "evaluated")] == [11.0, 12.0, 23.0]
    assert outcome.wall_seconds == 23.0


def test_an_interval_is_charged_when_it_starts_and_its_score_is_known_when_it_ends():
    outcome, _ = run([hand_curve([0.4, 0.6]), hand_curve([0.1, 0.2], seconds=5.0)])
    assert [(i.wall_seconds, i.epochs) for i in outcome.incumbents] == [(1.0, 4.0), (2.0, 4.0)], "whole trials are reserved"
    stopping, _ = run([hand_curve([0.4, 0.6]), hand_curve([0.1, 0.2], seconds=5.0)], scheduler=ASHA, length=2)
    assert [(i.wall_seconds, i.epochs) for i in stopping.incumbents] == [(1.0, 2.0), (2.0, 3.0)]


def test_a_budget_in_epochs_starts_whole_trials_only_where_none_can_be_stopped():
    curves = [hand_curve([0.1, 0.2, 0.3])] * 4
    outcome, _ = run(curves, epochs=8)
    assert (outcome.trials, outcome.epochs, outcome.endings["completed"]) == (2, 6, 2)


def test_a_budget_in_epochs_cuts_a_trial_that_may_be_stopped():
    curves = [hand_curve([0.3, 0.4, 0.5]), hand_curve([0.4, 0.5, 0.6]), hand_curve([0.6, 0.7, 0.8])]
    outcome, events = run(curves, slots=1, scheduler=ASHA, length=3, epochs=7)
    assert outcome.epochs == 7
    assert outcome.endings["cut"] == 1
    assert times(events, "cut") == [("t002", 7.0)]
    assert outcome.incumbents[-1].validation == 0.6


def test_the_epochs_of_a_failed_trial_that_were_reserved_go_to_the_next():
    failing = hand_curve([0.9], failed=True, failing_seconds=0.5)
    outcome, events = run([failing, hand_curve([0.1, 0.2, 0.3]), hand_curve([0.2, 0.3, 0.4])], slots=1, length=3, epochs=6)
    assert times(events, "failed") == [("t000", 1.5)]
    assert outcome.endings == {"completed": 1, "stopped": 0, "failed": 1, "cut": 0}
    assert outcome.epochs == 5
    assert outcome.incumbents[-1].validation == 0.9, "what it scored before it failed counts"


def test_a_budget_of_time_refuses_an_interval_that_would_not_fit_and_loses_one_that_takes_longer_than_the_last():
    refused, events = run([hand_curve([0.1, 0.2, 0.3])], slots=1, deadline=2.5, expected_seconds=1.0)
    assert (refused.evaluations, refused.wall_seconds, times(events, "cut")) == (2, 2.0, [("t000", 2.0)])
    lost, events = run([hand_curve([0.1, 0.2, 0.3], seconds=[1.0, 1.0, 2.0])], slots=1, deadline=3.5, expected_seconds=1.0)
    assert (lost.evaluations, lost.wall_seconds, times(events, "cut")) == (2, 3.5, [("t000", 3.5)])
    assert lost.epochs == 3, "the lost interval was paid for"


def test_start_up_is_paid_once_a_slot_and_overhead_at_each_evaluation():
    outcome, _ = run([hand_curve([0.1, 0.2])] * 3, slots=1, start_seconds=10.0, overhead_seconds=0.5)
    assert outcome.wall_seconds == 10.0 + 6 * 1.5


def test_asha_stops_what_falls_below_the_cutoff_of_its_rung():
    curves = [hand_curve([v, v, v, v]) for v in (0.5, 0.4, 0.6, 0.3)]
    outcome, events = run(curves, slots=1, scheduler=ASHA, length=4)
    assert [trial for trial, _ in times(events, "stopped")] == ["t001", "t003"]
    assert outcome.endings == {"completed": 2, "stopped": 2, "failed": 0, "cut": 0}


def test_a_searcher_that_learns_waits_for_a_free_slot():
    curves = [hand_curve([0.1, 0.2], seconds=s) for s in (1.0, 2.0, 1.0, 1.0, 1.0, 1.0)]
    _, events = run(curves, searcher="gp", trials=6)
    assert [time for _, time in times(events, "start")] == [0.0, 0.0, 2.0, 4.0, 4.0, 6.0]


def test_interruptions_cost_time_and_no_epochs():
    curves = [hand_curve([0.1, 0.2, 0.3], seconds=10.0)] * 8
    calm, _ = run(curves)
    spot, _ = run(curves, interruptions_per_hour=100.0)
    assert spot.interruptions > 0
    assert spot.wall_seconds > calm.wall_seconds
    assert (spot.epochs, spot.incumbents[-1].test) == (calm.epochs, calm.incumbents[-1].test)


def test_a_population_is_refused():
    config = algorithm(scheduler={"name": "pbt", "mutated": ["x"]})
    context = SearchContext(space=LINE, seed=0, slots=2, max_epochs=2, defaults={}, evaluations_per_epoch=1)
    with pytest.raises(ReplayError, match="copies weights"):
        simulate(build(config, context), HandReplay([]), Setting(slots=2, evaluations_per_epoch=1), length_of=lambda _: 2)


@settings(max_examples=60, deadline=None)
@given(
    durations=st.lists(st.floats(0.1, 5.0), min_size=1, max_size=9),
    scores=st.data(),
    slots=st.integers(1, 4),
    stopping=st.booleans(),
    epochs=st.one_of(st.just(math.inf), st.integers(1, 20)),
)
def test_no_more_than_the_slots_run_at_once_and_no_budget_is_overdrawn(durations, scores, slots, stopping, epochs):
    values = st.lists(st.floats(0, 1), min_size=3, max_size=3)
    curves = [hand_curve(scores.draw(values), seconds=d) for d in durations]
    outcome, events = run(curves, slots=slots, scheduler=ASHA if stopping else {"name": "none"}, length=3, epochs=epochs)
    running = most = 0
    for kind, _, _ in events:
        running += {"start": 1, "evaluated": 0}.get(kind, -1)
        most = max(most, running)
    assert running == 0
    assert most <= slots
    assert outcome.epochs <= epochs
    assert outcome.evaluations == outcome.epochs
    assert outcome.wall_seconds <= sum(3 * d for d in durations) + 1e-9
    clock = [time for _, _, time in events]
    assert clock == sorted(clock)
    bests = [i.validation for i in outcome.incumbents]
    assert bests == sorted(set(bests))
