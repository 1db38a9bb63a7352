"""Whom a study recommends and what it says of the others, at the edges of the rule."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

import numpy as np
import pytest
import synthetic as syn

from tests.report.verdicts.test_pairwise import constant
from tests.report.verdicts.test_recommendation import cells, of
from tuneoff.records.schema import Cell
from tuneoff.report.curves import Searches
from tuneoff.report.frames import build_frames
from tuneoff.report.verdicts.pairwise import Rule
from tuneoff.report.verdicts.recommendation import Recommendation, Rival, recommend, rule_of, worse_by_margin


def scored(name: str, scores: Sequence[float], seconds: float | Sequence[float] = 3600.0) -> list[Cell]:
    """A repeat each, with exactly these test scores."""
    ends = [seconds] * len(scores) if isinstance(seconds, float) else seconds
    return [constant(name, k, [(60, 0.5, score)], ends[k]) for k, score in enumerate(scores)]


def searches(made: Sequence[Cell]) -> Searches:
    return Searches.of(next(build_frames(made).blocks())[1])


def with_rule(made: Sequence[Cell], rule: Rule) -> Recommendation:
    found = recommend(searches(made), "accuracy", rule)
    assert found is not None
    return found


def rival(found: Recommendation, name: str) -> Rival:
    return next(r for r in found.rivals if r.name == name)


def deciding(margin: float | None, looks: int) -> dict[str, object]:
    return {"until": "decided", "decide": {"margin": margin, "looks": list(range(looks)), "dollars": None}}


def test_the_rule_of_a_study_is_the_strictest_that_its_cells_were_run_with() -> None:
    made = [
        syn.cell(c.records, syn.replace(c.header, config=deciding(*given) if given else {}))
        for c, given in zip(scored("grid", [0.5] * 4), [None, (None, 2), (2.0, 3), (3.0, 2)], strict=True)
    ]
    frames = build_frames(made)
    assert rule_of(frames, "accuracy") == Rule(margin=0.03, looks=3)
    assert rule_of(frames, "minus_rmse") == Rule(margin=3.0, looks=3), "in the metric's own unit"
    assert rule_of(frames, "accuracy", 0.5) == Rule(margin=0.005, looks=3)


def test_without_a_margin_of_its_own_a_study_has_the_metrics_or_one_that_is_assumed() -> None:
    frames = build_frames(scored("grid", [0.5]))
    assert rule_of(frames, "matthews") == Rule(margin=0.01, assumed=False)
    assert rule_of(frames, "minus_rmse") == Rule(margin=0.01, assumed=True)
    assert rule_of(frames, "minus_rmse", 0.2) == Rule(margin=0.2, assumed=False)


def test_worse_takes_a_test_of_what_is_beyond_the_margin_and_not_the_interval_alone() -> None:
    """Less the margin of .01 the differences are .1 five times or more, and -.001: p = 2 (1 + 1) / 2^6 = 1/16. The interval of
    the six is .095 +- 2.571 x .042 / sqrt(6), above .05."""
    made = searches(scored("grid", [0.61, 0.61, 0.61, 0.61, 0.62, 0.509]) + scored("random", [0.5] * 6))
    assert worse_by_margin(made, ["grid", "random"], "grid", "accuracy") == set()
    shown = searches(scored("grid", [0.61, 0.61, 0.61, 0.61, 0.62, 0.511]) + scored("random", [0.5] * 6))
    assert worse_by_margin(shown, ["grid", "random"], "grid", "accuracy") == {"random"}, "1/32"


def test_worse_takes_an_interval_beyond_the_margin_and_not_the_test_alone() -> None:
    """Five of six differences are .02, one is .2: .05 +- 2.571 x .0735 / sqrt(6), from below 0."""
    made = searches(scored("grid", [0.52, 0.521, 0.522, 0.523, 0.524, 0.7]) + scored("random", [0.5] * 6))
    assert worse_by_margin(made, ["grid", "random"], "grid", "accuracy") == set()


def test_each_search_is_taken_at_its_full_cost() -> None:
    """bayesopt is ahead only after twice what random costs."""
    late = [constant("bayesopt", k, [(60, 0.5, 0.55), (7000, 0.6, 0.75 + k / 1000)], 7200) for k in range(8)]
    found = of(scored("random", [0.70] * 8) + late)
    assert found.name == "bayesopt"
    assert rival(found, "random").worse
    assert rival(found, "random").lead.estimate == pytest.approx(-0.05 - fmean(range(8)) / 1000)


def test_dollars_and_minutes_are_means_over_the_repeats() -> None:
    seconds = [3600.0, 3600.0, 3600.0, 3600.0, 3600.0, 36000.0]
    found = of(scored("random", [0.5] * 6, seconds) + scored("grid", [0.7 + k / 1000 for k in range(6)], seconds[::-1]))
    assert found.name == "grid"
    assert found.minutes == pytest.approx(150)
    assert found.dollars == pytest.approx(2.5 * 3.06)
    assert rival(found, "random").dollars == pytest.approx(2.5 * 3.06)


@pytest.mark.parametrize(("looks", "repeats"), [(1, 8), (2, 12)])
def test_only_a_study_with_several_looks_goes_on_without_those_that_are_out(looks: int, repeats: int) -> None:
    made = cells({"random": 0.75, "grid": 0.751}, repeats=12) + cells(
        {"default": 0.60}, repeats=8, seconds={"default": 36000.0}
    )
    found = with_rule(made, Rule(looks=looks))
    assert found.repeats == repeats
    assert rival(found, "default").worse
    assert rival(found, "default").dollars == pytest.approx(10 * 3.06)
    assert found.gain is not None
    assert set(found.means) == ({"random", "grid"} if looks > 1 else {"random", "grid", "default"})
    assert "considered" not in found.sentence


def test_the_dollars_of_a_search_that_is_out_are_the_mean_of_the_repeats_that_it_had() -> None:
    seconds = [3600.0] * 8 + [36000.0]
    made = cells({"random": 0.75, "grid": 0.751}, repeats=12) + scored("default", [0.5] * 9, seconds)
    assert rival(with_rule(made, Rule(looks=2)), "default").dollars == pytest.approx(2 * 3.06)


def test_replicas_alone_are_compared_after_all() -> None:
    found = of(cells({"pbt_2020": 0.75}))
    assert found.name == "pbt_2020"
    assert "considered" not in found.sentence


def with_predictions(name: str, wrong: int, seconds: float) -> list[Cell]:
    """Wrong on the first so many of 50 rows that are all of class 0, in each of eight repeats."""
    predictions = [1] * wrong + [0] * (50 - wrong)
    test = syn.score(1 - wrong / 50, 50, predictions=predictions)
    records = [syn.start(devices=1), syn.evaluation("t0", 1, 0.7, 60, test=test), syn.end(elapsed=seconds)]
    return [syn.cell(records, algorithm=name, repeat=k) for k in range(8)]


def test_the_chance_of_the_test_rows_is_allowed_for_where_predictions_are_recorded() -> None:
    """The repeats agree, but 3 of 50 rows decide: var = .06 x .94 x 50 / 49 / 50 = .00115, 1.96 sds are 6.65 points. The other
    one is above by less than the margin of 1 point with the chance Phi((.01 - .06) / .0339) = .070."""
    found = of(with_predictions("random", 10, 3600) + with_predictions("bayesopt", 7, 7200))
    assert found.name == "random"
    lead = rival(found, "bayesopt").lead
    assert (lead.estimate, lead.high - lead.estimate) == (pytest.approx(0.06), pytest.approx(0.0665, abs=2e-4))
    assert found.sure == pytest.approx(0.070, abs=0.01)
    by_f1 = recommend(searches(with_predictions("random", 10, 3600) + with_predictions("bayesopt", 7, 7200)), "f1", Rule())
    assert by_f1 is not None
    assert by_f1.name == "bayesopt", "F1 is no mean over rows: its repeats alone count"


@pytest.mark.parametrize(("dearer", "chosen"), [(3960.0, "random"), (4000.0, "grid")])
def test_up_to_a_tenth_dearer_is_as_cheap(dearer: float, chosen: str) -> None:
    """random is the simpler one of equally cheap ones."""
    made = cells({"random": 0.750, "grid": 0.751}, seconds={"random": dearer, "grid": 3600.0})
    assert of(made).name == chosen


def test_exactly_the_margin_below_is_near_enough() -> None:
    assert of(scored("random", [0.74] * 8) + scored("grid", [0.75] * 8)).name == "random"
    assert of(scored("random", [0.7399, 0.7401] * 3 + [0.7399] * 2) + scored("grid", [0.75] * 8)).name == "grid"


@pytest.mark.parametrize(
    ("grid", "bayesopt", "price"),
    [
        (7200.0, 7200.0, "it is clearly the cheapest of them"),
        (3600.0, 7200.0, "none of them costs clearly less"),
        (3960.0, 7200.0, "none of them costs clearly less"),
    ],
)
def test_the_cheapest_is_clearly_so_where_all_others_cost_more_than_a_tenth_more(
    grid: float, bayesopt: float, price: str
) -> None:
    seconds = {"random": 3600.0, "grid": grid, "bayesopt": bayesopt}
    found = of(cells({"random": 0.75, "grid": 0.7501, "bayesopt": 0.7502}, seconds=seconds))
    assert found.name == "random"
    assert f" by more than 1 point, and {price}." in found.sentence


def test_a_search_that_is_behind_is_not_said_to_have_scored_higher() -> None:
    found = of(cells({"random": 0.75, "bayesopt": 0.745}, seconds={"random": 1800}, noise=5))
    lead = rival(found, "bayesopt").lead
    assert lead.estimate < 0.01 < lead.high
    assert "scored" not in found.sentence
    small = of(cells({"random": 0.75, "bayesopt": 0.752}, seconds={"random": 1800}))
    assert 0 < rival(small, "bayesopt").lead.estimate < rival(small, "bayesopt").lead.high < 0.01
    assert "scored" not in small.sentence


def test_before_a_recommendation_the_gap_to_the_last_one_is_given() -> None:
    found = of(scored("random", [0.70] * 2) + scored("grid", [0.705] * 2) + scored("bayesopt", [0.60] * 2))
    assert found.sentence.endswith("So far grid is ahead; of bayesopt by 10.5 points (70.5 % against 60.0 %).")


def with_constant(made: Sequence[Cell], value: float) -> list[Cell]:
    parts = {name: {"constant_scores": {"accuracy": value}} for name in ("validation", "test")}
    return [syn.replace(c, header=syn.replace(c.header, data={**c.header.data, "parts": parts})) for c in made]


@pytest.mark.parametrize(
    ("scores", "notes"),
    [
        ((0.60, 0.50, 0.50), ()),
        ((0.60, 0.50, 0.45), ("grid does not beat the best constant answer (45.0 %).",)),
        ((0.60, 0.45, 0.40), ("grid and bayesopt do not beat the best constant answer (45.0 %).",)),
        ((0.60, 0.455, 0.455), ()),
        (
            (0.45, 0.30, 0.30),
            (
                "random does not beat the best constant answer (45.0 %): nothing was learned, so no search is worth its money "
                "yet.",
            ),
        ),
    ],
)
def test_those_that_do_not_beat_the_best_constant_answer_are_named(scores: tuple[float, ...], notes: tuple[str, ...]) -> None:
    made = [c for name, s in zip(("random", "bayesopt", "grid"), scores, strict=True) for c in scored(name, [s] * 6)]
    found = of(with_constant(made, 0.45))
    assert found.name == "random"
    assert {note.replace("bayesopt and grid", "grid and bayesopt") for note in found.notes} == set(notes)


def test_the_recommended_searchs_winners_that_collapsed_are_counted_and_nobody_elses() -> None:
    def collapsed(made: Cell) -> Cell:
        one = made.evaluations[0]
        return syn.replace(
            made,
            records=tuple(
                syn.replace(r, validation=syn.score(0.5, 138, collapsed=True)) if r is one else r for r in made.records
            ),
        )

    good, bad = scored("random", [0.7] * 6), scored("grid", [0.5 + k / 1000 for k in range(6)])
    assert of(good + [collapsed(c) for c in bad]).notes == ()
    assert of([collapsed(c) for c in good[:2]] + good[2:] + bad).notes == (
        "The winner of random gives every row the same answer in 2 of 6 repeats: nothing was learned there.",
    )


def test_a_mean_is_not_a_median() -> None:
    """One repeat in which random found nothing."""
    found = of(scored("random", [0.80] * 5 + [0.0]) + scored("grid", [0.75] * 6))
    assert next(iter(found.means)) == "grid"
    assert found.means["random"] == pytest.approx(4 / 6)
    assert np.isfinite(found.sure)


def test_who_is_out_is_judged_by_the_best_of_those_that_went_on() -> None:
    """default has 8 of 12 repeats and is within the margin of grid, whatever is above: random's median, or bayesopt with 9."""
    others = scored("random", [0.80] * 11 + [0.0]) + scored("grid", [0.75] * 12)
    found = with_rule([*others, *scored("default", [0.745] * 8)], Rule(looks=2))
    assert found.repeats == 8
    found = with_rule([*others, *scored("default", [0.745] * 8), *scored("bayesopt", [0.9] * 9)], Rule(looks=2))
    assert found.repeats == 8


def test_without_a_test_score_nobody_is_out_and_nothing_is_recommended() -> None:
    untested = [
        syn.cell([syn.start(), syn.evaluation("a", 1, 0.7, 100), syn.end(elapsed=120)], algorithm=name, repeat=k)
        for name, repeats in (("random", 3), ("grid", 2))
        for k in range(repeats)
    ]
    assert recommend(searches(untested), "accuracy", Rule(looks=2)) is None


def test_a_lead_of_nothing_or_of_the_margin_itself_is_not_said() -> None:
    level = of(scored("random", [0.6875] * 8, 1800.0) + scored("bayesopt", [0.75, 0.625] * 4))
    assert (rival(level, "bayesopt").lead.estimate, level.name) == (0.0, "random")
    assert "scored" not in level.sentence
    quarter = of(scored("random", [0.5] * 8, 1800.0) + scored("bayesopt", [0.75] * 8), margin=0.25)
    assert (rival(quarter, "bayesopt").lead.high, quarter.name) == (0.25, "random")
    assert "scored" not in quarter.sentence
