from __future__ import annotations

import pytest

from tuneoff.budget import Budget, BudgetError
from tuneoff.price import Price

PRICE = Price(name="p", per_device_hour_usd=3.0, source="", date="")


@pytest.mark.parametrize(
    ("text", "unit", "amount"),
    [("epochs:54", "epochs", 54), ("minutes:0.5", "minutes", 0.5), ("dollars:1e-3", "dollars", 0.001)],
)
def test_a_budget_is_a_unit_and_an_amount(text, unit, amount):
    assert Budget.parse(text) == Budget(unit=unit, amount=amount)


@pytest.mark.parametrize("text", ["epochs", "54", "epochs:", "epochs:0", "epochs:-1", "hours:3", "epochs:1.2.3", "dollars:nan"])
def test_anything_else_names_the_three_forms(text):
    with pytest.raises(BudgetError, match="budget=epochs:54"):
        Budget.parse(text)


def test_minutes_and_dollars_are_shared_by_the_devices_held():
    assert Budget.parse("minutes:10").wall_seconds(PRICE, 2) == 300
    assert Budget.parse("dollars:3").wall_seconds(PRICE, 2) == 1800
    assert Budget.parse("epochs:10").wall_seconds(PRICE, 2) is None


def test_dollars_need_a_price():
    with pytest.raises(BudgetError, match="costs nothing"):
        Budget.parse("dollars:3").wall_seconds(Price(name="free", per_device_hour_usd=0.0, source="", date=""), 1)
