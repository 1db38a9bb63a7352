"""Verdicts that hold: mirrored, blind to names and order, quiet under the null."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import synthetic as syn
from hypothesis import given, settings
from hypothesis import strategies as st

from tuneoff.records.schema import Cell
from tuneoff.report.frames import build_frames
from tuneoff.report.statistics.comparison import mcnemar
from tuneoff.report.statistics.crossed import RowSquares
from tuneoff.report.verdicts.findings import Findings, find
from tuneoff.report.verdicts.pairwise import Pair, Rule, Verdict, judge
from tuneoff.report.verdicts.single_runs import PUBLISHED, SingleRun, judge_single_runs, most_disagreements

scores = st.lists(
    st.tuples(st.sampled_from([0.6, 0.62, 0.65, 0.7]), st.sampled_from([0.6, 0.63, 0.66, 0.69])), min_size=2, max_size=9
)


def pair(differences: Sequence[float], first: str = "pbt", second: str = "grid", **changes: float) -> Pair:
    return Pair(
        first=first,
        second=second,
        first_scores=tuple(0.7 + d for d in differences),
        second_scores=(0.7,) * len(differences),
        **changes,
    )  # type: ignore[arg-type]


def only(made: Pair) -> Verdict:
    return judge([made], "accuracy")[0]


def findings(cells: Sequence[Cell]) -> Findings:
    block, frames = next(build_frames(cells).blocks())
    return find(block, frames)


def test_a_clear_difference_is_said_with_its_size_interval_and_evidence() -> None:
    rng = np.random.default_rng(0)
    verdict = only(pair(list(0.018 + rng.normal(0, 0.02, 20))))
    assert verdict.better == "pbt"
    low, high = 100 * verdict.difference.low, 100 * verdict.difference.high
    assert verdict.sentence.startswith(
        f"pbt is better than grid by {100 * verdict.difference.estimate:.1f} points "
        f"[{low:.1f}, {high:.1f}], 20 paired repeats, p = "
    )


def test_a_low_p_alone_makes_nobody_better() -> None:
    """Eleven small gains and one large loss: the signed-rank test rejects, but the interval of the mean has 0 in it."""
    verdict = only(pair([*(0.01 + k / 10_000 for k in range(11)), -0.05]))
    assert verdict.p == pytest.approx(0.0342, abs=1e-4)
    assert verdict.difference.low < 0 < verdict.difference.estimate
    assert verdict.better is None
    assert "undecided" in verdict.sentence


def test_an_interval_above_zero_alone_makes_nobody_better() -> None:
    """Five repeats that all agree: their p can't go below 1/16."""
    verdict = only(pair([0.05, 0.051, 0.052, 0.053, 0.054]))
    assert verdict.difference.low > 0
    assert verdict.p == pytest.approx(1 / 16)
    assert verdict.better is None


def test_both_conditions_together_make_it_better() -> None:
    verdict = only(pair([0.05, 0.051, 0.052, 0.053, 0.054, 0.055]))
    assert (verdict.p, verdict.better) == (pytest.approx(1 / 32), "pbt")


def test_the_interval_of_a_difference_stays_within_what_differences_can_be() -> None:
    verdict = only(Pair(first="pbt", second="grid", first_scores=(1.0, 0.1), second_scores=(0.0, 0.1)))
    assert verdict.difference.estimate == pytest.approx(0.5)
    assert (verdict.difference.low, verdict.difference.high) == (-1.0, 1.0)
    free = judge([Pair(first="pbt", second="grid", first_scores=(1.0, 0.1), second_scores=(0.0, 0.1))], "perplexity")[0]
    assert free.difference.high > 6, "the range of this metric is not known"


def test_the_means_of_both_are_kept_with_the_verdict() -> None:
    verdict = only(Pair(first="pbt", second="grid", first_scores=(0.5, 0.6), second_scores=(0.6, 0.7)))
    assert (verdict.first, verdict.means) == ("grid", (pytest.approx(0.65), pytest.approx(0.55)))


def test_a_small_one_is_undecided_and_says_how_many_more_repeats() -> None:
    verdict = only(pair([0.02, -0.015, 0.01, -0.02, 0.03, 0.0, 0.01, -0.01]))
    assert verdict.better is None
    assert verdict.more_repeats == 17  # 25 = 7.849 x 3.067 / 1, less 8
    assert verdict.sentence.endswith("8 paired repeats; 17 more repeats would be needed to see 1 point.")


