"""What cells must share to be averaged: the task's data, the test rows, the model's weights."""

from __future__ import annotations

import copy
import hashlib
from dataclasses import replace
from typing import Any

import pytest

from tests.records.test_store import HEADER
from tuneoff.records.identity import IDENTITY, MODEL_WEIGHTS, TASK_DATA, TEST_ROWS, UNKNOWN, digest, identity, identity_of

DATA: dict[str, Any] = {
    "source_rows": {"train": "aa", "dev": "bb"},
    "positive": "fraud",
    "parts": {"test": {"from": "dev", "index": "cc"}},
    "model_sha256": "dd",
}
CONFIG: dict[str, Any] = {"task": {"max_train_rows": 300}}


def changed(*path: str, to: Any, config: bool = False) -> dict[str, str]:
    data, settings = copy.deepcopy(DATA), copy.deepcopy(CONFIG)
    place = settings if config else data
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = to
    return identity_of(data, settings)


@pytest.mark.parametrize(
    ("made", "different"),
    [
        (changed("source_rows", "train", to="other"), {TASK_DATA}),
        (changed("positive", to="legit"), {TASK_DATA}),
        (changed("task", "max_train_rows", to=200, config=True), {TASK_DATA}),
        (changed("task", "name", to="other", config=True), set()),
        (changed("parts", "test", "from", to="train"), {TEST_ROWS}),
        (changed("parts", "test", "index", to="other"), {TEST_ROWS}),
        (changed("model_sha256", to="other"), {MODEL_WEIGHTS}),
    ],
)
def test_each_fact_changes_what_it_stands_for_and_nothing_else(made: dict[str, str], different: set[str]) -> None:
    whole = identity_of(DATA, CONFIG)
    assert {name for name in IDENTITY if made[name] != whole[name]} == different


def test_what_a_header_lacks_is_unknown() -> None:
    assert identity_of({}, {}) == dict.fromkeys(IDENTITY, UNKNOWN)
    assert identity_of({"parts": {"test": {"from": "dev"}}}, {"task": "rte"})[TEST_ROWS] == UNKNOWN


def test_a_headers_identity_is_that_of_its_data_and_configuration() -> None:
    assert identity(replace(HEADER, data=DATA, config=CONFIG)) == identity_of(DATA, CONFIG)
    assert UNKNOWN not in identity_of(DATA, CONFIG).values()


def test_a_digest_is_of_the_contents_in_any_order() -> None:
    assert digest({"b": 1, "a": 2}) == digest({"a": 2, "b": 1}) == hashlib.sha256(b'{"a": 2, "b": 1}').hexdigest()[:12]
