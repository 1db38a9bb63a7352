"""The verdict in words: ties are ties, gaps are given in figures, collapsed winners are named."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import synthetic as syn

from tuneoff.records.schema import Cell
from tuneoff.report.frames import build_frames
from tuneoff.report.tables.budget import table as budget_table
from tuneoff.report.tables.choice import table as choice_table
from tuneoff.report.verdicts.findings import find
from tuneoff.report.verdicts.headline import headline


def words(cells: Sequence[Cell]) -> str:
    block, frames = next(build_frames(cells).blocks())
    return " ".join(headline(block, frames, find(block, frames)))


def runs(scores: dict[str, float], repeats: int = 2, ended: float = 3600.0) -> list[Cell]:
    """Test scores are 5 points below."""
    return [syn.stepwise(name, k, [(60, score + k / 1000)], ended) for name, score in scores.items() for k in range(repeats)]


def test_the_budget_table_calls_a_tie_a_tie_and_still_says_whom_the_tied_beat() -> None:
    block, frames = next(build_frames(runs({"random": 0.70, "bayesopt": 0.70, "grid": 0.60}, repeats=8)).blocks())
    table = budget_table(block, frames)
    assert table is not None
    last = table.numbers.iloc[-1]
    assert last["leader"] == "random and bayesopt"
    assert last["evidence"] == "tied; random is better than grid; bayesopt is better than grid"


def test_the_choice_table_names_all_that_are_most_probably_the_best() -> None:
    block, frames = next(build_frames(runs({"random": 0.70, "bayesopt": 0.70, "grid": 0.60}, repeats=4)).blocks())
    table = choice_table(block, frames)
    assert table is not None
    assert table.rows[0][1] == "no difference shown: random and bayesopt"


def test_too_few_repeats_leave_the_gap_in_plain_figures() -> None:
    cells = runs({"default": 0.60, "random": 0.70, "grid": 0.66}, repeats=3)
    said = words(cells)
    assert "Whether tuning is worth it is open: no search is shown to beat the untuned default." in said
    assert "The largest gap is that of random: 65.1 % against 55.1 %, 10.0 points [10.0, 10.0] (3 repeats; at least" in said
    block, frames = next(build_frames(cells).blocks())
    pair = next(v for v in find(block, frames).verdicts if {v.first, v.second} == {"random", "grid"})
    assert "undecided: 65.1 % against 61.1 %, 4.0 points" in pair.sentence
    assert "random is ahead in all 3 repeats; a paired signed-rank test" in pair.sentence


def test_a_single_run_has_its_gap_in_plain_figures_too() -> None:
    assert "The largest gap is that of random: 65.0 % against 55.0 %, 10.0 points (1 repeat;" in words(
        runs({"default": 0.60, "random": 0.70}, repeats=1)
    )


def test_a_default_ahead_of_every_search_is_no_gap_in_favour_of_tuning() -> None:
    said = words(runs({"default": 0.70, "random": 0.60}, repeats=3))
    assert "Whether tuning is worth it is open" in said
    assert "largest gap" not in said


def test_collapsed_winners_are_named_with_the_repeats() -> None:
    gone = syn.score(0.5, syn.N_VALIDATION, collapsed=True)
    cells = runs({"random": 0.45, "grid": 0.70})
    first = syn.replace(syn.evaluation("t9", 1, 0.99, 70, test=0.5), validation=syn.replace(gone, metrics={"accuracy": 0.99}))
    cells[0] = syn.replace(cells[0], records=(*cells[0].records[:-1], first, cells[0].records[-1]))
    said = words(cells)
    assert (
        "Collapsed: the winner of random (in 1 of 2 repeats) gives every row the same answer, so nothing was learned there."
        in said
    )
    assert "Collapsed" not in words(runs({"random": 0.45, "grid": 0.70}))


@pytest.mark.parametrize(
    ("metric", "words_there"),
    [
        ("accuracy", "Always answering the most frequent class scores 75.0 % on validation and 60.0 % on test."),
        ("f1", "The best constant answer has f1 40.0 % on validation and 57.1 % on test."),
        ("macro_f1", "The best constant answer has macro_f1 42.9 % on validation and 37.5 % on test."),
        ("matthews", "The best constant answer has matthews 0.000 on validation and 0.000 on test."),
    ],
)
def test_every_metric_has_its_trivial_baseline(metric: str, words_there: str) -> None:
    """Counts 75:25 and 60:40; F1 of class 1: 2 x .25 / 1.25 = .4, 2 x .4 / 1.4; macro: half of 2 x .75 / 1.75, 2 x .6 / 1.6."""
    from tuneoff.report.tables.results import table

    parts = {
        "validation": {"label_counts": [75, 25], "majority_rate": 0.75},
        "test": {"label_counts": [60, 40], "majority_rate": 0.6},
    }
    score = syn.Score(metrics={metric: 0.5}, loss=1.0, n_examples=10, predicted_counts=(5, 5))
    evaluation = syn.replace(syn.evaluation("a", 1, 0.5, 10), validation=score, test=score)
    cell = syn.cell(
        [syn.start(), evaluation, syn.end()], metric=metric, data={"n_train": 10, "labels": ["a", "b"], "parts": parts}
    )
    assert words_there in table(*next(build_frames([cell]).blocks())).notes


def test_constant_scores_that_a_header_has_are_taken_as_they_are() -> None:
    from tuneoff.report.tables.results import table

    parts = {name: {"constant_scores": {"accuracy": 0.123}} for name in ("validation", "test")}
    cell = syn.cell([syn.start(), syn.evaluation("a", 1, 0.5, 10), syn.end()], data={"n_train": 10, "parts": parts})
    assert any("12.3 % on validation" in note for note in table(*next(build_frames([cell]).blocks())).notes)
