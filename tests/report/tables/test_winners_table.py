"""What each search found: a row a search on the page, a row a repeat in the file of numbers."""

from __future__ import annotations

import pytest
import synthetic as syn

from tuneoff.report.frames import build_frames
from tuneoff.report.tables.winners import table


def made(*cells):  # type: ignore[no-untyped-def]
    return table(*next(build_frames(cells).blocks()))


def test_the_best_repeat_of_each_search_is_shown_and_every_repeat_is_in_the_numbers() -> None:
    weak, strong = syn.search("random", 0, quality=0.6), syn.search("random", 1, quality=0.9)
    found = made(weak, strong, syn.search("default", 0, quality=0.5))
    assert found.columns == (
        *("Algorithm", "Repeat", "Val acc.", "Test acc.", "learning_rate", "batch_size", "weight_decay", "Changes"),
    )
    rows = {row[0]: dict(zip(found.columns, row, strict=True)) for row in found.rows}
    assert list(rows) == ["default", "random"]
    best = max(strong.evaluations, key=lambda e: e.validation.metrics["accuracy"])
    assert rows["random"]["Repeat"] == "1 (2 repeats)"
    assert rows["random"]["learning_rate"] == f"{best.hparams['learning_rate']:.4g}"
    assert rows["random"]["Changes"] == "0"
    assert len(found.numbers) == 3
    numbers = found.numbers.set_index(["algorithm", "repeat"])
    assert numbers.loc[("random", 1), "learning_rate"] == best.hparams["learning_rate"], "unrounded"
    assert numbers.loc[("random", 0), "winner_command"].startswith("tuneoff run algorithm=default ")


def test_a_population_says_that_its_winner_changed_on_the_way() -> None:
    copied = syn.evaluation("b", 2, 0.9, 20.0, parent_trial_id="a", parent_evaluation=1, hparams={"learning_rate": 2e-5})
    first = syn.evaluation("a", 1, 0.7, 10.0, hparams={"learning_rate": 1e-5})
    found = made(syn.cell([syn.start(), first, copied, syn.end()], algorithm="pbt"))
    assert found.rows[0][-2:] == ("2e-05", "1")
    assert any("winner.yaml has the schedule" in note for note in found.notes)
    assert "algorithm=pbt_replay" in found.numbers.loc[0, "winner_command"]


def test_only_hyperparameters_that_were_searched_are_shown() -> None:
    space = {"learning_rate": {"type": "float", "low": 1e-5, "high": 1e-4}, "batch_size": None}
    found = made(syn.search("random", 0, quality=0.7, space=space))
    assert found.columns[4:] == ("learning_rate", "Changes")


@pytest.mark.parametrize("cells", [[syn.search("random", 0, quality=0.7, status="running")], [syn.cell([syn.start()])]])
def test_nothing_finished_no_table(cells) -> None:  # type: ignore[no-untyped-def]
    assert made(*cells) is None
