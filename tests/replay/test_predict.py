"""From a table to a prediction, and the command that makes it."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pandas as pd
import pytest

from tests.replay.known import smooth_table, without_seconds
from tests.replay.test_foreign import csv_of, rows
from tuneoff.budget import Budget
from tuneoff.commands.replay import main
from tuneoff.errors import UserError
from tuneoff.predictions.section import markdown, write_prediction
from tuneoff.price import Price, load_price
from tuneoff.replay import runner
from tuneoff.replay.candidates import candidates_of, changes
from tuneoff.replay.plan import Scenario, identity, trials_within
from tuneoff.replay.predict import pass_gate, predict
from tuneoff.replay.runner import Effort, plan_blocks, run_blocks
from tuneoff.replay.simulate import ReplayError
from tuneoff.replay.verdict import BEST, WORSE

EFFORT = Effort(worlds=4, replays=10, whole=40)
SCENARIO = Scenario(budget=Budget(unit="epochs", amount=12.0), slots=2, devices=2, price=load_price("cpu"))
SPACE = {"learning_rate": "x"}


@pytest.fixture(scope="module")
def table():
    return replace(smooth_table(48), task_words=("task=entail", "model=micro"))


@pytest.fixture(scope="module")
def gate(table):
    return pass_gate(table, "gp")


def searches(text):
    """Without the default values of hyperparameters that the table does not have."""
    return candidates_of(text)


def predicted(table, gate, store, text="random,default,pbt", scenarios=(SCENARIO,), what_ifs=()):
    return predict(table, gate, searches(text), scenarios, what_ifs, effort=EFFORT, margin=0.01, store=store)


def test_a_verdict_names_the_best_and_what_is_worse_given_all_errors(table, gate, tmp_path):
    (verdict,) = predicted(table, gate, tmp_path / "r.jsonl").verdicts
    status = {s.case.candidate.label: s.status for s in verdict.standings}
    assert status["random"] == BEST
    assert verdict.standings[0].score.value > verdict.standings[1].score.value
    gap = verdict.standings[1].gap
    assert gap.table_se >= 0
    assert gap.replay_se > 0
    assert status["default"] in (WORSE, "open")
    assert verdict.replaced_repeats >= 1


def test_a_population_is_named_with_the_command_that_runs_it(table, gate, tmp_path):
    prediction = predicted(table, gate, tmp_path / "r.jsonl")
    assert [c.label for c in prediction.not_replayed] == ["pbt"]
    page = markdown(prediction, ["tuneoff run algorithm=pbt budget=epochs:12"])
    assert "tuneoff run algorithm=pbt budget=epochs:12" in page
    assert "has to be run for real" in page


def test_every_page_and_number_is_marked_predicted(table, gate, tmp_path):
    prediction = predicted(
        table, gate, tmp_path / "r.jsonl", what_ifs=[(searches("random")[0], replace(SCENARIO, slots=4, change="4 slots"))]
    )
    written = write_prediction(prediction, tmp_path / "out")
    assert {path.name for path in written} == {
        "predicted.md",
        "predicted.json",
        "predicted.csv",
        "what-ifs.csv",
        "predicted.svg",
        "predicted.png",
    }
    assert (tmp_path / "out" / "predicted.md").read_text().startswith("# Predicted")
    for name in ("predicted.csv", "what-ifs.csv"):
        assert pd.read_csv(tmp_path / "out" / name)["predicted"].all()


def test_a_what_if_is_compared_with_the_same_search_unchanged(table, gate, tmp_path):
    candidate = searches("random")[0]
    prediction = predicted(
        table,
        gate,
        tmp_path / "r.jsonl",
        "random",
        what_ifs=[(candidate, replace(SCENARIO, slots=4, devices=4, change="4 slots"))],
    )
    write_prediction(prediction, tmp_path)
    (row,) = pd.read_csv(tmp_path / "what-ifs.csv").to_dict("records")
    unchanged = pd.read_csv(tmp_path / "predicted.csv").iloc[0]
    assert row["minus_unchanged"] == pytest.approx(row["test"] - unchanged["test"])
    assert row["wall_seconds"] < unchanged["device_seconds"] / 2


def test_another_price_changes_the_dollars_and_makes_no_replay_again(table, gate, tmp_path):
    store = tmp_path / "r.jsonl"
    dear = replace(SCENARIO, price=Price(name="custom", per_device_hour_usd=5.0, source="", date=""), change="$5 a device-hour")
    prediction = predicted(table, gate, store, "random", what_ifs=[(searches("random")[0], dear)])
    assert len(store.read_text().splitlines()) == EFFORT.worlds
    write_prediction(prediction, tmp_path)
    (row,) = pd.read_csv(tmp_path / "what-ifs.csv").to_dict("records")
    unchanged = pd.read_csv(tmp_path / "predicted.csv").iloc[0]
    assert (row["minus_unchanged"], row["half_width"]) == (0.0, 0.0)
    assert row["dollars"] == pytest.approx(unchanged["dollars"] * 5.0 / SCENARIO.price.per_device_hour_usd)


def test_an_old_search_is_graded_by_what_others_need_to_get_as_far(table, gate, tmp_path):
    prediction = predict(
        table, gate, searches("random,default"), [SCENARIO], (), effort=EFFORT, margin=0.01, store=tmp_path / "r", graded=True
    )
    graded = prediction.as_far
    assert graded.old.epochs == 48 * 3
    assert graded.old.validation == max(max(trial.validation) for trial in table.trials)
    shares = {one.case.candidate.label: one.share for one in graded.searches}
    assert 0.1 < shares["random"] < 0.95, "the same search again reaches its best score about every other time"
    assert shares["default"] <= shares["random"]
    for one in graded.searches:
        assert one.epochs[0] <= one.epochs[1] <= one.epochs[2]
        assert all(epochs <= 48 * 3 or math.isinf(epochs) for epochs in one.epochs)
    page = markdown(prediction)
    assert "As far as this search" in page
    assert [s.case.candidate.label for s in prediction.verdicts[0].standings] == ["random", "default"], "no budget of its own"


def test_a_table_drawn_at_random_is_graded_only_where_it_is_asked_for(tmp_path, capsys):
    path = csv_of(rows(n=30), tmp_path / "table.csv")
    given = [f"table={path}", "format=csv", f"out={tmp_path / 'out'}", "algorithms=random", "budgets=epochs:6", "processes=1"]
    effort = ["worlds=3", "replays=4", "whole=10", "world=gp", "what_if=false"]
    assert main([*given, *effort, "random=true"]) == 0
    assert "As far as this search" not in capsys.readouterr().out
    assert main([*given, *effort]) == 0
    assert "As far as this search" in capsys.readouterr().out


def test_replays_that_are_kept_are_not_made_again_and_half_a_line_is(table, gate, tmp_path, monkeypatch):
    store = tmp_path / "r.jsonl"
    first = predicted(table, gate, store, "random")
    lines = store.read_text().splitlines()
    assert len(lines) == EFFORT.worlds
    store.write_text("\n".join(lines[:-1]) + "\n" + lines[-1][:20])
    calls = []
    real = runner.replay_once
    monkeypatch.setattr(runner, "replay_once", lambda *given: calls.append(given) or real(*given))
    again = predicted(table, gate, store, "random")
    assert len(calls) == EFFORT.replays, "one block"
    assert again.verdicts[0].standings[0].score == first.verdicts[0].standings[0].score
    predicted(table, gate, store, "random")
    assert len(calls) == EFFORT.replays


def test_processes_give_the_same_replays_as_one(table, gate, tmp_path):
    blocks = plan_blocks(table, gate.kind, searches("random"), [SCENARIO], posterior=True, effort=Effort(worlds=2, replays=4))
    alone, together = (
        run_blocks(table, gate.kind, blocks, tmp_path / f"{n}.jsonl", processes=n, advanced=lambda _: None) for n in (1, 2)
    )
    assert alone == together


def test_a_search_is_known_by_what_it_does_and_not_by_its_label(table):
    one, other = searches("random"), searches("other=random")
    assert identity(table, "gp", one[0], SCENARIO) == identity(table, "gp", other[0], SCENARIO)
    changed = replace(SCENARIO, slots=3)
    assert identity(table, "gp", one[0], SCENARIO) != identity(table, "gp", one[0], changed)
    assert identity(table, "gp", one[0], SCENARIO) != identity(smooth_table(30), "gp", one[0], SCENARIO)


def test_a_budget_decides_the_trials_as_in_a_real_run():
    random, default = (candidate.algorithm for candidate in searches("random,default"))
    assert trials_within(random, Budget(unit="epochs", amount=12.0), 1) == 12
    assert trials_within(default, Budget(unit="epochs", amount=12.0), 1) == 1


def test_searches_get_knobs_and_names():
    found = searches("random,asha2=random_asha:scheduler.reduction_factor=2")
    assert [c.label for c in found] == ["random", "asha2"]
    assert found[1].algorithm.scheduler.settings.reduction_factor == 2
    assert found[1].command == "algorithm=random_asha +algorithm.scheduler.reduction_factor=2"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rndom", "algorithms is 'rndom'"),
        ("random,random", "names random twice"),
        ("random:trials", "a knob is a name and a value"),
        ("random_asha:scheduler.reduction_factor=1", "reduction_factor"),
        ("", "algorithms is empty"),
    ],
)
def test_a_wrong_list_of_searches_is_one_message(text, message):
    with pytest.raises(UserError, match=message):
        candidates_of(text)


def test_what_ifs_are_slots_spot_prices_and_other_rungs(table):
    half = Price(name="custom", per_device_hour_usd=0.5, source="", date="")
    found = changes(searches("random_asha"), SCENARIO, table, interruptions=0.1, price=half)
    assert {scenario.change for _, scenario in found} == {
        "4 slots",
        "1 slot",
        "spot: 0.1 interruptions a slot-hour",
        "$0.5 a device-hour",
        "reduction factor 2",
        "reduction factor 3",
        "grace epochs 2",
    }
    assert all(
        "spot" not in s.change for _, s in changes(searches("random"), SCENARIO, without_seconds(table), interruptions=0.1)
    )


def test_minutes_without_recorded_seconds_and_dollars_without_a_price_are_refused(table, gate, tmp_path):
    minutes = replace(SCENARIO, budget=Budget(unit="minutes", amount=1.0))
    with pytest.raises(ReplayError, match="has no seconds: give a budget in epochs"):
        predicted(without_seconds(table), gate, tmp_path / "r.jsonl", "random", [minutes])
    free = Price(name="none", per_device_hour_usd=0.0, source="", date="")
    with pytest.raises(UserError, match="costs nothing an hour"):
        predicted(
            table,
            gate,
            tmp_path / "r.jsonl",
            "random",
            [replace(SCENARIO, budget=Budget(unit="dollars", amount=1.0), price=free)],
        )


def test_a_budget_of_minutes_is_kept_to(table, gate, tmp_path):
    minutes = replace(SCENARIO, budget=Budget(unit="minutes", amount=1.0))
    (verdict,) = predicted(table, gate, tmp_path / "r.jsonl", "random", [minutes]).verdicts
    assert 50 < verdict.standings[0].device_seconds <= 61


def test_a_budget_too_small_for_a_score_is_left_out_and_said(table, gate, tmp_path):
    tiny = replace(SCENARIO, budget=Budget(unit="minutes", amount=0.001))
    prediction = predicted(table, gate, tmp_path / "r.jsonl", "random", [tiny])
    assert prediction.verdicts == ()
    assert "too small to score a trial" in markdown(prediction)


def test_the_command_replays_a_table_and_writes_its_section(tmp_path, capsys):
    path = csv_of(rows(n=40), tmp_path / "table.csv")
    out = tmp_path / "out"
    given = [f"table={path}", "format=csv", f"out={out}", "algorithms=random,random_asha", "budgets=epochs:6,epochs:12"]
    effort = ["worlds=3", "replays=5", "whole=20", "processes=1", "world=gp", "what_if=false"]
    assert main([*given, *effort]) == 0
    shown = capsys.readouterr().out
    assert "Predicted: which search for table.csv" in shown
    assert (out / "predicted.md").read_text() in shown
    numbers = pd.read_csv(out / "predicted.csv")
    assert set(numbers["search"]) == {"random", "random_asha"}
    assert set(numbers["budget"]) == {"epochs:6", "epochs:12"}
    assert all(json.loads(line)["rows"] for line in (out / "replays.jsonl").read_text().splitlines())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing"], "holds no recorded search"),
        ([], "give one recorded study"),
        (["a", "b"], "give one recorded study"),
        (["table=x.csv", "format=csv"], "no such file"),
        (["table=x.csv"], "format is null"),
        (["study", "slots=0"], "slots is 0"),
        (["study", "sltos=2"], "a setting's name is 'sltos'"),
        (["study", "margin=0"], "margin is 0"),
        (["study", "world=flat"], "world is 'flat'"),
    ],
)
def test_bad_input_is_one_message_and_exit_code_2(arguments, message, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
