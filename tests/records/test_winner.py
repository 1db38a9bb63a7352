"""What a search found: read from its records, written into its folder, and trained again by its command."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from tests.records.test_recipe import POPULATION, evaluation
from tests.report import synthetic as syn
from tests.test_config import config
from tuneoff.commands.arguments import read_command_line
from tuneoff.commands.composition import composed, to_plain
from tuneoff.config import RunConfig
from tuneoff.config.reading import from_plain
from tuneoff.records.schema import Cell
from tuneoff.records.winner import short, winner_of, write_winner
from tuneoff.seeds import derive, trial_seed
from tuneoff.study.plan import build_search

RUN = "tuneoff run "


def searched(*settings: str, **values: Any) -> tuple[RunConfig, Cell]:
    """A search by this command, and its cell: one evaluation, of a drawn point, with `values` in it."""
    given = config(*read_command_line(settings).for_hydra)
    point = {**given.hparams, **given.space.sample(np.random.default_rng(3)), **values}
    head = syn.header(
        given.algorithm.name,
        config=given.raw,
        space=given.raw["space"],
        command=RUN + " ".join(map(shlex.quote, settings)),
        study=given.study,
    )
    return given, Cell(path=Path("x"), header=head, records=(syn.evaluation("t000", 1, 0.7, 5.0, hparams=point),))


def trained_by(command: str) -> RunConfig:
    words = shlex.split(command)
    assert words[:2] == RUN.split()
    return from_plain(to_plain(composed(read_command_line(words[2:]).for_hydra)))


@pytest.mark.parametrize(
    "settings",
    [
        ("algorithm=random",),
        (),
        ("algorithm=pbt", "trials=4", "budget=epochs:24", "retrain=2", "hparams.num_epochs=5", "hparams.lr_schedule=cosine"),
        ("preset=blog2020", "algorithm=pbt", "model=micro", "task=entail"),
        ("algorithm=hyperopt", "+algorithm.searcher.initial_points=7", "space.weight_decay=null", "study=2024", "repeat=3"),
        ("algorithm=grid", "+space.warmup_ratio={type:choice,values:[0.0,0.125]}", "task.train_rows=300", "energy=USA"),
        (
            *("engine=hf_trainer", "engine.make=tests.training.hf.glue_script:make_trainer", "algorithm=random"),
            *("+hparams.data_dir=\"a 'b' (1)\\\\\"", "+space.hidden_dropout={type:float,low:0.0,high:0.2}"),
        ),
    ],
    ids=lambda settings: " ".join(settings)[:40] or "nothing",
)
def test_the_command_trains_exactly_what_won(settings):
    given, cell = searched(*settings)
    winner = winner_of(cell)
    again = trained_by(winner.command)
    (point,) = [build_search(again, slots=1, devices=1).propose()]
    assert {**again.hparams, **point} == dict(winner.hparams), winner.command
    assert again.algorithm.name == "default"
    assert again.study == f"{given.study}-{given.algorithm.name}-winner", "beside the search, not in its place"
    assert (again.budget, again.retrain, again.energy) == (None, 0, None)
    for same in ("task", "model", "protocol", "repeat", "training", "engine", "seed"):
        assert getattr(again, same) == getattr(given, same), same


def test_values_survive_the_shell_and_hydra():
    awkward = {"learning_rate": 3.0517578125e-05, "weight_decay": 0.0, "hidden_dropout": None, "batch_size": 16}
    _, cell = searched("algorithm=random", "+space.hidden_dropout={type:choice,values:[0.1,null]}", **awkward)
    assert {name: trained_by(winner_of(cell).command).hparams[name] for name in awkward} == awkward


def test_a_command_of_older_records_is_read_as_well():
    _, cell = searched("algorithm=random", "task.train_rows=300")
    old = replace(cell, header=replace(cell.header, command=cell.header.command.replace(RUN, "python -m benchmarks.run ")))
    assert winner_of(old).command == winner_of(cell).command
    assert " task.train_rows=300 " in winner_of(old).command


def population() -> Cell:
    given = config("algorithm=pbt")
    head = syn.header("pbt", config=given.raw, space=given.raw["space"], command=RUN + "algorithm=pbt", seeds=derive(2020, 0))
    return Cell(path=Path("x"), header=head, records=POPULATION)


def test_inherited_weights_have_a_schedule_and_a_command_that_follows_it(tmp_path):
    cell = replace(population(), path=tmp_path)
    winner = winner_of(cell)
    assert winner.changes == 2
    assert winner.command == (
        "tuneoff run algorithm=pbt_replay study=demo-pbt-winner "
        "algorithm.searcher.source=results/demo/rte-bert-base/pbt/repeat-0"
    )
    facts = yaml.safe_load(write_winner(winner).read_text())
    assert [(part["until_examples"], part["hparams"]["learning_rate"]) for part in facts["schedule"]] == [
        (100, 2e-5),
        (200, 4e-5),
        (300, 5e-5),
    ]
    assert facts["hparams"]["learning_rate"] == 5e-5
    assert facts["seeds"]["weights"] == trial_seed(facts["seeds"]["training"], "t001"), "whose weights they were at first"


def test_the_file_says_scores_cost_and_where_they_come_from(tmp_path):
    _, cell = searched("algorithm=random")
    best = replace(cell.evaluations[0], test=syn.score(0.65, 139))
    records = (syn.start(devices=2), best, syn.trial_end("t000", 100.0), syn.end(elapsed=180.0))
    path = write_winner(winner_of(replace(cell, path=tmp_path, records=records)))
    assert path == tmp_path / "winner.yaml"
    assert [file.name for file in tmp_path.iterdir()] == ["winner.yaml"], "no half-written one is left"
    facts = yaml.safe_load(path.read_text())
    assert facts["hparams"] == dict(best.hparams)
    assert (facts["validation"], facts["test"]) == ({"accuracy": 0.7}, {"accuracy": 0.65})
    assert facts["schedule"] is facts["model"] is None
    assert facts["cost"]["charged_device_seconds"] == 360.0
    assert facts["cost"]["dollars"] == pytest.approx(0.306)
    assert (facts["search"], facts["trial"], facts["evaluation"]) == ("rte-bert-base/random/repeat-0", "t000", 1)
    assert facts["command"].startswith("tuneoff run algorithm=default ")


def test_a_search_from_python_is_trained_again_from_python():
    engine = {"name": "hf_trainer", "make": "my_script:make_it", "metric": "eval_accuracy", "direction": "maximise"}
    head = syn.header("pbt", command="tuneoff.search(my_script:make_it, algorithm='pbt')", config={"engine": engine})
    record = evaluation("t000", 1, 100, 1e-5, 0.5)
    call = winner_of(Cell(path=Path("x"), header=head, records=(record,))).command
    seen: dict[str, Any] = {}
    exec(call, {"tuneoff": type("T", (), {"search": lambda make, **named: seen.update(named, make=make)}), "make_it": 1})
    assert (seen["make"], seen["algorithm"], seen["metric"], seen["study"]) == (
        1,
        "default",
        "eval_accuracy",
        "demo-pbt-winner",
    )
    assert seen["hparams"] == {name: value for name, value in record.hparams.items() if value is not None}


def test_a_cell_without_an_evaluation_has_no_winner():
    with pytest.raises(LookupError):
        winner_of(replace(population(), records=()))


def test_hyperparameters_are_rounded_for_readers_only():
    assert short({"learning_rate": 0.00031415926, "batch_size": 16, "hidden_dropout": None}) == (
        "learning_rate 0.0003142, batch_size 16, hidden_dropout its own"
    )
