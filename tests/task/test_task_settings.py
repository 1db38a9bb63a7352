from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

import tuneoff
from tuneoff.task import ProtocolSettings, TaskError, TaskSettings, TrainLimit, load_task
from tuneoff.task.settings import SETTINGS, EntailSettings, TableSettings

CONF = Path(tuneoff.__file__).parent / "conf"
TABLE = {"kind": "csv", "train_file": "a.csv", "text_a": "text", "label": "label"}


def test_every_task_file_in_conf_builds_its_settings_with_their_documented_defaults() -> None:
    for path in sorted(set((CONF / "task").glob("*.yaml")) - {CONF / "task" / "script.yaml"}):  # whose name is a script's
        values = yaml.safe_load(path.read_text())
        given = {**values, **{k: v for k, v in TABLE.items() if values["kind"] == "csv"}}
        assert TaskSettings.from_dict(given) == TaskSettings.from_dict(
            {**TABLE, "kind": values["kind"]} if values["kind"] == "csv" else {"kind": values["kind"]}
        )
        assert all("#" in line for line in path.read_text().splitlines()[2:]), path


def test_every_protocol_file_in_conf_states_the_defaults() -> None:
    for path in sorted((CONF / "protocol").glob("*.yaml")):
        assert ProtocolSettings.from_dict(yaml.safe_load(path.read_text())) == ProtocolSettings(name=path.stem)


def test_every_kind_has_settings_a_loader_and_a_file() -> None:
    assert set(SETTINGS) == {p.stem for p in (CONF / "task").glob("*.yaml")}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"kind": "glue"}, r"task.kind is 'glue', but it must be one of entail, cola, sst2"),
        ({"kind": ["rte"]}, "task.kind is"),
        ({}, "task.kind is (None|null)"),
        ({"kind": "rte", "train_rows": 5}, "task.train_rows is not a setting of task.kind=rte: there are kind, name"),
        ({"kind": "rte", "name": "a/b"}, "task.name is 'a/b', but it becomes a folder's name"),
        ({"kind": "rte", "name": 3}, "task.name is 3"),
        ({"kind": "rte", "seed": -1}, "task.seed is -1, but it must be a whole number of at least 0"),
        ({"kind": "rte", "seed": True}, "task.seed is True"),
        ({"kind": "rte", "max_train_rows": 3}, "task.max_train_rows is 3, but it must be a whole number of at least 10"),
        ({"kind": "rte", "max_train_rows": 99.5}, "task.max_train_rows is 99.5"),
        (
            {"kind": "rte", "metrics": ["acc"]},
            "'acc' is not a metric: there are accuracy, f1, macro_f1, mae, matthews, micro_f1, objective, pearson",
        ),
        ({"kind": "rte", "metrics": []}, "task.metrics is empty"),
        ({"kind": "rte", "metrics": ["f1", "f1"]}, "each metric must appear once"),
        ({"kind": "rte", "files": 3}, "task.files is 3, but it must be the folder"),
        ({"kind": "entail", "dev_rows": 0}, "task.dev_rows is 0"),
        ({**TABLE, "train_file": None}, "task.train_file is null, but task.kind=csv needs it: give the training rows"),
        ({k: v for k, v in TABLE.items() if k != "label"}, "task.label is null, but task.kind=csv needs it"),
        ({**TABLE, "text_b": "text"}, "they must differ"),
        ({**TABLE, "delimiter": "||"}, r"task.delimiter is '\|\|', but it must be one character"),
        ({**TABLE, "quoting": "single"}, "task.quoting is 'single', but it must be one of double, none"),
        ({**TABLE, "dev_file": 1}, "task.dev_file is 1"),
    ],
)
def test_a_bad_task_setting_is_named_with_its_value_and_rule(values: dict[str, Any], message: str) -> None:
    with pytest.raises(TaskError, match=message):
        TaskSettings.from_dict(values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"name": "kfold"}, "protocol.name is 'kfold', but it must be one of heldout, blog2020"),
        ({"name": "blog2020", "validation_fraction": 0.5}, "is not a setting of protocol=blog2020: there are name"),
        ({"name": "heldout", "folds": 5}, "protocol.folds is not a setting of protocol=heldout"),
        ({"name": "heldout", "validation_fraction": 1}, "protocol.validation_fraction is 1, but it must be above 0"),
        ({"name": "heldout", "validation_rows": 1}, "protocol.validation_rows is 1"),
        ({"name": "heldout", "group_by": "text"}, "protocol.group_by is 'text', but it must be one of sentence, text_a"),
        ({"name": "heldout", "drop_test_overlap": "yes"}, "protocol.drop_test_overlap is 'yes'"),
        ({"name": "heldout", "test_seed": None}, "protocol.test_seed is null"),
        ({"name": "heldout", "validation_from": "test"}, "protocol.validation_from is 'test'"),
    ],
)
def test_a_bad_protocol_setting_is_named_with_its_value_and_rule(values: dict[str, Any], message: str) -> None:
    with pytest.raises(TaskError, match=message):
        ProtocolSettings.from_dict(values)


def test_command_line_spellings_are_understood() -> None:
    settings = TaskSettings.from_dict({**TABLE, "metrics": "macro_f1", "delimiter": "tab", "text_b": 2, "name": "mine"})
    assert isinstance(settings, TableSettings)
    assert (settings.metrics, settings.delimiter, settings.text_b, settings.name) == (("macro_f1",), "\t", "2", "mine")


def test_entail_passes_every_setting_on() -> None:
    base: dict[str, Any] = {"kind": "entail", "name": "e", "train_rows": 40, "dev_rows": 20, "test_rows": 30, "seed": 1}
    task = load_task(TaskSettings.from_dict(base))
    assert {name: len(rows) for name, rows in task.splits.items()} == {"train": 40, "dev": 20, "test": 30}
    assert task.name == "e"
    other = load_task(EntailSettings(kind="entail", name="e", train_rows=40, dev_rows=20, test_rows=30, seed=2))
    assert other.splits["test"].text_a != task.splits["test"].text_a


def test_metrics_and_max_train_rows_reach_the_task_of_any_kind() -> None:
    base: dict[str, Any] = {"kind": "entail", "train_rows": 200, "dev_rows": 20, "test_rows": 20}
    whole = load_task(TaskSettings.from_dict(base))
    cut = load_task(TaskSettings.from_dict({**base, "max_train_rows": 50, "metrics": ["f1", "accuracy"], "seed": 20}))
    assert whole.train_limit is None
    assert (cut.metrics, cut.train_limit) == (("f1", "accuracy"), TrainLimit(rows=50, seed=20))
    assert cut.splits["train"].text_a == whole.splits["train"].text_a
