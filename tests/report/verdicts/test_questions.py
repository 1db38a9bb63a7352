"""Each pair answers one question: is tuning worth it, which search, what the defects of 2020 cost."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import synthetic as syn

from tuneoff.records.schema import Cell
from tuneoff.report.algorithms import Algorithms
from tuneoff.report.frames import build_frames
from tuneoff.report.verdicts.findings import Findings, find
from tuneoff.report.verdicts.headline import headline
from tuneoff.report.verdicts.pairwise import Pair, judge
from tuneoff.report.verdicts.questions import DEFECT, SEARCH, TUNING, judge_by_question, question


def late(algorithm: str, repeat: int, score: float, end: float) -> Cell:
    """Poor at the start, `score` shortly before the end, on one device."""
    records = [syn.evaluation("t0", 1, 0.3, 50, test=0.3), syn.evaluation("t1", 1, 0.9, 0.9 * end, test=score)]
    return syn.cell([syn.start(devices=1), *records, syn.end(elapsed=end)], algorithm=algorithm, repeat=repeat)


def made(cells: list[Cell]) -> tuple[Findings, str]:
    block, frames = next(build_frames(cells).blocks())
    findings = find(block, frames)
    return findings, " ".join(headline(block, frames, findings))


def scores(gap: float, repeats: int, searches: int) -> pd.DataFrame:
    """The last search is better by `gap`, against noise of 0.001."""
    rng = np.random.default_rng(0)
    names = ["default", *(f"s{i}" for i in range(searches))]
    table = 0.7 + rng.normal(0, 0.001, (repeats, len(names))) + gap * (np.arange(len(names)) == searches)
    return pd.DataFrame(table, columns=names)


def pairs_of(table: pd.DataFrame) -> list[Pair]:
    names = list(table.columns)
    return [
        Pair(first=a, second=b, first_scores=tuple(table[a]), second_scores=tuple(table[b]))
        for i, a in enumerate(names)
        for b in names[i + 1 :]
    ]


def test_the_question_does_not_depend_on_the_order_of_names() -> None:
    algorithms = Algorithms.of_names(["default", "grid", "pbt", "pbt_2020"])
    for a, b, asked in (
        ("default", "pbt", TUNING),
        ("grid", "pbt", SEARCH),
        ("pbt", "pbt_2020", DEFECT),
        ("grid", "pbt_2020", SEARCH),
        ("default", "pbt_2020", TUNING),
    ):
        assert question(a, b, algorithms) == question(b, a, algorithms) == asked


def test_tuning_is_judged_at_the_searches_full_cost_and_says_what_it_takes() -> None:
    cells = [
        late(name, k, score + k / 1000, end)
        for k in range(8)
        for name, score, end in (("default", 0.60, 60), ("random", 0.70, 3600), ("grid", 0.72, 3600))
    ]
    findings, words = made(cells)
    tuning = {v.first: v for v in findings.of(TUNING)}
    assert {v.better for v in tuning.values()} == {"random", "grid"}
    assert tuning["grid"].difference.estimate == pytest.approx(0.12)
    assert "Each at its full cost: grid takes $3.01 a search more than default" in tuning["grid"].sentence
    assert "cut off" not in tuning["grid"].sentence
    assert "Tuning is worth it: every search beats the untuned default, by 10.0 to 12.0 points for $3.01 more" in words


def test_a_default_that_nobody_beats_is_said() -> None:
    _, words = made(
        [
            late(name, k, score + k / 1000, end)
            for k in range(8)
            for name, score, end in (("default", 0.70, 60), ("random", 0.60, 3600))
        ]
    )
    assert "no search is shown to beat the untuned default. random is shown to be worse than it." in words


def test_the_cost_of_the_defects_of_2020_is_stated_with_interval_and_repeats() -> None:
    cells = [
        late(name, k, score + k / 1000 + (k % 2) / 500 * (name == "pbt"), 600)
        for k in range(8)
        for name, score in (("grid", 0.60), ("pbt", 0.70), ("pbt_2020", 0.68))
    ]
    findings, words = made(cells)
    told = (
        "Cost of the defects of 2020 (pbt minus pbt_2020, on test, at equal cost): 2.1 points [2.0, 2.2], "
        "8 paired repeats, signed-rank p = 0.0078 by itself, 0.023 corrected for all pairs of searches; "
        "shown to be a loss."
    )
    assert told in words
    assert told in findings.sentences()
    flipped = [
        syn.replace(
            c, header=syn.replace(c.header, algorithm={"pbt": "pbt_2020", "pbt_2020": "pbt"}.get(c.header.algorithm, "grid"))
        )
        for c in cells
    ]
    assert "equal cost): -2.1 points [-2.2, -2.0], 8 paired" in made(flipped)[1]
    assert "shown to be a gain." in made(flipped)[1]


def test_eight_algorithms_in_ten_repeats_can_be_told_apart() -> None:
    """28 pairs in one family could not: 28 x 2^-9 is above .05."""
    table = scores(0.03, repeats=10, searches=7)
    told = judge_by_question(pairs_of(table), "accuracy", table, Algorithms.of_names(table))
    assert {v.second for v in told if v.better == "s6"} == {"default", *(f"s{i}" for i in range(6))}
    assert all(v.better is None for v in judge(pairs_of(table), "accuracy"))


def test_without_friedmans_leave_nobody_is_better() -> None:
    table = scores(0.0, repeats=10, searches=3)
    table["s2"] = table["s0"] + 0.0001
    told = judge_by_question(pairs_of(table), "accuracy", table, Algorithms.of_names(table))
    assert all(v.better is None for v in told)
    assert min(v.p for v in told) >= 0.05


def test_with_too_few_common_repeats_all_pairs_are_one_family() -> None:
    table = scores(0.03, repeats=10, searches=7)
    told = judge_by_question(pairs_of(table), "accuracy", table.iloc[:3], Algorithms.of_names(table))
    assert told == judge(pairs_of(table), "accuracy")


def test_under_one_budget_in_epochs_a_slow_machine_cuts_nobody_off() -> None:
    budget = {"budget": "epochs:2"}
    cells = [
        syn.replace(late(name, k, score + k / 1000, end), header=syn.header(name, k, config=budget))
        for k in range(8)
        for name, score, end in (("random", 0.70, 600), ("grid", 0.72, 1800))
    ]
    found = made(cells)[0].verdicts[0]
    assert (found.better, found.cost_ratio) == ("grid", pytest.approx(3.0))
    assert "Compared at equal budget, epochs:2: grid was charged 3.0 times what random was." in found.sentence
    free = [syn.replace(c, header=syn.replace(c.header, config={})) for c in cells]
    assert made(free)[0].verdicts[0].better == "random", "without a common budget the clock decides"
