"""Limits of hyperparameters: each bound on its own side, included or not."""

from __future__ import annotations

from typing import Any

import pytest

from tuneoff.hparams import HParamError, Hyperparameter, Hyperparameters
from tuneoff.training.hparams import HYPERPARAMETERS, HParams

EPOCHS = Hyperparameter(name="num_epochs", default=3, low=1, high=10, whole=True, rule="from 1 to 10")
RATE = Hyperparameter(name="rate", default=0.1, above=0.0, high=1.0, rule="above 0 and at most 1", mutable=True)
DROPOUT = Hyperparameter(name="dropout", default=None, low=0.0, high=0.9, optional=True, rule="from 0 to 0.9")
SHAPE = Hyperparameter(name="shape", default="linear", choices=("linear", "constant"))
DECLARED = Hyperparameters(EPOCHS, RATE, DROPOUT, SHAPE)


@pytest.mark.parametrize(
    ("one", "value", "kept"),
    [
        (EPOCHS, 1, 1),
        (EPOCHS, 10.0, 10),
        (RATE, 1.0, 1.0),
        (RATE, 1e-9, 1e-9),
        (DROPOUT, 0, 0),
        (DROPOUT, 0.9, 0.9),
        (DROPOUT, None, None),
        (SHAPE, "constant", "constant"),
        (Hyperparameter(name="free", default=0), -1e300, -1e300),
    ],
)
def test_a_value_within_its_limits_is_kept(one: Hyperparameter, value: Any, kept: Any) -> None:
    checked = one.check(value)
    assert (checked, type(checked)) == (kept, type(kept))


@pytest.mark.parametrize(
    ("one", "value", "message"),
    [
        (EPOCHS, 0, "num_epochs is 0, but it must be from 1 to 10"),
        (EPOCHS, 11, "from 1 to 10"),
        (EPOCHS, 2.5, "must be a whole number"),
        (EPOCHS, None, "must be a number"),
        (EPOCHS, True, "must be a number"),
        (RATE, 0.0, "above 0"),
        (RATE, 1.01, "at most 1"),
        (DROPOUT, -0.01, "from 0 to 0.9"),
        (DROPOUT, float("nan"), "dropout"),
        (SHAPE, "cosine", "linear, constant"),
        (SHAPE, None, "linear, constant"),
    ],
)
def test_a_value_beyond_its_limits_is_refused(one: Hyperparameter, value: Any, message: str) -> None:
    with pytest.raises(HParamError, match=message):
        one.check(value)


def test_missing_values_are_the_defaults_and_unknown_names_are_refused_with_the_nearest() -> None:
    assert DECLARED.complete({"rate": 0.5}) == {"num_epochs": 3, "rate": 0.5, "dropout": None, "shape": "linear"}
    assert DECLARED.check({"rate": 0.5}) == {"rate": 0.5}
    assert DECLARED.mutable == ("rate",)
    assert DECLARED.names == ("num_epochs", "rate", "dropout", "shape")
    assert "rate" in DECLARED
    assert "rat" not in DECLARED
    with pytest.raises(HParamError, match="did you mean rate"):
        DECLARED.check({"rat": 0.5})


LIMITS = {
    "learning_rate": ([1e-12, 1.0], [0.0, 1.1]),
    "weight_decay": ([0.0, 1.0], [-0.1, 1.1]),
    "batch_size": ([1, 4096], [0, 4097]),
    "num_epochs": ([1, 1000], [0, 1001]),
    "warmup_ratio": ([0.0, 1.0], [-0.1, 1.1]),
    "warmup_steps": ([0, 10_000_000], [-1, 10_000_001]),
    "lr_schedule": (["linear", "constant", "cosine"], ["square"]),
    "max_grad_norm": ([0.0], [-0.1]),
    "hidden_dropout": ([None, 0.0, 0.99], [-0.1, 1.0]),
    "attention_dropout": ([None, 0.0, 0.99], [-0.1, 1.0]),
    "adam_beta1": ([0.0, 0.99999], [-0.1, 1.0]),
    "adam_beta2": ([0.0, 0.99999], [-0.1, 1.0]),
    "adam_epsilon": ([1e-16, 1.0], [0.0, 1.1]),
}
DEFAULTS = {  # transformers' TrainingArguments, and the BERT paper's batch size, decay and epochs
    "learning_rate": 5e-5,
    "weight_decay": 0.01,
    "batch_size": 32,
    "num_epochs": 3,
    "warmup_ratio": 0.0,
    "warmup_steps": 0,
    "lr_schedule": "linear",
    "max_grad_norm": 1.0,
    "hidden_dropout": None,
    "attention_dropout": None,
    "adam_beta1": 0.9,
    "adam_beta2": 0.999,
    "adam_epsilon": 1e-8,
}


def test_the_untuned_values_are_the_documented_ones() -> None:
    assert HParams().to_dict() == DEFAULTS
    assert HYPERPARAMETERS.complete({}) == DEFAULTS
    assert HYPERPARAMETERS.mutable == ("learning_rate", "weight_decay", "batch_size")


@pytest.mark.parametrize("name", DEFAULTS)
def test_each_hyperparameter_of_finetune_has_its_limits(name: str) -> None:
    within, beyond = LIMITS[name]
    for value in within:
        assert getattr(HParams.from_dict({name: value}), name) == value
    for value in beyond:
        with pytest.raises(HParamError, match=name):
            HParams.from_dict({name: value})


def test_whole_numbers_are_kept_as_such() -> None:
    """As a searcher that works on real numbers gives them."""
    made = HParams(batch_size=16.0, num_epochs=2.0)  # type: ignore[arg-type]
    assert [type(value) for value in (made.batch_size, made.num_epochs)] == [int, int]


def test_the_hyperparameters_that_not_every_model_can_apply_are_those_set() -> None:
    assert HParams(hidden_dropout=0.0).of_the_model == {"hidden_dropout"}
    assert HParams().of_the_model == frozenset()
