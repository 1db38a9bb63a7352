"""Events follow from the records alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.report import synthetic as syn
from tuneoff.evaluation import Cost
from tuneoff.price import Price
from tuneoff.records.charge import charged_seconds
from tuneoff.records.incumbent import incumbent
from tuneoff.trackers.contracts import Evaluated, SearchProgress, TrialBegan, TrialEnded
from tuneoff.trackers.events import events, flat, search_of, state, unix_time


def test_events_of_a_longer_log_begin_with_those_of_a_shorter_one(cells):
    for cell in cells.values():
        every = events(cell)
        for n in range(len(cell.records)):
            part = events(replace(cell, records=cell.records[:n]))
            assert part == every[: len(part)]


def test_each_record_of_a_trial_is_an_event(cells):
    cell = cells["pbt"]
    found = events(cell)
    assert [e.evaluation for e in found if isinstance(e, Evaluated)] == [e.evaluation for e in cell.evaluations]
    assert len([e for e in found if isinstance(e, TrialEnded)]) == len(cell.trial_ends)
    assert len([e for e in found if isinstance(e, TrialBegan)]) == 8


def test_a_point_has_scores_progress_and_the_cost_so_far(cells):
    cell = cells["pbt"]
    own = [e for e in cell.evaluations if e.trial_id == "t000"]
    points = [e for e in events(cell) if isinstance(e, Evaluated) and e.trial.name == "t000"]
    last, record = points[-1], own[-1]
    assert last.examples == record.examples_seen
    assert last.values["validation/accuracy"] == record.validation.metrics["accuracy"]
    assert ("test/accuracy" in last.values) == (record.test is not None)
    assert last.values["cost/device_seconds"] == pytest.approx(sum(e.cost.seconds for e in own))
    hourly = cell.header.price["per_device_hour_usd"]
    assert last.values["cost/dollars"] == pytest.approx(sum(e.cost.seconds for e in own) / 3600 * hourly)


def test_copies_are_the_lineage_and_mutated_values_are_curves(cells):
    copies = [e for e in cells["pbt"].evaluations if e.parent_trial_id is not None]
    ended = {e.trial.name: e for e in events(cells["pbt"]) if isinstance(e, TrialEnded)}
    for copy in copies:
        assert f"{copy.parent_trial_id} at evaluation {copy.parent_evaluation}" in ended[copy.trial_id].lineage
    assert {name for name, end in ended.items() if end.lineage} == {c.trial_id for c in copies}
    curves = [e for e in events(cells["pbt"]) if isinstance(e, Evaluated) and "hyperparameters/learning_rate" in e.values]
    assert {e.trial.name for e in curves} == {c.trial_id for c in copies}
    assert not any(name.startswith("hyperparameters/") for e in events(cells["random_asha"]) for name in values_of(e))


def values_of(event):
    return () if isinstance(event, TrialBegan) else event.values


def test_the_search_is_charged_by_the_wall_clock_and_its_best_is_the_incumbent(cells):
    for cell in cells.values():
        last = [e for e in events(cell) if isinstance(e, SearchProgress)][-1]
        assert last.values["best/validation/accuracy"] == incumbent(cell).validation.metrics["accuracy"]
        stands = state(cell)
        charged = charged_seconds(cell, cell.wall_seconds)
        assert stands.status == "finished"
        assert stands.values["cost/device_seconds"] == pytest.approx(charged)
        assert stands.values["cost/dollars"] == pytest.approx(Price.from_dict(cell.header.price).dollars(charged))
        assert stands.winner["trial"] == incumbent(cell).trial_id
        assert stands.values["best/test/accuracy"] == incumbent(cell).test.metrics["accuracy"]


def test_a_running_search_has_no_state_and_an_interrupted_one_says_so():
    records = [syn.start(), syn.evaluation("t0", 1, 0.7, 60.0)]
    assert state(syn.cell(records, status="running")) is None
    cut = replace(syn.end(), status="interrupted")
    assert state(syn.cell([*records, cut], status="running")).status == "interrupted"
    assert state(syn.cell([*records, syn.end()], status="running")) is None, "the retraining comes"


def test_times_are_the_sessions_own():
    later = replace(syn.start(session=2, elapsed=100.0), time_utc="2026-01-02T00:00:00Z")
    made = syn.cell([syn.start(), syn.evaluation("t0", 1, 0.7, 60.0), later, syn.evaluation("t0", 2, 0.7, 130.0)])
    points = [e for e in events(made) if isinstance(e, Evaluated)]
    assert [p.at for p in points] == [unix_time("2026-01-01T00:01:00Z"), unix_time("2026-01-02T00:00:30Z")]


def test_a_trial_that_has_no_evaluation_ends_with_its_cost_alone():
    end = syn.trial_end("t0", 5.0, "failed", "out of memory", cost=Cost(train_seconds=4.0))
    (ended,) = [e for e in events(syn.cell([syn.start(), end])) if isinstance(e, TrialEnded)]
    assert (ended.status, ended.reason) == ("failed", "out of memory")
    assert ended.values == {"cost/device_seconds": 4.0, "cost/dollars": pytest.approx(4 / 3600 * 3.06)}


def test_settings_are_flat_and_without_those_that_do_not_define_the_search(cells):
    search = search_of(cells["pbt"].header)
    assert search.settings["algorithm.scheduler.name"] == "pbt"
    assert "results" not in search.settings
    assert search.tags["algorithm"] == "pbt"
    assert flat({"a": {"b": [1, 2]}, "c": None}) == {"a.b": "[1, 2]", "c": None}
