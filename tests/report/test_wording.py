"""Numbers as text, by hand."""

from __future__ import annotations

import math

import pytest

from tuneoff.report import wording

NAN = math.nan


@pytest.mark.parametrize(
    ("metric", "score", "difference"),
    [
        ("accuracy", (0.0, 1.0), (-1.0, 1.0)),
        ("matthews", (-1.0, 1.0), (-2.0, 2.0)),
        ("pearson", (-1.0, 1.0), (-2.0, 2.0)),
        ("rmse", (0.0, math.inf), (-math.inf, math.inf)),
        ("of a plugin", (-math.inf, math.inf), (-math.inf, math.inf)),
    ],
)
def test_a_metric_has_its_range(metric: str, score: tuple[float, float], difference: tuple[float, float]) -> None:
    assert wording.metric_range(metric) == score
    assert wording.difference_range(metric) == difference


def test_a_metric_is_named_with_its_class_where_it_is_about_one() -> None:
    assert wording.metric_about("f1", ["fraud"]) == "F1 of class 'fraud'"
    assert wording.metric_about("f1", ["b", "a", "a", ""]) == "F1 of class 'a' and 'b'"
    assert wording.metric_about("f1", [""]) == "f1"
    assert wording.metric_about("accuracy", ["fraud"]) == "accuracy"
    assert wording.metric_about("of a plugin", ["fraud"]) == "of a plugin"
    assert (wording.short_metric("accuracy"), wording.short_metric("f1")) == ("acc.", "f1")


@pytest.mark.parametrize(
    ("values", "metric", "text"),
    [
        ([0.654], "accuracy", "65.4 %"),
        ([0.6, 0.7], "accuracy", "65.0 ± 7.1 %"),
        ([0.6, NAN, 0.7], "accuracy", "65.0 ± 7.1 %"),
        ([0.6, NAN], "accuracy", "60.0 %"),
        ([NAN], "accuracy", "–"),
        ([], "accuracy", "–"),
        ([0.5, 0.7], "matthews", "0.600 ± 0.141"),
        ([12.3456], "of a plugin", "12.35"),
        ([12345.6, 12355.6], "minus_rmse", "12351 ± 7"),
        ([-0.00031234], "minus_mae", "-0.0003123"),
    ],
)
def test_a_score_is_mean_and_sample_sd_of_what_is_known(values: list[float], metric: str, text: str) -> None:
    assert wording.score(values, metric) == text


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([5.0], "5"),
        ([5.25], "5.25"),
        ([0.01234], "0.0123"),
        ([99.96], "100"),
        ([100.4], "100"),
        ([1234.5], "1234"),
        ([5.0, 5.0], "5"),
        ([1.0, 2.0], "1.50 ± 0.707"),
        ([1.0, NAN], "1"),
        ([NAN], "–"),
        ([5.0, 5.0 + 3e-10], "5"),
        ([5.0, 5.0 + 3e-9], "5.00 ± 2.12e-09"),
    ],
)
def test_an_amount_has_three_digits(values: list[float], text: str) -> None:
    assert wording.amount(values) == text


def test_minutes_are_sixtieths_of_seconds() -> None:
    assert wording.minutes([90.0]) == "1.50"


def test_mean_and_sd_are_a_samples() -> None:
    assert wording.mean_sd([1, 2, 3, 6]) == pytest.approx((3, math.sqrt(14 / 3)))
    assert wording.mean_sd([1, 3]) == pytest.approx((2, math.sqrt(2)))
    assert math.isnan(wording.mean_sd([1])[1])


def test_words_are_joined_and_counted() -> None:
    assert [wording.listed(names) for names in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]
    assert [wording.counted(n, "repeat") for n in (0, 1, 2)] == ["0 repeats", "1 repeat", "2 repeats"]
    assert [wording.device_label(kinds) for kinds in ([], ["cpu"], ["NVIDIA H100"], ["cpu x", "H100"])] == [
        "device",
        "CPU",
        "GPU",
        "CPU/GPU",
    ]


def test_a_share_is_written_in_per_cent_and_a_plain_number_as_it_is() -> None:
    assert (wording.scale_of("f1"), wording.unit_of("f1"), wording.is_share("f1")) == (100.0, " %", True)
    assert (wording.scale_of("rmse"), wording.unit_of("rmse"), wording.is_share("rmse")) == (1.0, "", False)
    assert not wording.is_share("of a plugin")


@pytest.mark.parametrize(
    ("value", "metric", "sign", "beside", "text"),
    [
        (0.65437, "accuracy", "", (), "65.44"),
        (0.0012, "accuracy", "+", (), "+0.12"),
        (0.65437, "matthews", "", (), "0.654"),
        (0.65437, "matthews", "+", (), "+0.654"),
        (0.65437, "minus_rmse", "", (), "0.6544"),
        (0.65437, "minus_rmse", "+", (12.0,), "+0.65"),
    ],
)
def test_a_predicted_share_has_a_digit_more_than_a_measured_one(
    value: float, metric: str, sign: str, beside: tuple[float, ...], text: str
) -> None:
    assert wording.fine(value, metric, sign, beside) == text


@pytest.mark.parametrize(
    ("margin", "metric", "text"),
    [
        (0.01, "accuracy", "1 point"),
        (0.010000003, "accuracy", "1 point"),
        (0.005, "accuracy", "0.5 points"),
        (0.07, "f1", "7 points"),
        (0.25, "minus_rmse", "0.25"),
        (1.0, "minus_rmse", "1"),
    ],
)
def test_a_margin_is_in_points_where_the_metric_is_a_share(margin: float, metric: str, text: str) -> None:
    assert wording.size(margin, metric) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (1.0, "over 99 %"),
        (0.991, "over 99 %"),
        (0.99, "99 %"),
        (0.5, "50 %"),
        (0.01, "1 %"),
        (0.009, "under 1 %"),
        (0.0, "under 1 %"),
    ],
)
def test_a_chance_is_never_certain(share: float, text: str) -> None:
    assert wording.chance(share) == text
