"""Label, colour, role and order of algorithms come from their headers."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
import synthetic as syn

from tuneoff.algorithms.presentation import Presentation, derived_color, packaged_presentation
from tuneoff.algorithms.settings import AlgorithmError
from tuneoff.report.algorithms import Algorithms
from tuneoff.report.frames import build_frames
from tuneoff.report.verdicts.findings import find

OURS = ("default", "random", "grid", "bayesopt", "hyperopt", "pbt", "random_asha", "pbt_replay", "pbt_2020")


def declaring(algorithm: str, **settings: str) -> dict[str, object]:
    return {"algorithm": {"name": algorithm, **settings}}


def test_our_own_algorithms_declare_different_colours() -> None:
    colors = [packaged_presentation(name).color for name in OURS]
    assert len(set(colors)) == len(OURS)
    assert None not in colors


def test_roles_put_baselines_first_and_replicas_last() -> None:
    assert Algorithms.of_names(["pbt", "pbt_2020", "zeta", "grid", "random", "default"]).order(
        ["pbt_2020", "zeta", "pbt", "grid", "random", "default"]
    ) == ["default", "random", "grid", "pbt", "zeta", "pbt_2020"]


def test_a_header_that_declares_nothing_gets_our_own_or_a_derived_colour() -> None:
    algorithms = Algorithms.of_headers([syn.header("grid"), syn.header("my_own")])
    assert algorithms.color("grid") == "#0072B2"
    assert algorithms.color("my_own") == derived_color("my_own")
    assert re.fullmatch("#[0-9A-F]{6}", derived_color("my_own"))


def test_what_a_header_declares_wins_over_our_yaml_of_the_same_name() -> None:
    head = syn.header("grid", config=declaring("grid", color="#123456", label="lattice", role="untuned"))
    algorithms = Algorithms.of_headers([head])
    assert algorithms.label("grid") == "lattice"
    assert algorithms.color("lattice") == "#123456"
    assert algorithms.untuned(["lattice"]) == "lattice"


def test_a_label_stands_in_tables_and_sentences_instead_of_the_name() -> None:
    config = declaring("mine", label="my search")
    cells = [syn.search("mine", k, quality=0.7, config=config) for k in range(2)]
    cells += [syn.search("random", k, quality=0.6) for k in range(2)]
    block, frames = next(build_frames(cells).blocks())
    assert set(frames.cells["algorithm"]) == {"random", "my search"}
    assert "my search and random are undecided" in find(block, frames).markdown()


def test_two_algorithms_with_one_label_are_never_taken_for_one() -> None:
    heads = [syn.header(name, config=declaring(name, label="same")) for name in ("a", "b")]
    assert set(Algorithms.of_headers(heads).by_label) == {"a", "b"}
    taken = [syn.header("a", config=declaring("a", label="b")), syn.header("b")]
    assert set(Algorithms.of_headers(taken).by_label) == {"a", "b"}


def test_a_replica_is_paired_with_its_original_in_either_order() -> None:
    algorithms = Algorithms.of_names(["pbt", "pbt_2020", "grid"])
    assert algorithms.replica_pair("pbt_2020", "pbt") == algorithms.replica_pair("pbt", "pbt_2020") == ("pbt", "pbt_2020")
    assert algorithms.replica_pair("grid", "pbt_2020") is None


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("color", "red"),
        ("color", 3),
        ("color", "#12345"),
        ("label", ""),
        ("label", 7),
        ("role", "best"),
        ("role", "replica of "),
    ],
)
def test_a_value_outside_its_rule_is_refused_by_name(setting: str, value: object) -> None:
    with pytest.raises(AlgorithmError, match=rf"algorithm\.{setting} is "):
        Presentation.from_dict({setting: value})


def test_markers_depend_on_the_name_alone() -> None:
    one, other = Algorithms.of_names(["grid"]), Algorithms.of_names(["grid", "pbt"])
    assert one.marker("grid") == other.marker("grid")
    assert replace(one.by_label["grid"], label="x").marker == one.marker("grid")
