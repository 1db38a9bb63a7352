"""From composed configuration to dataclasses."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from tuneoff.commands.composition import CONF, composed, to_plain
from tuneoff.config import RunConfig
from tuneoff.config.reading import from_plain
from tuneoff.errors import UserError
from tuneoff.training.hparams import HParams


def plain(*overrides: str) -> dict[str, Any]:
    return to_plain(composed(overrides))


def config(*overrides: str) -> RunConfig:
    return from_plain(plain(*overrides))


def test_the_defaults_are_those_of_the_training_function():
    assert config().hparams == HParams().to_dict()


def choices(group: str) -> list[str]:
    return sorted(p.stem for p in (CONF / group).glob("*.yaml"))


@pytest.mark.parametrize(
    "override",
    [
        *(f"algorithm={a}" for a in choices("algorithm") if a != "pbt_replay"),
        *(f"model={m}" for m in choices("model") if m != "script"),
        *(f"task={t}" for t in choices("task") if t not in ("csv", "script")),
        *(f"price={p}" for p in choices("price") if p != "custom"),
        *(f"protocol={p}" for p in choices("protocol")),
    ],
)
def test_every_choice_composes(override):
    assert config(override)


@pytest.mark.parametrize("algorithm", [a for a in choices("algorithm") if a != "pbt_replay"])
def test_the_published_experiment_is_one_word_for_every_algorithm(algorithm):
    found = config("preset=blog2020", f"algorithm={algorithm}")
    assert (found.task.kind, found.model.name, found.protocol.name, found.price.name) == (
        "rte",
        "bert-base",
        "blog2020",
        "v100-2020",
    )
    assert found.study == "blog2020"


def test_the_published_settings_are_those_of_the_write_up():
    grid = config("preset=blog2020", "algorithm=grid")
    assert len(list(grid.space.grid(3))) == 18
    assert grid.algorithm.trials is None
    bayes = config("preset=blog2020", "algorithm=bayesopt").algorithm
    assert (bayes.trials, bayes.searcher.settings.initial_points) == (60, 15)
    assert (bayes.scheduler.settings.grace_epochs, bayes.scheduler.settings.reduction_factor) == (1, 4)
    pbt = config("preset=blog2020", "algorithm=pbt_2020").algorithm
    assert pbt.trials == 8
    assert pbt.scheduler.settings.resume == "trainer_2020"
    assert not pbt.scheduler.settings.clip
    assert config("preset=blog2020", "algorithm=pbt").space.domains["learning_rate"].high == 5e-5


def test_everything_of_a_preset_can_be_overridden():
    found = config("preset=blog2020", "algorithm=pbt", "model=micro", "task=entail", "algorithm.trials=3", "study=mine")
    assert (found.task.kind, found.model.name, found.algorithm.trials, found.study) == ("entail", "micro", 3, "mine")


def test_the_hash_ignores_how_a_run_is_shown_and_nothing_else():
    base = config().hash
    assert config("view=quiet", "results=/elsewhere", "retrain=5", "keep=winner").hash == base
    for other in (
        "seed=1",
        "repeat=1",
        "algorithm=grid",
        "hparams.batch_size=16",
        "training.precision=bf16",
        "price=v100-2020",
        "budget=epochs:5",
    ):
        assert config(other).hash != base, other


def test_graphs_are_captured_where_they_can_be_or_never():
    assert config().training.cuda_graphs == "auto"
    assert config("training.cuda_graphs=off").training.cuda_graphs == "off"
    with pytest.raises(UserError, match=r"training\.cuda_graphs is 'on', but it must be one of auto, off"):
        config("training.cuda_graphs=on")


def test_unknown_and_missing_keys_are_errors():
    with pytest.raises(UserError, match="stduy is not a setting: did you mean study"):
        from_plain({**plain(), "stduy": 1})
    values = plain()
    del values["seed"]
    with pytest.raises(UserError, match="seed is missing"):
        from_plain(values)


def test_a_listed_price_keeps_its_figure():
    with pytest.raises(UserError, match="price=custom"):
        config("price.per_device_hour_usd=1.2")
    assert config("price=custom", "price.per_device_hour_usd=1.2").price.per_device_hour_usd == 1.2


@pytest.mark.parametrize(("space", "epochs"), [("{type:choice,values:[2,5,3]}", 5), ("{type:int,low:2,high:4}", 4)])
def test_the_longest_trial_is_known_from_the_space(space, epochs):
    assert config(f"+space.num_epochs={space}").max_epochs == epochs
    assert config("hparams.num_epochs=7").max_epochs == 7


def test_modules_of_the_users_own_are_imported_before_the_settings_are_read(tmp_path, monkeypatch):
    (tmp_path / "my_parts.py").write_text("LOADED = True\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert config("plugins=[my_parts]").plugins == config("plugins=my_parts").plugins == ("my_parts",)
    assert sys.modules.pop("my_parts").LOADED
    assert config("plugins=[my_parts]").hash == config().hash
    with pytest.raises(UserError, match="plugins names 'no_such_module', but importing it failed"):
        config("plugins=[no_such_module]", "hparams.batch_size=0")


@pytest.mark.parametrize("value", ["3", "[a,1]", "null", "[a/b]", "my-parts"])
def test_plugins_are_a_list_of_module_names(value):
    with pytest.raises(UserError, match=r"plugins is .*, but it must be a list of modules"):
        config(f"plugins={value}")


def test_a_recording_on_other_test_rows_is_another_search():
    some, more = (config("algorithm=record", f"record.test_rows={rows}") for rows in (100, 200))
    assert some.hash != more.hash
    assert some.request().test_rows == 100
