"""What to do: the cheapest of those not shown to be worse by more than the margin, and what is missing before."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import synthetic as syn

from tuneoff.records.schema import Cell
from tuneoff.report.algorithms import Algorithms, machinery_of
from tuneoff.report.curves import Searches
from tuneoff.report.frames import build_frames
from tuneoff.report.verdicts.pairwise import Rule
from tuneoff.report.verdicts.recommendation import Recommendation, recommend

NOISE = (0.0, 0.004, -0.003, 0.002, -0.004, 0.001, 0.003, -0.002)


def cells(
    scores: dict[str, float], repeats: int = 8, seconds: dict[str, float] | None = None, noise: float = 1.0
) -> list[Cell]:
    """Test scores are 5 points below; each search has its noise in another order, so that differences have a spread."""
    made = []
    for i, (name, score) in enumerate(scores.items()):
        for k in range(repeats):
            value = score + noise * NOISE[(k + 3 * i) % len(NOISE)]
            made.append(syn.stepwise(name, k, [(60, value)], (seconds or {}).get(name, 3600.0)))
    return made


def of(made: Sequence[Cell], margin: float = 0.01) -> Recommendation:
    block, frames = next(build_frames(made).blocks())
    found = recommend(Searches.of(frames), block.metric, Rule(margin=margin))
    assert found is not None
    return found


def test_the_cheapest_of_equal_quality_is_recommended() -> None:
    found = of(cells({"default": 0.60, "random": 0.75, "bayesopt": 0.752}, seconds={"default": 60, "random": 1800}))
    assert (found.name, found.missing) == ("random", 0)
    assert found.sentence == (
        "Use random (over 99 % sure). bayesopt is not shown to be better or worse by more than 1 point, and it is clearly the "
        "cheapest of them."
    )
    assert found.gain is not None
    assert found.gain.estimate == pytest.approx(0.15, abs=0.002)
    assert next(r for r in found.rivals if r.name == "default").worse
    assert not next(r for r in found.rivals if r.name == "bayesopt").worse
    assert found.sure > 0.99


def test_a_dearer_one_is_recommended_where_the_others_are_shown_to_be_worse() -> None:
    found = of(cells({"default": 0.60, "random": 0.70, "bayesopt": 0.75}, seconds={"bayesopt": 7200}))
    assert found.name == "bayesopt"
    assert found.sentence == "Use bayesopt: every other search here is shown to be worse by more than 1 point."


def test_worse_by_less_than_the_margin_is_good_enough() -> None:
    """3 points apart: worse at a margin of 1, not at a margin of 5."""
    made = cells({"random": 0.72, "bayesopt": 0.75}, seconds={"random": 1800})
    assert of(made).name == "bayesopt"
    assert of(made, margin=0.05).name == "random"
    assert "by more than 5 points" in of(made, margin=0.05).sentence


def test_of_equally_cheap_ones_the_simplest_near_the_best() -> None:
    near = of(cells({"random": 0.745, "bayesopt": 0.75}))
    assert near.name == "random"
    assert near.sentence.endswith("by more than 1 point, and none of them costs clearly less.")
    far = of(cells({"random": 0.735, "bayesopt": 0.75}, noise=6))
    assert far.name == "bayesopt", "not shown to be worse, but more than the margin below at the same price"


def test_an_untuned_default_that_is_as_good_is_kept() -> None:
    found = of(cells({"default": 0.75, "random": 0.752}, seconds={"default": 300}))
    assert found.sentence.startswith(
        "Keep the untuned default (over 99 % sure). random is not shown to be better or worse by more than 1 point"
    )
    assert found.gain is None


def test_a_search_that_is_chosen_over_an_equally_dear_default_is_chosen_for_its_mean_and_that_is_said() -> None:
    found = of(cells({"default": 0.70, "random": 0.72}, noise=8))
    assert found.name == "random"
    assert not found.rivals[0].worse
    assert " The untuned default costs as much here, so random is chosen for its higher mean alone, by 2.0 points [" in (
        found.sentence
    )


def test_a_default_that_is_the_best_of_several_trainings_is_said_to_be() -> None:
    def trained(times: int) -> list[Cell]:
        steps = [(60.0 * (i + 1), 0.7) for i in range(3)]
        return [
            syn.stepwise(name, k, steps[: times if name == "default" else 3], 600.0)
            for name in ("default", "random")
            for k in range(8)
        ]

    said = "default is the best on validation of 3 trainings with the same hyperparameters and other seeds"
    assert any(note.startswith(said) for note in of(trained(3)).notes)
    assert not any("trainings" in note for note in of(trained(1)).notes)


def test_too_few_repeats_recommend_nothing_and_still_give_the_gap() -> None:
    found = of(cells({"random": 0.98, "grid": 0.19}, repeats=3, noise=0))
    assert found.missing == 3
    assert found.sentence == (
        "No recommendation yet: 3 repeats of every search, and 6 are needed for a test: run 3 more repeats. So far random is "
        "ahead; of grid by 79.0 points (93.0 % against 14.0 %)."
    )
    assert np.isnan(found.sure)


def test_level_searches_are_called_level() -> None:
    assert (
        "So far random and grid are level, at 65.0 %." in of(cells({"random": 0.70, "grid": 0.70}, repeats=2, noise=0)).sentence
    )


def test_a_possible_lead_is_not_hidden() -> None:
    found = of(cells({"random": 0.745, "bayesopt": 0.75}, seconds={"random": 1800}, noise=5))
    assert found.name == "random"
    lead = next(r.lead for r in found.rivals if r.name == "bayesopt")
    assert lead.high > 0.01
    assert f" bayesopt scored {100 * lead.estimate:.1f} points [" in found.sentence
    assert found.sentence.endswith(" higher, for $3.06 against $1.53 a search.")
    assert found.sure < 0.9


def test_of_several_possible_leads_the_largest_is_named() -> None:
    found = of(cells({"random": 0.745, "hyperopt": 0.747, "bayesopt": 0.752, "grid": 0.746}, seconds={"random": 1800}, noise=5))
    assert found.name == "random"
    largest = max(found.rivals, key=lambda r: r.lead.estimate)
    assert f" {largest.name} scored " in found.sentence
    assert largest.lead.estimate > min(r.lead.estimate for r in found.rivals) + 0.003


def test_a_replica_of_a_published_defect_is_not_considered_and_that_is_said() -> None:
    found = of(cells({"random": 0.70, "pbt": 0.75, "pbt_2020": 0.80}))
    assert found.name == "pbt"
    assert found.sentence.endswith(" pbt_2020 repeats a published defect, and is not considered.")


def test_a_search_below_the_constant_answer_is_said_first() -> None:
    parts = {name: {"constant_scores": {"accuracy": 0.9}} for name in ("validation", "test")}
    made = [
        syn.replace(c, header=syn.replace(c.header, data={**c.header.data, "parts": parts}))
        for c in cells({"random": 0.75, "grid": 0.60})
    ]
    assert of(made).notes == (
        "random does not beat the best constant answer (90.0 %): nothing was learned, so no search is worth its money yet.",
    )


def test_nothing_to_compare() -> None:
    alone = "has finished, tested runs: there is nothing to compare it with. Run its command again with"
    for repeats in (1, 8):
        assert of(cells({"grid": 0.7}, repeats=repeats)).sentence == (
            f"Only grid {alone} `-m algorithm=default,grid 'repeat=range(6)'`; what is done is kept."
        )
    assert "`-m algorithm=default,random 'repeat=range(6)'`" in of(cells({"default": 0.7})).sentence
    records = [syn.start(), syn.evaluation("a", 1, 0.7, 100), syn.end(elapsed=120)]
    _, frames = next(build_frames([syn.cell(records)]).blocks())
    assert recommend(Searches.of(frames), "accuracy") is None


@pytest.mark.parametrize(
    ("searcher", "scheduler", "machinery"),
    [
        ("random", "none", 0),
        ("random", "asha", 1),
        ("gp", "none", 1),
        ("tpe", "asha", 2),
        ("random", "pbt", 2),
        ("mine", "x", 2),
    ],
)
def test_machinery_counts_learning_stopping_and_copying(searcher: str, scheduler: str, machinery: int) -> None:
    assert machinery_of({"searcher": {"name": searcher}, "scheduler": {"name": scheduler}}) == machinery
    assert machinery_of(None) == 0


def test_the_simplest_comes_first() -> None:
    known = Algorithms.of_names(["pbt", "hyperopt", "random", "default", "grid"])
    assert known.simplest_first(["pbt", "random", "default", "grid"])[:2] == ["default", "random"]


def test_a_search_that_wins_with_what_random_search_found_says_so() -> None:
    """The two share trial, hyperparameters, score and predictions in the repeats in which their noise is the same."""
    made = cells({"default": 0.60, "random": 0.75}, noise=0) + [
        syn.stepwise("bayesopt", k, [(60, 0.75 if k < 5 else 0.79)], 3600) for k in range(8)
    ]
    found = of(made)
    assert found.name == "bayesopt"
    assert found.notes == (
        "In 5 of 8 repeats bayesopt found the very training run that random found: there the two are one search.",
    )


def test_what_a_run_said_of_its_data_is_said_first() -> None:
    cut = {"cautions": ["truncated: 40 % of test (40 of 100 rows) are longer than model.max_length=64 word pieces"]}
    made = [
        syn.replace(c, header=syn.replace(c.header, data={**c.header.data, **cut}))
        for c in cells({"random": 0.75, "grid": 0.6})
    ]
    assert of(made).notes == tuple(cut["cautions"])
