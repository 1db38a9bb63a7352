"""What a verdict says is missing, and its sentences, worked out by hand. 7.849 = (1.960 + 0.842)^2: 5 %, four times in five."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.report.verdicts.test_pairwise import only, pair
from tuneoff.report.statistics.crossed import RowSquares
from tuneoff.report.statistics.summary import Interval
from tuneoff.report.verdicts.pairwise import Pair, Rule, difference, judge


def test_without_a_paired_repeat_there_is_no_test() -> None:
    verdict = only(pair([]))
    assert (verdict.p, verdict.p_alone, verdict.apart, verdict.more_repeats) == (1.0, 1.0, 0, None)


def test_the_p_of_a_pair_is_the_signed_rank_tests_unless_a_test_before_it_has_a_larger_one() -> None:
    """Twelve differences of one sign: 2 of 2^12."""
    clear = pair([0.1 + k / 1000 for k in range(12)])
    assert only(clear).p == only(clear).p_alone == pytest.approx(2 / 2**12)
    after = judge([clear], "accuracy", least_p=0.02)[0]
    assert (after.p, after.p_alone) == (0.02, pytest.approx(2 / 2**12))


def test_repeats_without_a_difference_are_not_counted_as_ahead() -> None:
    assert only(pair([0.0, 0.01, 0.02, -0.01])).apart == 2


def test_a_margin_that_the_interval_touches_is_not_kept_to() -> None:
    """Eight differences of 1/4 have the interval [1/4, 1/4]."""
    same = Pair(first="pbt", second="grid", first_scores=(0.75,) * 8, second_scores=(0.5,) * 8)
    assert not judge([same], "accuracy", rule=Rule(margin=0.25))[0].equivalent
    assert judge([same], "accuracy", rule=Rule(margin=0.26))[0].equivalent


@pytest.mark.parametrize(
    ("differences", "looks", "more"),
    [
        ([0.01], 1, None),
        ([0.01, 0.03], 1, 14),  # 7.849 x 0.0002 / 0.0001 = 15.7
        ([0.01, 0.03], 3, 19),  # 10.469 x 0.0002 / 0.0001 = 20.9: a third of 5 % a look
        ([0.1, 0.1001], 1, 4),  # the test needs six, however small the spread
        ([0.1, 0.1001], 3, 5),  # 2^-6 < .0167 <= 2^-5
    ],
)
def test_the_repeats_that_are_missing_show_a_difference_of_the_margin(
    differences: list[float], looks: int, more: int | None
) -> None:
    verdict = judge([pair(differences)], "accuracy", rule=Rule(looks=looks))[0]
    assert (verdict.more_repeats, verdict.more_rows) == (more, None)


def test_what_the_test_rows_leave_is_what_repeats_can_show() -> None:
    """8 repeats on 1,000 rows: 10 rows differ each time, 5 each way, and 12 others in each repeat, all one way.

    Rows: 11.5 x 8 / 999 = 0.09209 between and 82.85 / 6993 = 0.01185 within, so 1.0031e-5 of the mean. The margin allows for
    1e-4 / 7.849 = 1.2741e-5; 1.6457e-4 / 0.2710e-5 = 60.7 repeats.
    """
    table = np.zeros((8, 1000))
    table[:, :5], table[:, 5:10] = 1, -1
    for repeat in range(8):
        table[repeat, 10 + 12 * repeat : 22 + 12 * repeat] = (-1) ** repeat
    verdict = only(replace(pair(table.mean(axis=1)), squares=RowSquares.of(table)))
    assert (verdict.more_repeats, verdict.more_rows) == (61 - 8, None)


@pytest.mark.parametrize(("looks", "rows"), [(1, 78_489), (3, 104_692)])
def test_where_no_repeats_can_show_it_the_rows_that_could_are_named(looks: int, rows: int) -> None:
    """Two equal repeats on 101 rows, of which 50 differ, 25 each way: the rows' part is 2 x 50 / 100 / (2 x 101) = 1 / 202.
    Twice 101 times that is 1: 7.849 / 0.0001 rows, and 10.469 / 0.0001 at a third of 5 %."""
    table = np.zeros((2, 101))
    table[:, :25], table[:, 25:50] = 1, -1
    verdict = judge([replace(pair([0.0, 0.0]), squares=RowSquares.of(table))], "accuracy", rule=Rule(looks=looks))[0]
    assert verdict.more_repeats is None
    assert verdict.more_rows == pytest.approx(rows, abs=1)


OUTLOOKS = {
    "ahead in all, and the interval says nothing": (
        [0.01, 0.1],
        "pbt is ahead in all 2 repeats; a paired signed-rank test needs at least 6 repeats, so 4 more are the least that could "
        "settle it.",
    ),
    "not ahead in all, and the interval is above 0": (
        [0.1, 0.1, 0.1, 0.1, -0.001],
        "5 paired repeats; a paired signed-rank test needs at least 6 repeats, so 1 more is the least that could settle it.",
    ),
    "neither": ([0.001, -0.001, 0.001, -0.001, 0.0], "5 paired repeats; 1 more repeat would be needed to see 1 point."),
    "enough repeats for a test, which does not reject": (
        [0.1, 0.1, 0.1, 0.1, 0.1, -0.001],
        "6 paired repeats; p = 0.062 after Holm's correction, and 128 more repeats would be needed to see 1 point.",
    ),
}


@pytest.mark.parametrize("name", OUTLOOKS)
def test_an_undecided_pair_says_what_could_settle_it(name: str) -> None:
    """The last: a variance of 0.101^2 / 6 = 0.0017, 7.849 x 17.00 = 133.4 repeats, less 6."""
    differences, end = OUTLOOKS[name]
    assert only(pair(differences)).sentence.endswith(end)


def test_two_pairs_of_a_question_are_two_pairs() -> None:
    two = judge([pair([0.1, 0.11, 0.12]), pair([0.1, 0.11, 0.12], "pbt", "random")], "accuracy")
    assert "a paired signed-rank test among 2 pairs needs at least 7 repeats" in two[0].sentence


def test_both_means_are_given_while_no_test_is_possible_and_the_difference_alone_after() -> None:
    few, enough = [0.02, -0.01] * 2, [0.02, -0.01] * 3
    assert "pbt and grid are undecided: 70.5 % against 70.0 %, 0.5 points [" in only(pair(few)).sentence
    assert "pbt and grid are undecided: 0.5 points [" in only(pair(enough)).sentence


@pytest.mark.parametrize(
    ("values", "metric", "text"),
    [
        ((0.0183, 0.006, 0.031), "accuracy", "1.8 points [0.6, 3.1]"),
        ((0.0183, 0.006, 0.031), "matthews", "0.018 [0.006, 0.031]"),
        ((1.2345, -0.5, 12.34), "minus_rmse", "1.2 [-0.5, 12.3]"),
        ((1.2345, -0.5, 2.346), "minus_rmse", "1.23 [-0.50, 2.35]"),
        ((1.2345, np.nan, np.nan), "minus_rmse", "1.23"),
    ],
)
def test_a_difference_has_three_digits_of_its_largest_number(values: tuple[float, ...], metric: str, text: str) -> None:
    middle, low, high = values
    assert difference(Interval(estimate=middle, low=low, high=high), metric) == text


@pytest.mark.parametrize(
    ("differences", "more_dollars", "signed", "text"),
    [
        ([0.1], 3.0, 3.0, "Each at its full cost: pbt takes $3.00 a search more than grid."),
        ([0.1], 0.5, 0.5, "Each at its full cost: pbt takes $0.50 a search more than grid."),
        ([0.1], -3.0, -3.0, "Each at its full cost: grid takes $3.00 a search more than pbt."),
        ([-0.1], 3.0, -3.0, "Each at its full cost: pbt takes $3.00 a search more than grid."),
    ],
)
def test_at_full_cost_the_dearer_one_is_named_whoever_is_better(
    differences: list[float], more_dollars: float, signed: float, text: str
) -> None:
    verdict = only(pair(differences * 8, more_dollars=more_dollars, cost_ratio=9.0))
    assert verdict.more_dollars == signed
    assert verdict.sentence.endswith(text)


def test_the_costs_are_those_of_first_and_second_in_that_order() -> None:
    mirrored = only(pair([-0.1] * 8, cost_ratio=4.0))
    assert (mirrored.first, mirrored.cost_ratio) == ("grid", 0.25)


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (1.1, ""),
        (1 / 1.1, ""),
        (1.5, "At grid's cost, where pbt, charged 1.5 times as much, is cut off: "),
        (0.5, "At pbt's cost, where grid, charged 2.0 times as much, is cut off: "),
    ],
)
def test_charges_of_up_to_a_tenth_more_are_equal(ratio: float, text: str) -> None:
    sentence = only(pair([0.1] * 8, cost_ratio=ratio)).sentence
    assert sentence.startswith(f"{text}pbt is better than grid by 10.0 points")
    assert sentence.endswith("p = 0.0078.")


def test_at_an_equal_budget_nobody_is_cut_off() -> None:
    made = replace(pair([0.1] * 8, cost_ratio=1.5), budget="epochs:40")
    assert only(made).sentence.endswith(
        "p = 0.0078. Compared at equal budget, epochs:40: pbt was charged 1.5 times what grid was."
    )
