"""The price table is data, and its rule is the published one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tuneoff.price import Price, PriceError, charged_device_seconds, format_dollars, load_price, of_machines, price_names


@pytest.mark.parametrize(
    ("wall_minutes", "device_minutes", "dollars", "printed"),
    [(5.625, 45, 2.295, "2.30"), (13, 104, 5.304, "5.30"), (6, 48, 2.448, "2.45")],
)
def test_the_published_rows_come_out(wall_minutes: float, device_minutes: float, dollars: float, printed: str) -> None:
    seconds = charged_device_seconds(wall_minutes * 60, 8)
    assert seconds / 60 == pytest.approx(device_minutes)
    assert load_price("v100-2020").dollars(seconds) == pytest.approx(dollars)
    assert format_dollars(load_price("v100-2020").dollars(seconds)) == printed


def test_the_published_price_is_an_eighth_of_the_instance() -> None:
    assert load_price("v100-2020").per_device_hour_usd == pytest.approx(24.48 / 8)


def test_every_entry_names_itself_its_source_and_its_date() -> None:
    names = set(price_names())
    assert names >= {"v100-2020", "a100-40", "a100-80", "h100", "h200", "t4", "l4", "cpu", "custom"}
    for name in names - {"custom"}:
        price = load_price(name)
        assert price.name == name
        assert price.source
        assert price.date
        assert price.per_device_hour_usd > 0


def test_custom_needs_the_users_own_number() -> None:
    with pytest.raises(PriceError, match=r"price=custom price\.per_device_hour_usd="):
        load_price("custom")


def test_an_unknown_price_lists_those_there_are() -> None:
    with pytest.raises(PriceError, match="h100"):
        load_price("tpu")


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf"), "3", True, None])
def test_a_price_that_is_no_sum_is_refused(value: object) -> None:
    with pytest.raises(PriceError, match="per_device_hour_usd"):
        Price.from_dict({"name": "x", "per_device_hour_usd": value, "source": "s", "date": "d"})


def test_unknown_and_missing_entries_are_named() -> None:
    with pytest.raises(PriceError, match="'source'"):
        Price.from_dict({"name": "x", "per_device_hour_usd": 1.0, "date": "d"})
    with pytest.raises(PriceError, match="'spot'"):
        Price.from_dict({"name": "x", "per_device_hour_usd": 1.0, "source": "s", "date": "d", "spot": 1})


def test_a_price_survives_the_header() -> None:
    price = load_price("l4")
    assert Price.from_dict(price.as_dict()) == price


def test_a_table_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("name: mine\nper_device_hour_usd: 2\nsource: invoice\ndate: 2026-01-31\n")
    price = load_price("mine", tmp_path)
    assert price.dollars(1800) == 1.0
    assert price.date == "2026-01-31"


@pytest.mark.parametrize(("dollars", "printed"), [(0.0, "0.00"), (0.00423, "0.0042"), (0.05, "0.050"), (12, "12.00")])
def test_small_sums_keep_two_digits(dollars: float, printed: str) -> None:
    assert format_dollars(dollars) == printed


@pytest.mark.parametrize(("dollars", "printed"), [(0.0042, "0.0042"), (2.295, "2.30"), (0.125, "0.13"), (0.0, "0.00")])
def test_numbers_out_of_a_frame_are_written_like_others(dollars: float, printed: str) -> None:
    assert format_dollars(np.float64(dollars)) == printed


@pytest.mark.parametrize(
    ("dollars", "printed"),
    [
        (2.285, "2.29"),
        (2.295, "2.30"),
        (0.125, "0.13"),
        (1.005, "1.01"),
        (10.115, "10.12"),
        (2.2849999, "2.28"),
        (0.1, "0.10"),
        (0.105, "0.11"),
    ],
)
def test_half_a_cent_is_rounded_up_as_the_published_table_has_it(dollars: float, printed: str) -> None:
    """Neither to the even cent (2.285 -> 2.28) nor by the binary value below it (1.005 -> 1.00)."""
    assert format_dollars(dollars) == printed


@pytest.mark.parametrize("dollars", [float("nan"), float("inf"), float("-inf")])
def test_a_sum_that_is_not_known_is_a_dash(dollars: float) -> None:
    assert format_dollars(dollars) == "–"


@pytest.mark.parametrize(
    ("dollars", "printed"), [(0.0999, "0.100"), (0.01, "0.010"), (0.0012345, "0.0012"), (1e-7, "0.00000010")]
)
def test_sums_below_ten_cents_have_two_digits_wherever_they_begin(dollars: float, printed: str) -> None:
    assert format_dollars(dollars) == printed


def test_an_hour_of_a_device_costs_its_hourly_price() -> None:
    price = Price(name="p", per_device_hour_usd=3.0, source="s", date="d")
    assert price.dollars(3600) == 3.0
    assert price.dollars(charged_device_seconds(1800, 4)) == 6.0
    assert Price(name="free", per_device_hour_usd=0, source="s", date="d").dollars(1e6) == 0


LISTED = Price(name="t4", per_device_hour_usd=0.5, source="s", date="d", note="n", machines={"spot": 0.2, "l4": 0.8})


def test_machines_of_several_prices_cost_their_mean() -> None:
    held = [{"spot", "x"}, {"spot"}, {"l4"}, {"other"}]
    paid = of_machines(LISTED, held)
    assert paid.per_device_hour_usd == pytest.approx((0.2 + 0.2 + 0.8 + 0.5) / 4)
    assert paid.note == "n; 2 x spot at 0.2, 1 x l4 at 0.8, 1 x others at 0.5"
    assert paid.machines is None
    assert (paid.name, paid.source, paid.date) == ("t4", "s", "d")
    assert "machines" not in paid.as_dict(), "headers have it where it was given only"
    assert LISTED.as_dict()["machines"] == {"spot": 0.2, "l4": 0.8}


def test_not_every_kind_of_machine_has_to_be_held() -> None:
    assert of_machines(LISTED, [{"spot"}]).per_device_hour_usd == 0.2


def test_a_price_for_all_machines_stays_as_it_is() -> None:
    plain = replace(LISTED, machines=None)
    assert of_machines(plain, [{"spot"}]) is plain
    assert of_machines(LISTED, []) is LISTED


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ([{"t4"}, {"v100"}], "price.machines has 'spot', 'l4', but the machines .* are known by t4, v100: use one of these"),
        ([set()], "are known by no word"),
        ([{"spot", "l4"}], "has 'spot' and 'l4', but there is a machine that is both"),
    ],
)
def test_a_word_that_tells_no_machine_apart_is_refused(held: list[set[str]], said: str) -> None:
    with pytest.raises(PriceError, match=said):
        of_machines(LISTED, held)


@pytest.mark.parametrize("machines", [{"spot": -1}, {"spot": "cheap"}, {"spot": None}, [0.2], "spot"])
def test_prices_of_machines_are_numbers_of_dollars(machines: object) -> None:
    with pytest.raises(PriceError, match=r"price\.machines"):
        replace(LISTED, machines=machines)  # type: ignore[arg-type]
