"""A study that is judged again and again: who is out, what is open, and at which level."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import synthetic as syn

from tuneoff.records.schema import Cell
from tuneoff.report.curves import Searches
from tuneoff.report.frames import Frames, build_frames
from tuneoff.report.verdicts.looking import Look, look, until
from tuneoff.report.verdicts.pairwise import Rule, judge
from tuneoff.report.verdicts.recommendation import recommend, rule_of

LOOKS = [6, 10, 16]
RULE = Rule(margin=0.01, looks=len(LOOKS))
DECIDING = {"until": "decided", "decide": {"margin": 2.0, "looks": LOOKS, "dollars": None}}


def cells(scores: dict[str, float], repeats: int = 12, noise: float = 0.003, **changes: object) -> list[Cell]:
    rng = np.random.default_rng(0)
    return [
        syn.replace(made, header=syn.replace(made.header, **changes))
        for name, score in scores.items()
        for k in range(repeats)
        for made in [syn.stepwise(name, k, [(60, score + noise * float(rng.normal()))], 3600)]
    ]


def frames_of(made: Sequence[Cell]) -> Frames:
    return next(build_frames(made).blocks())[1]


def seen(made: Sequence[Cell], names: Sequence[str], repeats: int, rule: Rule = RULE) -> Look:
    return look(Searches.of(frames_of(made)), names, repeats, "accuracy", rule)


def test_a_search_that_is_worse_by_more_than_the_margin_is_out() -> None:
    found = seen(cells({"random": 0.75, "grid": 0.75, "default": 0.60}), ["default", "random", "grid"], 10)
    assert found.dropped == ("default",)
    assert found.left == ("random", "grid")
    assert found.decided, "random and grid are equivalent: their spread is a third of the margin"


def test_nothing_is_decided_before_a_test_can_be() -> None:
    """At a third of 5 % one pair takes 7 repeats that all agree: 2^-6 = .0156 < .0167 <= 2^-5."""
    found = seen(cells({"random": 0.75, "grid": 0.60}), ["random", "grid"], 6)
    assert RULE.fewest() == 7
    assert (found.dropped, found.decided) == ((), False)
    assert seen(cells({"random": 0.75, "grid": 0.60}), ["random", "grid"], 7).dropped == ("grid",)


def test_a_look_at_one_search_or_without_a_common_repeat_drops_nobody() -> None:
    assert seen(cells({"random": 0.75}), ["random"], 10).dropped == ()
    late = [*cells({"random": 0.75}), syn.stepwise("grid", 11, [(60, 0.6)], 3600)]
    found = seen(late, ["random", "grid"], 10)
    assert found.dropped == ()


def test_a_look_sees_only_the_repeats_before_it() -> None:
    """From repeat 10 on grid is far better; a look after 10 does not know."""
    made = (
        cells({"random": 0.75})
        + cells({"grid": 0.75}, repeats=10)
        + [syn.stepwise("grid", k, [(60, 0.99)], 3600) for k in (10, 11)]
    )
    assert seen(made, ["random", "grid"], 10).decided
    assert not seen(made, ["random", "grid"], 12).decided


def test_open_pairs_are_of_those_that_are_left() -> None:
    found = seen(cells({"random": 0.75, "grid": 0.752, "default": 0.50}, noise=0.02), ["default", "random", "grid"], 10)
    assert [{v.first, v.second} for v in found.open] == [{"random", "grid"}]


def test_the_level_is_shared_between_the_looks() -> None:
    """Six differences of one sign: p = .03125, which is below .05 and not below a third of it."""
    differences = [0.02, 0.021, 0.022, 0.023, 0.024, 0.025]
    from tests.report.verdicts.test_pairwise import pair

    assert judge([pair(differences)], "accuracy")[0].better == "pbt"
    later = judge([pair(differences)], "accuracy", rule=RULE)[0]
    assert later.better is None
    assert later.difference.high - later.difference.low == pytest.approx(1.40 * 0.00393, rel=0.02), "t at 98.3 %, not at 95 %"


def test_a_report_takes_margin_and_looks_from_the_records() -> None:
    own = frames_of(cells({"random": 0.75, "grid": 0.76}, config=DECIDING))
    assert rule_of(own, "accuracy") == Rule(margin=0.02, looks=3)
    assert rule_of(own, "accuracy", 0.5) == Rule(margin=0.005, looks=3)
    assert rule_of(frames_of(cells({"random": 0.75})), "accuracy") == Rule()


def test_who_is_out_gets_no_more_repeats_and_hides_nobody_elses() -> None:
    made = cells({"random": 0.75, "grid": 0.752}, config=DECIDING) + cells({"default": 0.60}, repeats=8, config=DECIDING)
    found = recommend(Searches.of(frames_of(made)), "accuracy", rule_of(frames_of(made), "accuracy"))
    assert found is not None
    assert (found.repeats, found.missing) == (12, 0)
    assert next(r for r in found.rivals if r.name == "default").worse
    assert found.gain is not None
    assert found.gain.estimate == pytest.approx(0.15, abs=0.01)


def test_a_round_that_was_cut_off_drops_nobody() -> None:
    """grid lacks a repeat that random has, and is as good: it is not called worse."""
    made = cells({"random": 0.75}, config=DECIDING) + cells({"grid": 0.752}, repeats=11, config=DECIDING)
    found = recommend(Searches.of(frames_of(made)), "accuracy", rule_of(frames_of(made), "accuracy"))
    assert found is not None
    assert found.repeats == 11
    assert not found.rivals[0].worse


def exact(name: str, scores: Sequence[float]) -> list[Cell]:
    return [syn.stepwise(name, k, [(60, score)], 3600) for k, score in enumerate(scores)]


def test_the_best_of_a_look_is_the_one_with_the_highest_mean() -> None:
    """grid has the mean 0.77, random 0.768 with the median 0.78. default is below grid by 0.014 each time, and not always below
    random."""
    made = exact("random", [0.78] * 7 + [0.74] * 3) + exact("grid", [0.77] * 10) + exact("default", [0.756] * 10)
    assert seen(made, ["default", "random", "grid"], 10).dropped == ("default",)


def test_the_fewest_repeats_for_a_test_are_enough_to_drop() -> None:
    made = cells({"random": 0.75, "grid": 0.60}, repeats=RULE.fewest())
    assert seen(made, ["random", "grid"], RULE.fewest()).dropped == ("grid",)


def test_a_pair_that_is_better_equivalent_or_one_search_is_not_open() -> None:
    better = exact("grid", [0.75 + d for d in (0.008, 0.01, 0.012, 0.016) * 3]) + exact("bayesopt", [0.75] * 12)
    found = seen(better, ["grid", "bayesopt"], 12)
    assert (found.dropped, found.open) == ((), ()), "better, but neither by more than the margin nor within it"
    apart = exact("random", [0.75] * 4) + [syn.stepwise("grid", k, [(60, 0.75)], 3600) for k in range(4, 8)]
    assert len(seen(apart, ["random", "grid"], 8).open) == 1, "they share nothing, not everything"
    same = [*exact("random", [0.75] * 3), *exact("grid", [0.75] * 3)]
    assert seen(same, ["random", "grid"], 3).decided, "one training run wins all three repeats"
    unlike = [*exact("random", [0.75] * 3), *exact("grid", [0.75, 0.75, 0.76])]
    assert not seen(unlike, ["random", "grid"], 3).decided


def test_searches_until_a_look_have_its_searches_and_repeats_alone() -> None:
    made = Searches.of(frames_of(cells({"random": 0.75, "grid": 0.75, "default": 0.6}, repeats=4)))
    kept = until(made, ["random", "grid"], 2)
    assert {name: sorted(runs) for name, runs in kept.runs.items()} == {"random": [0, 1], "grid": [0, 1]}
    assert sorted(zip(kept.cells["algorithm"], kept.cells["repeat"], strict=True)) == [
        ("grid", 0),
        ("grid", 1),
        ("random", 0),
        ("random", 1),
    ]
