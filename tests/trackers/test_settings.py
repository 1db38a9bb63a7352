"""Trackers are found by name and checked before anything is started; keys are nowhere but in the environment."""

from __future__ import annotations

from dataclasses import asdict

import pytest
import yaml

from tests.commands.answer import complaint, read
from tuneoff.commands.arguments import read_command_line
from tuneoff.commands.composition import CONF
from tuneoff.trackers import settings as tracker_settings
from tuneoff.trackers.contracts import Tracker
from tuneoff.trackers.secrets import must_hold_no_password
from tuneoff.trackers.settings import choose, chosen_trackers

NAMES = sorted(path.stem for path in (CONF / "tracker").glob("*.yaml"))


@pytest.fixture
def all_installed(monkeypatch):
    monkeypatch.setattr(tracker_settings, "find_spec", lambda name: name)


@pytest.mark.parametrize("name", NAMES)
def test_the_yaml_repeats_the_defaults_of_the_class(name, all_installed):
    text = (CONF / "tracker" / f"{name}.yaml").read_text()
    assert text.startswith(f"# @package tracker.{name}\n# ")
    assert yaml.safe_load(text) == asdict(choose(name, {}).settings)
    assert issubclass(choose(name, {}).kind, Tracker)


def test_none_is_chosen_by_default_and_several_can_be():
    assert read().tracker == {}
    assert list(read("tracker=mlflow").tracker) == ["mlflow"]
    assert list(read("tracker=[mlflow,tensorboard]").tracker) == ["mlflow", "tensorboard"]
    assert read_command_line(["-m", "tracker=[mlflow,tensorboard]", "algorithm=pbt,random"]).cells == 2
    assert read("tracker=mlflow", "tracker.mlflow.uri=http://host:5000").tracker["mlflow"]["uri"] == "http://host:5000"


def test_a_tracker_is_not_in_the_configurations_hash():
    assert read("tracker=[mlflow,wandb]").hash == read().hash


def test_an_unknown_tracker_is_an_error():
    assert "must be one of mlflow" in complaint("tracker=mlfow")


def test_an_unknown_setting_is_an_error_that_does_not_repeat_its_value(all_installed):
    with pytest.raises(ValueError, match=r"tracker\.wandb\.api_key is not a setting.*environment") as error:
        chosen_trackers({"wandb": {"api_key": "hidden-0123456789"}})
    assert "hidden" not in str(error.value)


def test_a_tracker_that_is_not_installed_names_the_extra(monkeypatch):
    monkeypatch.setattr(tracker_settings, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"tracker=tensorboard needs .*pip install 'tuneoff\[tensorboard\]'"):
        choose("tensorboard", {})


def test_an_address_with_a_password_is_refused_without_repeating_it():
    with pytest.raises(ValueError, match="holds a user's name or password") as error:
        must_hold_no_password("tracker.mlflow.uri", "http://me:hidden@host", "give it in MLFLOW_TRACKING_PASSWORD")
    assert "hidden" not in str(error.value)
    must_hold_no_password("tracker.mlflow.uri", "sqlite:////a@b/c.db", "")
