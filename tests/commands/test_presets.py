"""A preset in one word: for every algorithm, from the package or from outside, with every setting still the user's."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_config import choices, config, plain
from tuneoff.algorithms.presentation import PRESENTATION_KEYS
from tuneoff.commands import presets
from tuneoff.commands.composition import CONF
from tuneoff.commands.presets import PresetError
from tuneoff.errors import UserError

PUBLISHED = json.loads(Path(__file__).with_name("published_settings.json").read_text())
"""Algorithm and space by algorithm, as they were composed when each had two files of its own."""


def test_every_search_of_ours_has_one_file() -> None:
    searches = set(choices("algorithm")) - {"record"}
    assert {p.stem for p in (CONF / "preset" / "blog2020").iterdir()} == searches == set(PUBLISHED)


def decisive(algorithm: dict[str, object]) -> dict[str, object]:
    """Without its label, colour and role, which decide nothing."""
    return {key: value for key, value in algorithm.items() if key not in PRESENTATION_KEYS}


@pytest.mark.parametrize("algorithm", PUBLISHED)
def test_the_published_settings_and_spaces_are_what_they_were_order_included(algorithm: str) -> None:
    source = ["algorithm.searcher.source=x"] if algorithm == "pbt_replay" else []
    found = plain("preset=blog2020", f"algorithm={algorithm}", *source)
    assert json.dumps(decisive(found["algorithm"])) == json.dumps(PUBLISHED[algorithm]["algorithm"])
    assert json.dumps(found["space"]) == json.dumps(PUBLISHED[algorithm]["space"])


def test_a_space_chosen_beside_a_preset_replaces_its_space_and_nothing_else() -> None:
    found = plain("preset=blog2020", "algorithm=bayesopt", "space=micro")
    assert found["space"] == plain("space=micro")["space"]
    assert decisive(found["algorithm"]) == PUBLISHED["bayesopt"]["algorithm"]


def test_a_part_of_a_presets_space_can_be_changed() -> None:
    found = config("preset=blog2020", "algorithm=pbt", "space.learning_rate.high=4e-5", "~space.num_epochs")
    assert found.space.domains["learning_rate"].high == 4e-5
    assert "num_epochs" not in found.space.domains


def composed_outside(folder: Path, *overrides: str) -> dict[str, object]:
    """As a command with --config-dir composes it, in a process of its own: Hydra's store is one a process."""
    code = (
        "import json; from tuneoff.commands.hydra_command import HydraCommand; "
        "from tuneoff.commands.composition import to_plain; "
        "HydraCommand(lambda configuration: print(json.dumps(to_plain(configuration)))).run()"
    )
    command = [sys.executable, "-c", code, *overrides, "--config-dir", str(folder)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def test_an_algorithm_from_outside_without_a_preset_file_has_its_own_settings_and_the_usual_space(tmp_path: Path) -> None:
    (tmp_path / "algorithm").mkdir()
    (tmp_path / "algorithm" / "mine.yaml").write_text(
        "name: mine\ntrials: 5\nsearcher: {name: random}\nscheduler: {name: none}\n"
    )
    found = composed_outside(tmp_path, "preset=blog2020", "algorithm=mine", "model=micro")
    assert found["algorithm"]["trials"] == 5
    assert found["space"] == plain("space=micro")["space"]
    assert found["task"]["name"] == "rte"


def test_an_algorithm_from_outside_may_bring_its_preset_file(tmp_path: Path) -> None:
    for folder in ("algorithm", "preset/blog2020"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "algorithm" / "mine.yaml").write_text(
        "name: mine\ntrials: 5\nsearcher: {name: random}\nscheduler: {name: none}\n"
    )
    (tmp_path / "preset" / "blog2020" / "mine.yaml").write_text(
        "algorithm: {trials: 9}\nspace:\n  weight_decay: {type: float, low: 0.0, high: 0.1}\n"
    )
    found = composed_outside(tmp_path, "preset=blog2020", "algorithm=mine")
    assert found["algorithm"]["trials"] == 9
    assert list(found["space"]) == ["weight_decay"]


@pytest.mark.parametrize("content", ["trials: 8\n", "- a\n", "space: nowhere\n"])
def test_a_preset_file_with_other_parts_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "pbt.yaml").write_text(content)
    with pytest.raises(PresetError, match=r"mine/\w+\.yaml must be a file with the parts algorithm and space"):
        presets.register(tmp_path)


@pytest.mark.parametrize(("engine", "name"), [("task_trainer", "hf_trainer"), ("finetune", "finetune")])
def test_the_published_example_on_mrpc_is_one_word_through_either_engine(engine: str, name: str) -> None:
    found = config("preset=blog2020_mrpc", f"engine={engine}")
    assert (found.task.kind, found.model.name, found.algorithm.name, found.algorithm.trials) == (
        "mrpc",
        "distilbert",
        "hyperopt",
        10,
    )
    assert (found.engine.name, found.study) == (name, f"blog2020_mrpc-{name}")
    assert found.task.metrics is not None
    assert found.task.metrics[0] == "objective"
    assert found.space.domains["batch_size"].values == (4, 8, 16, 32, 64)
    assert (found.space.domains["learning_rate"].low, found.space.domains["learning_rate"].high) == (1e-6, 1e-4)


def test_its_trainer_is_evaluated_every_500_steps_and_everything_can_be_changed() -> None:
    assert config("preset=blog2020_mrpc").hparams["eval_steps"] == 500
    found = config("preset=blog2020_mrpc", "algorithm=random", "model=micro", "hparams.eval_steps=50", "~space.num_epochs")
    assert (found.algorithm.trials, found.model.name, found.hparams["eval_steps"]) == (10, "micro", 50)
    assert "num_epochs" not in found.space.domains


def test_without_the_hub_its_trainer_says_which_models_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = config("preset=blog2020_mrpc", "task=entail", "task.train_rows=200", "task.metrics=[objective]")
    with pytest.raises(UserError, match=r"distilbert.*choose model=micro \(built in\), model=minilm"):
        found.engine.make().prepare(found.request("cpu"))
