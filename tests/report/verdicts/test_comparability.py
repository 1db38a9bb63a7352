"""Two studies: may their numbers be compared, and what differs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import synthetic as syn

from tuneoff.commands.report import main
from tuneoff.records.schema import Cell
from tuneoff.report.verdicts.comparability import Comparison, changes, compare

DATA = {"n_train": 1000, "source_rows": {"train": 5}, "split_sha256": "a", "encoded_sha256": "b", "model_sha256": "c"}
SPACE = {"learning_rate": {"low": 1e-5, "high": 1e-4}, "batch_size": [16, 32]}


def made(study: str = "one", **others: Any) -> list[Cell]:
    return [syn.search("grid", k, quality=0.7, study=study, **{"data": DATA, "space": SPACE, **others}) for k in range(2)]


def against(**others: Any) -> Comparison:
    return compare(("one", "two"), made(), made("two", **others))


def test_the_same_study_twice_is_comparable_and_nothing_differs_but_nothing() -> None:
    found = against()
    assert found.comparable
    assert found.unknown == ()
    assert found.text().startswith("one and two are comparable.")
    assert len(found.differences) == 1
    assert "repeats 0 and 1" in found.differences[0]


@pytest.mark.parametrize(
    ("others", "words"),
    [
        ({"protocol_version": "1.1"}, "protocol version 1.0 against 1.1"),
        ({"data": {**DATA, "split_sha256": "z"}}, "split_sha256 differs in repeats 0 and 1"),
        (
            {"space": {**SPACE, "batch_size": [16]}},
            "space of grid on rte with bert-base (heldout, accuracy) differs: batch_size",
        ),
        ({"metric": "f1"}, "no task, model, protocol and metric in common"),
        ({"protocol": "blog2020"}, "no task, model, protocol and metric in common"),
    ],
)
def test_what_stands_in_the_way_is_named(others: dict[str, Any], words: str) -> None:
    if "metric" in others:
        found = compare(("one", "two"), made(), [syn.cell([syn.start()], study="two", **others)])
    else:
        found = against(**others)
    assert not found.comparable
    assert any(words in o for o in found.obstacles)
    assert "NOT comparable" in found.text()


def test_a_patch_version_changes_nothing() -> None:
    assert against(protocol_version="1.0.3").comparable


def test_what_a_header_lacks_is_unknown_and_not_the_same() -> None:
    found = compare(("one", "two"), made(data={"n_train": 10}, space={}), made("two", data={"n_train": 10}, space={}))
    assert any("no split_sha256" in u for u in found.unknown)
    assert any("space of grid" in u for u in found.unknown)
    assert "not all could" in found.text()


def test_code_machine_and_configuration_are_said_to_differ_and_stand_in_nobodys_way() -> None:
    found = against(
        git={"commit": "abc"},
        versions={"torch": "2.11"},
        hardware={"cpu": "other"},
        config={"repeat": 7, "budget": {"epochs": 9}},
    )
    assert found.comparable
    text = found.text()
    for what in ('git: commit: – against "abc"', "versions: torch", "hardware: cpu", "config of grid: budget"):
        assert what in text
    assert "repeat: 7" not in text


def test_it_is_the_same_from_the_other_side() -> None:
    one, two = made(), made("two", data={**DATA, "split_sha256": "z"})
    here, there = compare(("one", "two"), one, two), compare(("two", "one"), two, one)
    assert here.obstacles == there.obstacles
    assert len(here.differences) == len(there.differences)


def test_changes_go_into_what_is_nested() -> None:
    assert list(changes({"a": {"b": 1, "c": 2}}, {"a": {"b": 1}, "d": 3})) == [("a.c", 2, None), ("d", None, 3)]


def test_the_command_compares_two_and_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for cell in (*made(), *made("two", data={**DATA, "split_sha256": "z"})):
        syn.write(tmp_path, cell)
    assert main(["one", "two", "--results", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("one and two are NOT comparable.")
    assert not list(tmp_path.rglob("report"))
