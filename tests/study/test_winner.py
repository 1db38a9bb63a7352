"""What a finished search leaves for use, at whatever moment it is killed while it does so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tests.report import synthetic as syn
from tests.test_config import config
from tuneoff.execution.kept import keep
from tuneoff.execution.runtime import Slots
from tuneoff.records.schema import Cell
from tuneoff.records.store import KEPT_FOLDER, LogWriter, write_header
from tuneoff.study.model_card import _example
from tuneoff.study.session import Ready
from tuneoff.study.winner import leave_winner
from tuneoff.training.protocol import Prepared, State

STATE = State(arrays={}, numbers={"value": 0.5}, examples_seen=3, epoch=1.0)
DATA = {"n_train": 100, "labels": ["no", "yes"], "precision": {"chosen": "bf16"}, "cautions": ["few rows"]}


@pytest.fixture
def given(tmp_path: Path) -> tuple[Ready, Cell]:
    """A search whose winner's weights are kept. Exporting writes a file with the state's number in it."""
    asked = config(f"results={tmp_path}", "keep=winner", "algorithm=random")
    name = keep(asked.cell / KEPT_FOLDER, "t000", STATE)
    head = syn.header("random", config=asked.raw, space=asked.raw["space"], data=DATA)
    best = syn.evaluation("t000", 1, 0.75, 5.0, test=0.625, kept=name)
    write_header(asked.cell, head)
    with LogWriter(asked.cell) as log:
        for record in (syn.start(devices=1), best, syn.trial_end("t000", 6.0), syn.end(elapsed=60.0)):
            log.append(record)

    def export(state: State, hparams: object, folder: Path) -> None:
        (folder / "weights").write_text(f"{state.numbers['value']} {hparams}")

    prepared = Prepared(facts=DATA, metrics=("accuracy",), device="cpu", make_recipe=None, export=export)  # type: ignore[arg-type]
    ready = Ready(config=asked, slots=Slots(count=1, devices=1, device_kind="cpu"), prepared=prepared, workers=())
    return ready, Cell(path=asked.cell, header=head, records=(best,))


def test_the_winners_model_has_a_card_with_what_it_is_and_the_kept_weights_go(given):
    ready, cell = given
    leave_winner(ready, pytest.fail)
    assert sorted(path.name for path in cell.path.iterdir()) == ["model", "run.json", "trials.jsonl", "winner.yaml"]
    assert (cell.path / "model" / "weights").read_text() == f"0.5 {dict(cell.evaluations[0].hparams)}"
    facts = yaml.safe_load((cell.path / "winner.yaml").read_text())
    assert facts["model"] == "model"
    card = (cell.path / "model" / "README.md").read_text()
    assert yaml.safe_load(card.split("---")[1])["library_name"] == "transformers"
    for part in (
        *("# bert-base on rte", "| accuracy | 0.7500 | 0.6250 |", "n = 138", "n = 139", "Protocol heldout", "trial t000"),
        *("$0.051 at $3.06 an hour", "learning_rate: 3.0e-05", facts["command"], "Caution: few rows", "scored in bf16"),
        'AutoModelForSequenceClassification.from_pretrained("FOLDER")',
    ):
        assert part in card, part
    assert str(cell.path) not in card


def test_the_code_on_the_card_runs_as_it_stands(given, monkeypatch, capsys):
    ready, cell = given
    model = "assets/micro"
    monkeypatch.chdir(Path(__import__("tuneoff").__file__).parent)
    leave_winner(ready, pytest.fail)
    code = (cell.path / "model" / "README.md").read_text().split("```python\n")[1].split("```")[0]
    exec(code.replace("FOLDER", model), {})
    assert "LABEL_" in capsys.readouterr().out


def test_the_card_of_several_labels_a_row_asks_for_all_of_them():
    code = _example({"kind": "multilabel", "labels": ["a", "b"]})
    assert "if x > 0] for row in logits.tolist()" in code
    assert "argmax" not in code
    assert "print" not in _example({"kind": "regression", "labels": []})


def test_killed_while_the_model_is_written_it_is_written_again_and_never_half(given):
    ready, cell = given

    def dies(state: State, hparams: object, folder: Path) -> None:
        (folder / "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        leave_winner(replace(ready, prepared=replace(ready.prepared, export=dies)), pytest.fail)
    assert not (cell.path / "model").exists()
    leave_winner(ready, pytest.fail)
    assert sorted(path.name for path in (cell.path / "model").iterdir()) == ["README.md", "weights"]
    leave_winner(replace(ready, prepared=replace(ready.prepared, export=dies)), pytest.fail)  # it is there
    assert (cell.path / "model" / "weights").exists()
    assert not (cell.path / "model.tmp").exists()


def test_weights_that_were_lost_are_said_and_the_rest_is_left(given):
    ready, cell = given
    for path in (cell.path / KEPT_FOLDER).iterdir():
        path.unlink()
    notes: list[str] = []
    leave_winner(ready, notes.append)
    assert "there is no model" in notes[0]
    assert yaml.safe_load((cell.path / "winner.yaml").read_text())["model"] is None


def test_without_keep_there_is_no_model(given):
    ready, cell = given
    leave_winner(replace(ready, config=replace(ready.config, keep=None)), pytest.fail)
    assert sorted(path.name for path in cell.path.iterdir()) == ["run.json", "trials.jsonl", "winner.yaml"]
