"""Foreign tables, read from files as their programs write them."""

from __future__ import annotations

import json
import math
import os
import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.replay.known import smooth_table
from tuneoff.errors import UserError
from tuneoff.replay.foreign import ForeignTrial, Options, format_names, read_foreign, space_of, table_of
from tuneoff.replay.resampling import random_search
from tuneoff.replay.table import TableError, checked
from tuneoff.space import Choice, Float, Int

OPDA = Path(os.environ.get("TUNEOFF_DATA", Path(__file__).parents[3] / "shared" / "data")) / "opda"
OPTIONS = Options()


def rows(n=16, epochs=3, **changes):
    rng = np.random.default_rng(0)
    found = []
    for i in range(n):
        x = float(10 ** rng.uniform(-5, -2))
        values = tuple(0.5 + 0.1 * k - 0.05 * (math.log10(x) + 3.5) ** 2 for k in range(1, epochs + 1))
        found.append(
            ForeignTrial(
                hparams={"lr": x, "batch": (16, 32)[i % 2], "model": "one"},
                validation=values,
                test=tuple(v - 0.02 for v in values),
                seconds=(2.0,) * epochs,
            )
        )
    return [replace(row, **changes) for row in found]


def csv_of(found, path):
    lines = [
        {"trial": f"run {i}", "step": k, "validation": v, "test": t, "seconds": s, **row.hparams}
        for i, row in enumerate(found)
        for k, (v, t, s) in enumerate(zip(row.validation, row.test, row.seconds, strict=True))
    ]
    pd.DataFrame(lines).sample(frac=1, random_state=0).to_csv(path, index=False)
    return path


def must_equal(table, expected):
    got = sorted((t.point["lr"], t.point["batch"], t.validation, t.test, t.train_seconds) for t in table.trials)
    want = sorted((r.hparams["lr"], r.hparams["batch"], r.validation, r.test, r.seconds) for r in expected)
    for one, other in zip(got, want, strict=True):
        assert one[:2] == pytest.approx(other[:2])
        assert all(a == pytest.approx(b) for a, b in zip(one[2:], other[2:], strict=True))


def test_csv_rows_in_any_order_are_trials_in_order_of_their_steps(tmp_path):
    table = read_foreign(csv_of(rows(), tmp_path / "t.csv"), "csv", OPTIONS)
    must_equal(table, rows())
    assert table.space.domains["batch"] == Choice(values=(16, 32))
    assert isinstance(table.space.domains["lr"], Float)
    assert table.space.domains["lr"].log
    assert "model" not in table.space.domains, "it never varies"
    assert (table.max_epochs, table.timed, table.recorded_device_seconds) == (3, True, 16 * 6.0)


def test_an_exported_wandb_history_is_read_with_seconds_from_its_clock(tmp_path):
    lines = [
        {"Name": f"run-{i}", "State": "finished", "_step": k, "_runtime": 2.0 * (k + 1), "_timestamp": 1e9 + k,
         "val_acc": v, "test_acc": t, **row.hparams}
        for i, row in enumerate(rows())
        for k, (v, t) in enumerate(zip(row.validation, row.test, strict=True))
    ]  # fmt: skip
    pd.DataFrame(lines).to_csv(tmp_path / "w.csv", index=False)
    options = replace(OPTIONS, validation="val_acc", test="test_acc")
    table = read_foreign(tmp_path / "w.csv", "wandb-csv", options)
    must_equal(table, rows())
    assert set(table.space.domains) == {"lr", "batch"}


def test_a_ray_results_folder_is_read_with_failed_and_stopped_trials(tmp_path):
    for i, row in enumerate(rows()):
        folder = tmp_path / f"train_{i:05d}"
        folder.mkdir()
        (folder / "params.json").write_text(json.dumps({"lr": row.hparams["lr"], "loader": {"batch": row.hparams["batch"]}}))
        kept = 1 if i < 3 else 3
        results = [
            {"validation": v, "test": t, "time_this_iter_s": 2.0, "training_iteration": k + 1}
            for k, (v, t) in enumerate(zip(row.validation, row.test, strict=True))
        ][:kept]
        (folder / "result.json").write_text("\n".join(map(json.dumps, results)) + "\n")
        if i == 0:
            (folder / "error.txt").write_text("CUDA out of memory")
    table = read_foreign(tmp_path, "ray", OPTIONS)
    assert [t.failed for t in table.trials].count(True) == 1
    assert table.left_out == {"stopped early": 2}
    assert set(table.space.domains) == {"lr", "loader/batch"}
    assert "2 stopped early" in table.used()


def storage(path, found, state="COMPLETE"):
    """The tables of an Optuna storage, version 3 and later, that are read."""
    with sqlite3.connect(path) as db:
        db.executescript(
            "create table studies (study_id integer, study_name text);"
            "create table trials (trial_id integer, number integer, study_id integer, state text, datetime_start text,"
            " datetime_complete text);"
            "create table trial_params (trial_id integer, param_name text, param_value float, distribution_json text);"
            "create table trial_intermediate_values (trial_id integer, step integer, intermediate_value float);"
            "create table trial_values (trial_id integer, objective integer, value float);"
            "create table trial_user_attributes (trial_id integer, key text, value_json text);"
        )
        db.execute("insert into studies values (1, 'mine')")
        number = {"name": "FloatDistribution", "attributes": {"low": 1e-5, "high": 1e-2, "log": True, "step": None}}
        choice = {"name": "CategoricalDistribution", "attributes": {"choices": [16, 32]}}
        for i, row in enumerate(found):
            db.execute(
                "insert into trials values (?, ?, 1, ?, '2024-01-01 00:00:00.0', '2024-01-01 00:00:06.0')", (i, i, state)
            )
            db.execute("insert into trial_params values (?, 'lr', ?, ?)", (i, row.hparams["lr"], json.dumps(number)))
            db.execute(
                "insert into trial_params values (?, 'batch', ?, ?)",
                (i, [16, 32].index(row.hparams["batch"]), json.dumps(choice)),
            )
            for k, value in enumerate(row.validation):
                db.execute("insert into trial_intermediate_values values (?, ?, ?)", (i, k, value))
            db.execute("insert into trial_values values (?, 0, ?)", (i, row.validation[-1]))
            if row.test:
                db.execute("insert into trial_user_attributes values (?, 'test', ?)", (i, json.dumps(list(row.test))))
    return path