def test_many_close_repeats_are_equivalent() -> None:
    verdict = only(pair([0.002, -0.002] * 10))
    assert verdict.equivalent
    assert "are equivalent within 1 point: difference 0.0 points [-0.1, 0.1], 20 paired repeats." in verdict.sentence
    assert verdict.more_repeats == 0


def test_equivalent_needs_the_whole_interval_within_the_margin_and_repeats_for_a_test() -> None:
    """Student's half-width of six differences of sd .005: 2.5706 x .005 / sqrt(6) = .005247, around .002."""
    six = [0.002 + 0.005 * x for x in (-1.0, 1.0, -1.0, 1.0, 0.5, -0.5)]
    half = 2.5706 * float(np.std(six, ddof=1)) / 6**0.5
    edge = 0.002 + half
    assert judge([pair(six)], "accuracy", rule=Rule(margin=1.001 * edge))[0].equivalent
    assert not judge([pair(six)], "accuracy", rule=Rule(margin=0.999 * edge))[0].equivalent
    assert not judge([pair([0.0001, -0.0001, 0.0002, -0.0002, 0.0])], "accuracy")[0].equivalent, "five repeats"


def test_shown_to_be_better_and_yet_within_the_margin_says_both() -> None:
    verdict = only(pair([0.002, 0.003, 0.0025, 0.0031, 0.0022, 0.0028, 0.0027, 0.0024]))
    assert verdict.better == "pbt"
    assert verdict.equivalent
    assert "; that is within the margin of 1 point." in verdict.sentence


def test_a_margin_of_ones_own_decides_and_is_named() -> None:
    made = judge([pair([0.02, -0.02] * 10)], "accuracy", rule=Rule(margin=0.02))[0]
    assert made.equivalent
    assert "equivalent within 2 points" in made.sentence
    assert not judge([pair([0.02, -0.02] * 10)], "accuracy", rule=Rule(margin=0.005))[0].equivalent


def test_searches_with_the_same_winners_are_one_search() -> None:
    verdict = only(replace(pair([0.0, 0.0, 0.0]), same=3))
    assert verdict.sentence.startswith("grid and pbt are one search here: the same training run wins in 3 of 3 repeats")
    some = only(replace(pair([0.0, 0.0, 0.01]), same=2))
    assert some.sentence.endswith("The same training run wins both in 2 of 3 repeats.")


def test_test_rows_widen_the_interval_and_can_make_repeats_useless() -> None:
    """Twelve repeats that are right on the same rows each time: repeats agree, and 50 rows can't tell them apart."""
    rng = np.random.default_rng(3)
    rows = rng.choice([-1, 0, 1], size=50, p=[0.2, 0.5, 0.3])
    table = np.stack([np.where(rng.random(50) < 0.02, 0, rows) for _ in range(12)])
    alone = pair(table.mean(axis=1))
    both = replace(alone, squares=RowSquares.of(table))
    narrow, wide = only(alone), only(both)
    assert wide.difference.high - wide.difference.low > 3 * (narrow.difference.high - narrow.difference.low)
    assert (narrow.rows_counted, wide.rows_counted) == (False, True)
    assert wide.more_repeats is None
    assert wide.more_rows is not None
    assert wide.more_rows > 10_000
    assert f"about {wide.more_rows:,} would be needed" in wide.sentence
    assert judge([both], "f1")[0].difference == judge([alone], "f1")[0].difference, "F1 is no mean over rows"


def test_five_repeats_cannot_settle_it_however_far_apart() -> None:
    verdict = only(pair([0.10, 0.11, 0.12, 0.13, 0.14]))
    assert verdict.better is None
    assert "a paired signed-rank test needs at least 6 repeats, so 1 more is the least that could settle it" in verdict.sentence


def test_more_pairs_ask_for_more() -> None:
    clear = [0.10, 0.11, 0.12, 0.13, 0.14, 0.15]
    assert only(pair(clear)).better == "pbt"
    three = judge([pair(clear), pair(clear, "pbt", "random"), pair(clear, "grid", "random")], "accuracy")
    assert [v.better for v in three] == [None] * 3
    assert "among 3 pairs needs at least 7" in three[0].sentence


def test_one_run_each_never_separates() -> None:
    verdict = only(pair([0.3]))
    assert verdict.better is None
    assert "one run each" in verdict.sentence
    assert "30.0 points" in verdict.sentence


