"""A script as run_glue.py is written is searched by its user's command, killed, resumed and reported as any other."""

import os
import signal
import subprocess
import sys
import time

import pytest
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from tests.end_to_end.command import ROOT, command
from tests.training.hf.rows import SIZES, write_rows
from tuneoff.records.incumbent import incumbent
from tuneoff.records.store import find_cells, load_cell

pytestmark = pytest.mark.ray

ALGORITHMS = ("random", "hyperopt", "pbt")
MAKE = "tests.training.hf.glue_script:make_trainer"


def arguments(folder, *more):
    return (
        *("engine=hf_trainer", f"engine.make={MAKE}", "engine.metric=eval_accuracy", "engine.direction=maximise"),
        *(f"+hparams.data_dir={folder}", f"results={folder / 'results'}", "space=micro", "hparams.num_epochs=3"),
        *("+space.hidden_dropout={type:float,low:0.0,high:0.2}", "algorithm.trials=3", "resources.slots=1", *more),
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three searches by one command."""
    folder = write_rows(tmp_path_factory.mktemp("script"))
    done = command("run", "-m", *arguments(folder, f"algorithm={','.join(ALGORITHMS)}", "view=lines"))
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


@pytest.fixture(scope="module")
def cells(folder):
    return {cell.header.algorithm: cell for cell in map(load_cell, find_cells(folder / "results" / "main"))}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_search_of_a_script_leaves_the_records_of_any_other(cells, algorithm):
    cell = cells[algorithm]
    assert (cell.header.status, cell.header.metric) == ("finished", "accuracy")
    assert (cell.header.task, cell.header.model) == ("glue_script", "make_trainer")
    assert cell.header.data["n_train"] == SIZES["train"]
    assert {end.status for end in cell.trial_ends} <= {"completed", "stopped"}
    assert all({"learning_rate", "hidden_dropout", "data_dir"} <= set(e.hparams) for e in cell.evaluations)
    assert len(incumbent(cell).test.predictions) == SIZES["test"]
    assert all(e.cost.train_seconds > 0 and e.cost.evaluate_seconds > 0 for e in cell.evaluations)


def test_a_population_of_trainers_copies_and_goes_on_at_the_next_example(cells):
    by_key = {(e.trial_id, e.evaluation): e for e in cells["pbt"].evaluations}
    copies = [e for e in cells["pbt"].evaluations if e.parent_trial_id is not None]
    assert copies
    for copy in copies:
        donor = by_key[copy.parent_trial_id, copy.parent_evaluation]
        assert copy.examples_seen == donor.examples_seen + SIZES["train"]
        assert copy.hparams["learning_rate"] != donor.hparams["learning_rate"]


def numbers(cell):
    return sorted(
        (
            e.trial_id,
            e.evaluation,
            e.parent_trial_id,
            e.parent_evaluation,
            sorted(e.hparams.items()),
            e.validation.metrics,
            e.validation.loss,
        )
        for e in cell.evaluations
    )


def test_a_killed_search_goes_on_with_the_numbers_of_an_undisturbed_one(folder, cells):
    given = arguments(folder, "algorithm=pbt", "study=killed", "view=quiet", "keep=winner")
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.run", *given],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    cell = folder / "results" / "killed" / "glue_script-make_trainer" / "pbt" / "repeat-0"
    log, began = cell / "trials.jsonl", time.monotonic()
    while process.poll() is None and not (log.exists() and log.read_text().count('"kind":"evaluation"') > 3):
        assert time.monotonic() - began < 120
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert load_cell(cell).header.status == "running"
    done = command("run", *given)
    assert done.returncode == 0, done.stderr[-3000:]
    assert len(load_cell(cell).session_starts) == 2
    assert numbers(load_cell(cell)) == numbers(cells["pbt"])
    best, model = incumbent(load_cell(cell)), AutoModelForSequenceClassification.from_pretrained(cell / "model")
    assert AutoTokenizer.from_pretrained(cell / "model")("a text")["input_ids"]
    assert sum(p.numel() for p in model.parameters()) == load_cell(cell).header.data["parameters"]
    assert f"{best.test.metrics['accuracy']:.4f}" in (cell / "model" / "README.md").read_text()


def test_its_report_looks_like_any_other(folder):
    done = command("report", "main", "--results", str(folder / "results"), "--no-figures")
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Best val acc." in done.stdout
    assert all(name in done.stdout for name in ALGORITHMS)
    assert "glue_script" in done.stdout


def test_a_script_that_does_not_fit_ends_with_one_message_and_exit_code_2(folder):
    done = command("run", *arguments(folder, "engine.metric=eval_acuracy", "study=wrong"))
    assert done.returncode == 2
    assert [line for line in done.stderr.splitlines() if line.startswith("error:")] == [
        line for line in done.stderr.splitlines() if "engine.metric is 'eval_acuracy'" in line
    ]
    assert "Traceback" not in done.stderr
    assert not list((folder / "results" / "wrong").rglob("run.json"))


FROM_PYTHON = """
import sys
from tests.training.hf import glue_script
import tuneoff
from tuneoff.space import Choice, Float

SIZE = 8

def make_trainer(learning_rate=1e-3, batch_size=SIZE):
    more = f"--learning_rate {{learning_rate}} --per_device_train_batch_size {{batch_size}}"
    return glue_script.make_trainer({data!r}, more=more)

if __name__ == "__main__":
    space = {{"learning_rate": Float(low=3e-4, high=3e-3, log=True), "batch_size": Choice(values=(16, 32))}}
    found = tuneoff.search(
        make_trainer, algorithm="random", budget="epochs:4", space=space, metric="eval_accuracy", direction="maximise",
        hparams={{"num_epochs": 2}}, results={results!r}, view="quiet",
    )
    print(found.trials, found.validation, found.test, sorted(found.hparams), found.cell)
    again = tuneoff.search(
        make_trainer, algorithm="random", budget="epochs:4", space=space, metric="eval_accuracy", direction="maximise",
        hparams={{"num_epochs": 2}}, results={results!r}, view="quiet",
    )
    assert again == found, "a finished search is read"
"""


def test_the_same_from_python_with_a_function_of_the_script_itself(folder, tmp_path):
    results = str(tmp_path / "results")
    (tmp_path / "tune_it.py").write_text(FROM_PYTHON.format(data=str(folder), results=results))
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]),
    }
    done = subprocess.run(
        [sys.executable, "tune_it.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    cell = load_cell(next(iter(find_cells(tmp_path / "results"))))
    best = incumbent(cell)
    assert cell.header.task == "tune_it"
    assert done.stdout.split()[:3] == ["2", str(best.validation.metrics["accuracy"]), str(best.test.metrics["accuracy"])]


@pytest.mark.real
def test_the_published_example_runs_on_real_rows_from_files(glue, tmp_path):
    given = ("preset=blog2020_mrpc", "model=micro", f"task.files={glue / 'mrpc'}", "task.max_train_rows=200")
    small = ("algorithm.trials=2", "space.num_epochs.values=[1,2]", "space.batch_size.values=[8,16]", "hparams.eval_steps=20")
    done = command("run", *given, *small, f"results={tmp_path}", "view=quiet", "resources.slots=2")
    assert done.returncode == 0, done.stderr[-3000:]
    cell = load_cell(next(iter(find_cells(tmp_path))))
    assert (cell.header.metric, cell.header.study) == ("objective", "blog2020_mrpc-hf_trainer")
    best = incumbent(cell)
    metrics = best.validation.metrics
    assert metrics["objective"] == pytest.approx(metrics["accuracy"] + metrics["f1"])
    assert best.validation.n_examples == 408, "GLUE's dev"
    assert best.test.n_examples == 1725
