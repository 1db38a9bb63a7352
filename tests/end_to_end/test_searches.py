"""Every search from the command line to the report, at a size of seconds."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from tests.end_to_end.command import command, run
from tuneoff.config.parts import parse_space
from tuneoff.records.incumbent import incumbent
from tuneoff.records.recipe import schedule_of
from tuneoff.records.schema import CalibrationRecord
from tuneoff.records.store import load_cell
from tuneoff.training.hparams import HYPERPARAMETERS

ALGORITHMS = ("default", "grid", "random", "random_asha", "bayesopt", "hyperopt", "pbt", "pbt_2020")
TRIALS = 4


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    """One sweep over all searches, in one process."""
    folder = tmp_path_factory.mktemp("results")
    done = run(
        folder, "-m", f"algorithm={','.join(ALGORITHMS)}", f"algorithm.trials={TRIALS}", "study=all", "retrain=0", timeout=900
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def cell_of(results: Path, algorithm: str):
    return load_cell(results / "all" / "entail-micro" / algorithm / "repeat-0")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_search_ends_with_complete_records(results, algorithm):
    cell = cell_of(results, algorithm)
    assert cell.header.status == "finished"
    assert {e.trial_id for e in cell.trial_ends} == {f"t{i:03d}" for i in range(TRIALS)}
    assert {e.status for e in cell.trial_ends} <= {"completed", "stopped"}
    assert incumbent(cell).test is not None, "the winner is scored on test"
    for record in cell.evaluations:
        assert math.isfinite(record.validation.loss)
        assert record.cost.train_examples > 0
    assert not (cell.path / "state").exists(), "snapshots are gone"
    assert not (cell.path / "ray").exists()


@pytest.mark.parametrize("algorithm", [a for a in ALGORITHMS if a not in ("pbt_2020", "default")])
def test_everything_that_was_trained_with_lies_in_the_space(results, algorithm):
    cell = cell_of(results, algorithm)
    space = parse_space(cell.header.space, HYPERPARAMETERS)
    for record in cell.evaluations:
        assert space.contains({name: record.hparams[name] for name in space.domains}), record.hparams


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_busy_time_fits_into_what_is_charged(results, algorithm):
    cell = cell_of(results, algorithm)
    busy = sum(e.cost.seconds for e in cell.evaluations) + sum(e.cost.seconds for e in cell.trial_ends)
    assert 0 < busy <= cell.wall_seconds * cell.devices * 1.02


def test_all_searches_of_a_command_train_in_the_same_processes(results):
    """One that is slow to be given its first trial may train none of a search this short."""
    cells = [cell_of(results, name) for name in ALGORITHMS]
    assert len(cells) > 1
    assert len({e.worker for cell in cells for e in cell.evaluations}) <= int(cells[0].devices)


def test_each_session_has_its_own_calibration_and_start_up_within_it(results):
    for name in ALGORITHMS:
        cell = cell_of(results, name)
        measured = [r for r in cell.records if isinstance(r, CalibrationRecord)]
        assert len(measured) == len({e.worker for e in cell.evaluations}), name
        assert all(0 < r.start_up_seconds <= r.elapsed_seconds + 0.5 for r in measured), name


def test_a_warm_worker_trains_bit_for_bit_as_a_fresh_one(results, tmp_path):
    done = run(tmp_path, "algorithm=random", f"algorithm.trials={TRIALS}", "study=all", "resources.slots=1")
    assert done.returncode == 0, done.stderr[-3000:]

    def scores(cell):
        return {(r.trial_id, r.evaluation): (r.hparams, r.validation.loss) for r in cell.evaluations}

    assert scores(cell_of(tmp_path, "random")) == scores(cell_of(results, "random"))


def test_searches_share_their_split_and_their_test_set(results):
    hashes = {cell_of(results, a).header.data["split_sha256"] for a in ALGORITHMS}
    assert len(hashes) == 1


def test_population_members_copy_each_other_and_the_lineage_is_whole(results):
    cell = cell_of(results, "pbt")
    copies = [r for r in cell.evaluations if r.parent_trial_id]
    for record in copies:
        donor = [
            r for r in cell.evaluations if (r.trial_id, r.evaluation) == (record.parent_trial_id, record.parent_evaluation)
        ]
        assert len(donor) == 1
        assert donor[0].examples_seen < record.examples_seen
    assert schedule_of(cell).segments[-1].until_examples == incumbent(cell).examples_seen


def test_a_second_time_nothing_is_run_and_nothing_is_overwritten(results):
    before = (cell_of(results, "random").path / "trials.jsonl").read_bytes()
    done = run(results, "algorithm=random", f"algorithm.trials={TRIALS}", "study=all")
    assert done.returncode == 0
    assert "already finished" in done.stdout
    assert "repeat=1" in done.stdout
    assert (cell_of(results, "random").path / "trials.jsonl").read_bytes() == before


def test_another_configuration_in_the_same_place_is_refused_with_both_ways_out(results):
    done = run(results, "algorithm=random", f"algorithm.trials={TRIALS + 1}", "study=all")
    assert done.returncode == 2
    assert f"algorithm.trials was {TRIALS} and is {TRIALS + 1}" in done.stderr
    assert "study=NAME" in done.stderr
    assert "delete" in done.stderr


def test_the_report_has_a_row_for_every_search(results):
    done = command("report", "all", "--results", str(results))
    assert done.returncode == 0, done.stderr
    for algorithm in ALGORITHMS:
        assert algorithm in done.stdout
    assert "CPU min" in done.stdout
    assert list((results / "all").rglob("*accuracy_vs_cost*.png"))
    assert list((results / "all").rglob("*incumbent*.svg"))


def test_a_report_without_figures_has_the_tables_and_the_page_and_draws_nothing(results, tmp_path):
    shutil.copytree(results / "all", tmp_path / "all", ignore=shutil.ignore_patterns("report"))
    done = command("report", "all", "--results", str(tmp_path), "--no-figures")
    assert done.returncode == 0, done.stderr
    report = tmp_path / "all" / "report"
    assert {"results.md", "verdicts.md", "ledger.csv"} <= {p.name for p in report.rglob("*")}
    assert "pbt_2020" in (report / "report.html").read_text(encoding="utf-8")
    assert not [p for p in report.rglob("*") if p.suffix in (".png", ".svg")]


def test_the_header_says_how_to_make_it_again(results):
    header = cell_of(results, "pbt").header
    assert "algorithm=pbt" in header.command
    assert header.versions["torch"] != "not installed"
    assert header.hardware["cores"] >= 1
    assert header.data["encoded_sha256"].keys() == {"train", "validation", "test"}
    assert header.seeds.keys() >= {"split", "search", "training"}
    assert json.loads(json.dumps(asdict(header)))["config"]["algorithm"]["name"] == "pbt"


def test_retraining_and_replay_follow_the_winner_on_new_seeds(results):
    done = run(results, "algorithm=pbt", f"algorithm.trials={TRIALS}", "study=all", "retrain=2")
    assert done.returncode == 0, done.stderr
    cell = cell_of(results, "pbt")
    schedule = schedule_of(cell)
    again = load_cell(cell.path, "retrain.jsonl")
    assert {e.trial_id for e in again.trial_ends} == {"r000", "r001"}
    for record in again.evaluations:
        assert record.hparams == schedule.at(record.examples_seen - 1)
        assert record.test is not None
    assert len({e.validation.loss for e in again.evaluations if e.epoch == 1.0}) == 2, "seeds differ"
    done = run(results, "algorithm=pbt_replay", "algorithm.trials=1", "study=all", f"algorithm.searcher.source={cell.path}")
    assert done.returncode == 0, done.stderr
    replayed = cell_of(results, "pbt_replay")
    for record in replayed.evaluations:
        assert record.hparams == schedule.at(record.examples_seen - 1)


def test_a_budget_in_epochs_is_spent_and_never_exceeded(tmp_path):
    done = run(tmp_path, "-m", "algorithm=random,bayesopt,pbt", "budget=epochs:8", "resources.slots=1")
    assert done.returncode == 0, done.stderr
    for algorithm in ("random", "bayesopt", "pbt"):
        cell = load_cell(tmp_path / "main" / "entail-micro" / algorithm / "repeat-0")
        trained = sum(e.cost.train_examples for e in cell.evaluations) / cell.header.data["n_train"]
        assert trained == pytest.approx(8), algorithm


def test_a_search_in_which_everything_fails_says_why_and_exits_with_2(tmp_path):
    """The built-in model with one weight that is not a number: every loss is nan."""
    model = tmp_path / "model"
    shutil.copytree(files("tuneoff") / "assets" / "micro", model)
    weights = load_file(model / "model.safetensors")
    name = next(n for n in weights if n.endswith("LayerNorm.weight"))
    weights[name] = weights[name] * float("nan")
    save_file(weights, model / "model.safetensors", metadata={"format": "pt"})
    done = run(tmp_path, "algorithm=random", "algorithm.trials=2", f"model.source={model}", "resources.slots=1")
    assert done.returncode == 2
    assert "no trial of random came to a score: the training loss is nan" in done.stderr
    cell = load_cell(tmp_path / "main" / "entail-micro" / "random" / "repeat-0")
    assert {e.status for e in cell.trial_ends} == {"diverged"}
    assert cell.header.status == "failed"
    assert not cell.evaluations, "no score is invented"
