"""A prediction beside real results: in the report as a section of its own, with the populations that were run for real."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.replay.test_recorded import CONFIG, HEADER, cell
from tuneoff.commands.replay import main
from tuneoff.commands.report import main as report
from tuneoff.predictions.real import real_results
from tuneoff.replay.recorded import read_study

RECORDED = replace(
    HEADER,
    config={
        **CONFIG,
        "algorithm": {"name": "record", "role": "recording", "searcher": {"name": "record"}, "scheduler": {"name": "none"}},
    },
)
PBT = replace(
    HEADER,
    algorithm="pbt",
    config={
        **CONFIG,
        "budget": "epochs:6",
        "algorithm": {"name": "pbt", "searcher": {"name": "random"}, "scheduler": {"name": "pbt"}},
    },
)  # fmt: skip
QUICK = ["algorithms=random,pbt", "budgets=epochs:6", "worlds=3", "replays=4", "world=gp", "what_if=false", "processes=1"]


def only_incumbents(trial, number):
    return (trial, number) in ((0, 1), (0, 2))


@pytest.fixture
def results(tmp_path):
    """A recording with two real repeats of a population beside it, and one more in the study of real runs."""
    cell(tmp_path / "s", header=RECORDED)
    for repeat in (0, 1):
        cell(tmp_path / "s", header=PBT, trials=4, repeat=repeat, test=only_incumbents)
    cell(tmp_path / "s-real", header=replace(PBT, study="s-real"), trials=4, repeat=2, test=only_incumbents)
    return tmp_path


def test_searches_of_the_same_study_are_no_part_of_the_recording(results):
    table = read_study(results / "s")
    assert len(table.trials) == 24
    assert table.drawn_at_random
    assert not any(table.left_out.values())


def test_a_populations_real_repeats_are_found_in_the_study_and_in_that_of_the_printed_commands(results):
    (found,) = real_results(results / "s", [results / "s-real", results / "nothing"], {"pbt"})
    assert (found.search, found.budget, found.repeats) == ("pbt", "epochs:6", 3)
    assert found.test == pytest.approx(0.8 + 0.02 - 0.01)
    assert found.half_width == pytest.approx(0.0, abs=1e-9)
    assert found.amount("epochs") == 6.0, "where it stands in the figure: at its budget"
    assert found.amount("minutes") == pytest.approx(found.device_seconds / 60)
    assert real_results(results / "s", [], {"another"}) == []


def test_real_runs_of_another_task_are_not_shown(results):
    cell(results / "s-real", header=replace(PBT, study="s-real", model="other"), trials=4, repeat=3, test=only_incumbents)
    (found,) = real_results(results / "s", [results / "s-real"], {"pbt"})
    assert found.repeats == 3


def test_the_report_has_what_was_predicted_as_a_last_section_of_its_own(results, capsys):
    assert main(["s", f"results={results}", *QUICK]) == 0
    shown = capsys.readouterr().out
    assert "Run for real, not predicted" in shown
    assert "budget=epochs:6 'repeat=range(100,106)' study=s-real" in shown
    assert report(["s", "--results", str(results), "--no-figures"]) == 0
    folder = results / "s" / "report"
    page, html = (folder / "report.md").read_text(), (folder / "report.html").read_text()
    for text in (page, html):
        before, after = text.split("Predicted, not run", 1)
        assert "predicted best" not in before
        assert "predicted best" in after
        assert "Not replayed" in after
        assert "copies weights" in after
        assert "tuneoff run" in after
    assert "](../replay/predicted.svg)" in page
    assert (folder / "../replay/predicted.svg").exists()
    assert html.index('id="predicted"') < html.rindex("<svg")
    assert "random" not in page[: page.index("Predicted, not run")], "what was predicted is no search of the report"


def test_a_study_that_nothing_was_replayed_on_has_no_such_section(results, capsys):
    assert report(["s", "--results", str(results), "--no-figures"]) == 0
    assert "Predicted" not in (results / "s" / "report" / "report.html").read_text()
    capsys.readouterr()


def test_a_damaged_prediction_is_one_message(results, capsys):
    (results / "s" / "replay").mkdir()
    for text in ("{", '{"schema": 2}', '{"schema": 1, "title": "t", "made": "m", "parts": [{"kind": "poem"}]}', "[]"):
        (results / "s" / "replay" / "predicted.json").write_text(text)
        assert report(["s", "--results", str(results), "--no-figures"]) == 2
        error = capsys.readouterr().err
        assert "make it again with tuneoff replay s" in error
        assert error.count("\n") == 1