def test_an_optuna_storage_is_read_without_optuna(tmp_path):
    must_equal(read_foreign(storage(tmp_path / "o.db", rows()), "optuna", OPTIONS), rows())


def test_lower_scores_are_better_where_it_is_said(tmp_path):
    table = read_foreign(csv_of(rows(), tmp_path / "t.csv"), "csv", replace(OPTIONS, minimise=True))
    assert max(v for t in table.trials for v in t.validation) < 0
    assert (table.metric, table.share) == ("minus_validation", False), (
        "negated numbers are no shares, though they were in [0, 1]"
    )
    named = read_foreign(tmp_path / "t.csv", "csv", replace(OPTIONS, minimise=True, metric="loss"))
    assert named.metric == "minus_loss"


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda p: write(p, "trial,step,validation\na,0,0.5\n"), "no test scores"),
        (lambda p: write(p, "who,what\na,0\n"), "no column 'trial'"),
        (lambda p: csv_of(rows(n=5), p), "5 trials .* at least 12"),
        (lambda p: p, "no such file"),
    ],
)
def test_a_table_that_can_not_serve_is_refused_with_one_message(tmp_path, made, message):
    with pytest.raises(UserError, match=message):
        read_foreign(made(tmp_path / "t.csv"), "csv", OPTIONS)


def write(path, text):
    path.write_text(text)
    return path


def test_a_file_of_another_format_is_refused(tmp_path):
    with pytest.raises(TableError, match="can't be read as format=optuna"):
        read_foreign(write(tmp_path / "t.db", "not a database"), "optuna", OPTIONS)
    with pytest.raises(TableError, match="can't be read as format=opda"):
        read_foreign(write(tmp_path / "t.jsonl", "{}"), "opda", OPTIONS)


def test_only_stopped_trials_are_refused(tmp_path):
    with pytest.raises(TableError, match="only trials that were stopped early"):
        read_foreign(storage(tmp_path / "o.db", rows(), state="PRUNED"), "optuna", OPTIONS)


def test_a_space_that_the_trials_do_not_cover_is_refused():
    table = smooth_table(40)
    narrow = tuple(t for t in table.trials if t.point["x"] < 0.6)
    with pytest.raises(TableError, match=r"recorded for x from .* to 0\.5\d*, but the space goes from 0 to 1"):
        checked(replace(table, trials=narrow))
    one_size = tuple(t for t in table.trials if t.point["size"] == 16)
    with pytest.raises(TableError, match="no trial with size=32"):
        checked(replace(table, trials=one_size))


def test_a_given_space_that_leaves_trials_out_is_refused():
    points = [row.hparams for row in rows()]
    with pytest.raises(TableError, match="which is not in space"):
        space_of(Path("t.csv"), points, {"lr": {"type": "float", "low": 1e-4, "high": 1e-3, "log": True}})


def test_many_whole_numbers_are_an_int_and_few_a_choice():
    points = [{"layers": i, "heads": (2, 4)[i % 2]} for i in range(1, 13)]
    space = space_of(Path("t"), points, {})
    assert space.domains == {"layers": Int(low=1, high=12), "heads": Choice(values=(2, 4))}


def test_a_trial_of_its_own_length_is_not_stopped():
    short = [
        replace(row, hparams={**row.hparams, "num_epochs": 2}, validation=row.validation[:2], test=row.test[:2], seconds=())
        for row in rows(n=8)
    ]
    long = [replace(row, hparams={**row.hparams, "num_epochs": 3}, seconds=()) for row in rows(n=8)]
    assert len(table_of(Path("t"), [*short, *long], OPTIONS).trials) == 16


def test_every_format_is_found_by_its_file():
    assert format_names() == ("csv", "opda", "optuna", "ray", "wandb_csv")


@pytest.mark.real
@pytest.mark.skipif(not OPDA.is_dir(), reason="the tables of opda are not there")
@pytest.mark.parametrize(("name", "best", "chance"), [("deberta-base", 89.12, 16.1), ("deberta-v3-base", 90.76, 7.1)])
def test_the_tables_of_opda_are_read_as_published(name, best, chance):
    path = OPDA / f"{name}_tuning.results.jsonl"
    curves = [json.loads(line)["learning_curves"]["matched"] for line in path.read_text().splitlines()]
    assert max(score for curve in curves for _, score in curve) * 100 == pytest.approx(best, abs=0.005)
    table = read_foreign(path, "opda", OPTIONS)
    assert len(table.trials) == 1024
    assert max(v for t in table.trials for v in t.validation) * 100 == pytest.approx(best, abs=0.1), "every quarter of an epoch"
    never = sum(max(score for _, score in curve) < 0.5 for curve in curves)
    assert never / 1024 * 100 == pytest.approx(chance, abs=1.0)
    assert not table.timed
    if name == "deberta-v3-base":
        assert random_search(table, 10) * 100 == pytest.approx(90.44, abs=0.02)
