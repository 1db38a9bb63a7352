"""A setting means what was typed: text stays text, whatever Hydra's grammar makes of its characters."""

from __future__ import annotations

from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given
from hypothesis import strategies as st

from tests.commands.answer import complaint, read
from tuneoff.commands.arguments import quoted, read_command_line

CSV = ("task=csv", "task.train_file=a.csv", "task.text_a=a", "task.label=b")


@pytest.mark.parametrize("name", ["2024", "1_000", "1e5", "true", "inf", "0x10", "01", "1.50", "plain-name_2.1"])
def test_a_name_that_looks_like_something_else_is_text(name: str) -> None:
    assert read(f"study={name}").study == name
    assert read(*CSV, f"task.label={name}").task.label == name  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "value",
    [
        "reviews (1).csv",
        "é",
        "#1 String",
        "a,b.csv",
        "it's",
        'say "x"',
        "a=b",
        "  spaced ",
        "[draft].csv",
        "{x}.csv",
        "'tis",
        "back\\slash\\",
        "C:\\x",
        "a;b&c",
        "日本",
        "<tag>",
        "50 % (net)",
        "$HOME",
    ],
)
def test_characters_that_hydra_dislikes_are_quoted_for_the_user(value: str) -> None:
    assert read(*CSV, f"task.train_file={value}").task.train_file == value  # type: ignore[attr-defined]


@given(st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=20).filter(lambda text: "${" not in text))
def test_quoted_text_is_read_as_itself(text: str) -> None:
    assert OverridesParser.create().parse_override(f"x={quoted(text)}").value() == text


def test_null_quotes_lists_and_interpolation_keep_their_meaning() -> None:
    assert read(*CSV, "task.text_b=null").task.text_b is None  # type: ignore[attr-defined]
    assert read("study='2024'").study == "2024"
    assert read("study=run-${seed}", "seed=7").study == "run-7"
    assert "study is ['a']" in complaint("study=[a]")


def test_what_needs_no_quotes_is_left_as_it_was_typed() -> None:
    typed = ("algorithm=grid", "study=demo", "task.train_file=data/a-b_c.csv", "hparams.num_epochs=2", "budget=epochs:3")
    assert read_command_line(typed).for_hydra == typed


def test_settings_of_a_sweep_are_quoted_one_by_one_and_counted() -> None:
    given = read_command_line(["study=2023,a b", "-m", "algorithm=grid,pbt", "repeat=range(0,3)", "seed=1"])
    assert given.for_hydra == ("-m", "study='2023',a b", "algorithm=grid,pbt", "repeat=range(0,3)", "seed=1")
    assert given.cells == 12
    assert tuple(given.swept) == ("study", "algorithm", "repeat")


def test_options_of_hydra_are_kept_with_their_values(tmp_path) -> None:
    given = read_command_line(["algorithm=grid", "--config-dir", str(tmp_path), "--cfg=job"])
    assert given.for_hydra == ("--config-dir", str(tmp_path), "--cfg=job", "algorithm=grid")
    assert given.config_dir == tmp_path


@pytest.mark.parametrize(
    ("argument", "form"), [("hparams.lr_schedule=a (b)", """'hparams.lr_schedule="a (b)"'"""), ("view=a#b", """'view="a#b"'""")]
)
def test_elsewhere_the_quoted_form_is_shown(argument: str, form: str) -> None:
    said = complaint(argument)
    assert form in said or "view is 'a#b'" in said


def test_a_home_folder_is_expanded() -> None:
    assert "~" not in str(read("results=~/x").results)
    assert complaint("results=~/x") == ""


def test_another_model_does_not_go_by_the_default_ones_name(tmp_path: Path) -> None:
    folder = tmp_path / "my bert (v2)"
    found = read(f"model.source={folder}", "space=bert")
    assert (found.model.source, found.model.name) == (str(folder), "my-bert-v2")
    assert read("model.source=org/Some-Model_1.0", "space=bert").model.name == "Some-Model_1.0"
    assert read("model.source=org/x", "space=bert", "model.name=mine").model.name == "mine"
    assert read("model=bert-base", f"model.source={folder}").model.name == "bert-base"
    assert read("preset=blog2020", f"model.source={folder}").model.name == "bert-base"


def test_another_model_needs_a_search_space() -> None:
    said = complaint("model.source=org/some-model")
    assert "no search space is known: give space=bert" in said
    assert "model.name=some-model" in said
    assert "give model=minilm, or another model.name=NAME and a space" in complaint("model.source=minilm")