def test_no_common_repeat_is_said() -> None:
    assert "can't be compared" in only(pair([])).sentence


def test_unequal_costs_are_said_with_their_ratio() -> None:
    sentence = only(pair([0.01] * 8, cost_ratio=2.31)).sentence
    assert sentence.startswith("At grid's cost, where pbt, charged 2.3 times as much, is cut off: pbt is better than grid")
    assert "charged" not in only(pair([0.01] * 8, cost_ratio=1.05)).sentence
    assert (
        "At pbt's cost, where grid, charged 2.0 times as much, is cut off: " in only(pair([0.01] * 8, cost_ratio=0.5)).sentence
    )


@given(scores, st.randoms(use_true_random=False))
def test_swapping_mirrors_and_order_and_names_have_no_say(values: list[tuple[float, float]], shuffler: object) -> None:
    a, b = tuple(v[0] for v in values), tuple(v[1] for v in values)
    verdict = only(Pair(first="x", second="y", first_scores=a, second_scores=b, cost_ratio=2.0))
    mirrored = only(Pair(first="y", second="x", first_scores=b, second_scores=a, cost_ratio=0.5))
    assert mirrored == verdict
    mixed = shuffler.sample(values, len(values))  # type: ignore[attr-defined]
    again = only(
        Pair(
            first="x",
            second="y",
            first_scores=tuple(v[0] for v in mixed),
            second_scores=tuple(v[1] for v in mixed),
            cost_ratio=2.0,
        )
    )
    assert again.sentence == verdict.sentence
    renamed = only(Pair(first="q", second="r", first_scores=a, second_scores=b, cost_ratio=2.0))
    there = {"x": "q", "y": "r", None: None}
    assert (renamed.better, renamed.difference, renamed.p) == (there[verdict.better], verdict.difference, verdict.p)


def test_under_the_null_hardly_any_pair_is_called() -> None:
    """10 searches that are the same, 8 repeats, 10 pairs: Holm keeps the whole family at 5 %."""
    rng, called, rounds = np.random.default_rng(1), 0, 250
    for _ in range(rounds):
        runs = rng.normal(0.7, 0.02, size=(5, 10)) + rng.normal(0, 0.02, size=10)
        pairs = [
            Pair(first=str(i), second=str(j), first_scores=tuple(runs[i]), second_scores=tuple(runs[j]))
            for i in range(5)
            for j in range(i)
        ]
        called += any(v.better for v in judge(pairs, "accuracy"))
    assert called / rounds <= 0.07


def test_a_true_difference_of_twice_the_spread_is_found() -> None:
    rng = np.random.default_rng(2)
    found = sum(only(pair(list(rng.normal(0.02, 0.01, 10)))).better == "pbt" for _ in range(100))
    assert found >= 95


def test_the_published_table_supports_no_ranking() -> None:
    sentences = judge_single_runs()
    assert len(sentences) == 4
    assert all("undecided" in s for s in sentences[:3])
    pbt_grid = next(s for s in sentences if s.startswith("pbt and grid"))
    assert "98 against 91 of 139, difference 5.0 points" in pbt_grid
    assert "z = 0.90" in pbt_grid
    assert "at most 9 of the 139" in pbt_grid
    assert "bayesopt spent 2.3 times what grid did" in sentences[0]
    assert "no search is shown to be better" in sentences[-1]


def test_the_published_verdict_does_not_depend_on_the_order_of_rows() -> None:
    assert set(judge_single_runs()) == set(judge_single_runs(PUBLISHED[::-1]))
    assert judge_single_runs([SingleRun(name="grid", correct=91, cost=45)]) == ["There is nothing to compare."]


@pytest.mark.parametrize(("excess", "most"), [(0, None), (5, None), (6, 6), (7, 9)])
def test_how_often_two_models_may_disagree(excess: int, most: int | None) -> None:
    assert most_disagreements(excess) == most


def test_one_disagreement_pair_more_would_be_too_many() -> None:
    most = most_disagreements(20)
    assert most is not None
    only_b = (most - 20) // 2
    assert mcnemar(20 + only_b, only_b) < 0.05 <= mcnemar(21 + only_b, only_b + 1)


