"""python -m benchmarks.report A B --together: several made-up tasks whose order of searches is known."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import synthetic as syn

from tuneoff.commands.report import main
from tuneoff.report.page.together import sentences, tables_of
from tuneoff.report.together import Together, together

Scores = Mapping[str, float]


def task(
    results: Path,
    name: str,
    scores: Scores,
    *,
    study: str = "",
    repeats: int = 5,
    rows: str = "",
    spread: float = 0.001,
    metric: str = "accuracy",
) -> Path:
    """A study of one task: a search reaches its test score at 100 s, the default at once."""
    for algorithm, score in scores.items():
        for repeat in range(repeats):
            value = score + 0.05 + spread * ((7 * repeat + len(algorithm)) % 5 - 2)
            made = syn.stepwise(algorithm, repeat, [(10 if algorithm == "default" else 100, value)], 200)
            head = {**made.header.data, "source_rows": {"train": rows or name}}
            cell = syn.cell(made.records, made.header, task=name, study=study or name, data=head)
            syn.write(results, cell if metric == "accuracy" else syn.measured_by(cell, metric, lambda score: score))
    return results / (study or name)


FOUR = {
    "a": {"default": 0.60, "grid": 0.70, "random": 0.66},
    "b": {"default": 0.60, "grid": 0.75, "random": 0.70},
    "c": {"default": 0.60, "grid": 0.65, "random": 0.62},
    "d": {"default": 0.60, "grid": 0.68, "random": 0.64},
}


def four(results: Path) -> Together:
    return together([task(results, name, scores) for name, scores in FOUR.items()])


def test_a_search_that_leads_on_four_tasks_is_better_on_average_over_tasks(tmp_path: Path) -> None:
    made = four(tmp_path)
    assert made.names == ("grid", "random")
    assert (made.ranks["grid"].estimate, made.ranks["random"].estimate) == (1, 2)
    assert made.pairs is not None
    pair = made.pairs[0]
    assert (pair.first, pair.second, pair.better) == ("grid", "random", True)
    assert pair.over.interval.estimate == pytest.approx(0.04, abs=0.003)
    assert pair.over.tasks == 4
    said = sentences(made)
    assert said[0] == "Over 4 tasks, grid has the best mean rank, 1.00 [1.00, 1.00] of 2 searches."
    assert "grid is better than random by 4.0 points" in said[1]
    assert "of which these 4 are a fair sample" in said[2]


def test_searches_whose_order_depends_on_the_task_are_not_called_better(tmp_path: Path) -> None:
    swapped = {"grid": 0.66, "random": 0.70}
    made = together([task(tmp_path, n, FOUR[n] | (swapped if n == "b" else {})) for n in FOUR])
    assert made.pairs is not None
    assert not any(pair.better for pair in made.pairs)
    assert "No search is shown to be better than another on average over tasks" in sentences(made)[1]
    assert made.pairs[0].over.between_sd > made.pairs[0].over.interval.estimate


def test_two_tasks_say_nothing_about_a_third(tmp_path: Path) -> None:
    made = together([task(tmp_path, name, FOUR[name]) for name in "ab"])
    said = " ".join(sentences(made))
    assert "No search is called better than another over so few tasks" in said
    assert "Two tasks say nothing about another one" in said
    assert "pairs" not in tables_of(made)


def test_the_same_rows_in_two_studies_are_one_task(tmp_path: Path) -> None:
    made = together([task(tmp_path, "a", FOUR["a"], study=study, rows="same") for study in ("s1", "s2")])
    assert made.tasks == 1
    assert sentences(made)[0].startswith("Over 1 task in 2 blocks of model and study")


def test_the_profile_counts_how_often_a_search_was_nearly_the_cheapest(tmp_path: Path) -> None:
    """Both searches reach the default's score at 100 s, but random on task c never does."""
    made = together([task(tmp_path, n, FOUR[n] | ({"random": 0.5} if n == "c" else {})) for n in "abcd"])
    assert made.profile is not None
    assert (made.profiled, made.profiled_tasks) == (4, 4)
    assert made.profile["grid"][0].estimate == 1
    assert {one.estimate for one in made.profile["random"]} == {0.75}


def test_what_can_t_be_joined_is_said(tmp_path: Path) -> None:
    studies = [task(tmp_path, "a", FOUR["a"]), task(tmp_path, "b", FOUR["b"] | {"pbt": 0.7}, repeats=1)]
    said = " ".join(sentences(together(studies)))
    assert "Left out, because not every task has it: pbt." in said
    assert "One common repeat only, whose chance is in no interval: b with bert-base, study b." in said


def test_the_command_writes_a_page_a_figure_and_the_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, scores in FOUR.items():
        task(tmp_path, name, scores)
    assert main([*FOUR, "--together", "--results", str(tmp_path)]) == 0
    folder = tmp_path / "together" / "a+b+c+d"
    names = {path.name for path in folder.iterdir()}
    assert names == {
        *("together.md", "together.html", "together.svg", "together.png"),
        *("parts.csv", "ranks.csv", "profile.csv", "pairs.csv"),
    }
    page = (folder / "together.md").read_text()
    assert page in capsys.readouterr().out
    assert "| grid over random |" in page
    html = (folder / "together.html").read_text()
    assert '<figure><svg role="img" aria-label="Left: mean rank' in html
    assert "//" not in html.replace("http://www.w3.org", ""), "it loads nothing"
    assert main(["--results", str(tmp_path)]) == 0, "its folder is no study"


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ({"a": FOUR["a"]}, "--together needs two tasks or models or more, but a has 1 with finished cells"),
        ({"a": FOUR["a"], "b": {"pbt": 0.7, "default": 0.6}}, "searches that all tasks have, but there is none"),
        ({"a": FOUR["a"], "b": {"grid": 0.7}}, "searches that all tasks have, but there is only one"),
    ],
)
def test_studies_that_have_nothing_in_common_are_refused(
    scores: Mapping[str, Scores], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, own in scores.items():
        task(tmp_path, name, own)
    assert main([*scores, "--together", "--results", str(tmp_path)]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(("metric", "common"), [("matthews", True), ("minus_rmse", False)])
def test_errors_of_two_tasks_are_in_two_units_and_correlations_in_one(tmp_path: Path, metric: str, common: bool) -> None:
    made = together([task(tmp_path, name, scores, metric=metric) for name, scores in FOUR.items()])
    assert (made.pairs is not None) == common
    said = " ".join(sentences(made))
    assert ("grid is better than random by 0.040 [" in said) == common
    assert ("no common unit" in said) != common
    assert "points" not in said