def constant(algorithm: str, repeat: int, steps: Sequence[tuple[float, float, float]], end: float, **changes: object) -> Cell:
    """steps: (elapsed, validation, test) of one trial each."""
    records = [syn.evaluation(f"t{i}", 1, v, at, test=t) for i, (at, v, t) in enumerate(steps)]
    return syn.cell([syn.start(devices=1), *records, syn.end(elapsed=end)], algorithm=algorithm, repeat=repeat, **changes)


def test_the_dearer_search_is_judged_by_what_it_knew_at_the_cheaper_ones_cost() -> None:
    cells = []
    for repeat in range(6):
        cells.append(constant("grid", repeat, [(90, 0.7, 0.65 + repeat / 1000)], 100))
        cells.append(constant("random", repeat, [(50, 0.6, 0.60), (190, 0.9, 0.90)], 200))
    verdict = findings(cells).verdicts[0]
    assert verdict.better == "grid"
    assert verdict.difference.estimate == pytest.approx(0.0525)
    assert verdict.sentence.startswith("At grid's cost, where random, charged 2.0 times as much, is cut off: grid is better")


def test_nearly_equal_costs_are_not_cut() -> None:
    cells = [
        c
        for k in range(6)
        for c in (constant("grid", k, [(95, 0.7, 0.65 + k / 1000)], 100), constant("random", k, [(105, 0.8, 0.70)], 106))
    ]
    assert findings(cells).verdicts[0].better == "random"


def test_repeats_without_partner_or_score_are_left_out_and_counted() -> None:
    cells = [constant("grid", k, [(90, 0.7, 0.65)], 100) for k in range(3)]
    cells += [constant("random", 0, [(50, 0.6, 0.6)], 100), constant("random", 1, [(150, 0.6, 0.6)], 200)]
    verdict = findings(cells).verdicts[0]
    assert verdict.repeats == 1
    assert verdict.note == "1 repeat without a partner left out; 1 repeat without a test score at that cost left out"
    assert verdict.note in verdict.sentence


def test_one_search_alone_and_missing_baselines_are_said() -> None:
    assert "only search" in " ".join(findings([syn.search("pbt", 0, quality=0.7)]).remarks)
    two = findings([syn.search("pbt", 0, quality=0.7), syn.search("grid", 0, quality=0.7)])
    assert "Neither random search nor an untuned default" in " ".join(two.remarks)
    with_random = findings([syn.search("pbt", 0, quality=0.7), syn.search("random", 0, quality=0.7)])
    assert not with_random.remarks


def test_searches_that_were_split_unlike_are_said() -> None:
    cells = [
        syn.search(name, k, quality=0.7, data={"n_train": 10, "split_sha256": f"{name}" if k else "same"})
        for k in range(2)
        for name in ("random", "grid")
    ]
    assert any("splits of repeat 1 differ" in r for r in findings(cells).remarks)


def test_unfinished_searches_have_no_verdict_and_failed_trials_are_counted() -> None:
    broken = constant("grid", 0, [(50, 0.7, 0.6)], 100)
    broken = syn.replace(broken, records=(*broken.records, syn.trial_end("z", 60, "failed", "out of memory")))
    made = findings([broken, syn.search("pbt", 0, quality=0.7, status="running")])
    assert "pbt has no finished run, and no verdict." in made.remarks
    assert any("grid lost 1 trial of 2" in r for r in made.remarks)


def test_two_single_runs_with_predictions_get_mcnemar() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 139)
    cells = []
    for name, wrong in (("grid", 48), ("random", 20)):
        predictions = labels.copy()
        predictions[rng.permutation(139)[:wrong]] ^= 1
        test = syn.score(1 - wrong / 139, 139, predictions=predictions.tolist())
        records = [syn.start(), syn.evaluation("a", 1, 0.7, 50, test=test), syn.end(elapsed=100)]
        cells.append(syn.cell(records, algorithm=name))
    made = findings(cells)
    assert made.verdicts[0].better is None
    assert "the winners of random and grid can be told apart" in made.remarks[0]
    assert "says nothing about the searches" in made.remarks[0]


@settings(max_examples=10)
@given(st.randoms(use_true_random=False))
def test_the_order_of_cells_has_no_say(shuffler: object) -> None:
    cells = [syn.search(name, k, quality=q, trials=3) for k in range(3) for name, q in (("grid", 0.7), ("pbt", 0.75))]
    mixed = shuffler.sample(cells, len(cells))  # type: ignore[attr-defined]
    assert findings(mixed).sentences() == findings(cells).sentences()
