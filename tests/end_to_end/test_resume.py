"""A search killed at random moments is completed by the same command: nothing lost, repeated or charged twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import psutil
import torch
import yaml
from safetensors.torch import load_file
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from tests.end_to_end.command import FAST, ROOT, command
from tuneoff.config.reading import from_plain
from tuneoff.records.incumbent import incumbent
from tuneoff.records.schema import Cell, EvaluationRecord, SessionStartRecord, TrialStartRecord
from tuneoff.records.store import load_cell, read_header
from tuneoff.task.registry import load_task
from tuneoff.task.split import make_splits

SWEPT = ("grid", "random", "random_asha", "bayesopt", "hyperopt", "pbt")
"""On a made-up curve, whose processes start in half the time: nothing of a kill depends on the trainer; a network's states are
saved and restored bit for bit in tests/training."""
TRIALS, EPOCHS = 5, 6
LIMIT_SECONDS = 240
T = TypeVar("T")


CURVE = (
    "--config-dir",
    str(ROOT / "tests" / "extending" / "conf"),
    "engine=slow_curve",
    "space=curve",
    "+hparams.num_epochs=6",
)


def arguments(results: Path, algorithm: str, engine: str = "finetune") -> list[str]:
    """algorithm: several with a comma between."""
    trained = CURVE if engine == "curve" else (*FAST, f"hparams.num_epochs={EPOCHS}", "task.train_rows=400")
    sweep = ["-m"] if "," in algorithm else []
    return [*sweep, *trained, f"results={results}", "view=quiet", f"algorithm={algorithm}", f"algorithm.trials={TRIALS}"]


def cell_path(results: Path, algorithm: str) -> Path:
    return results / "main" / "entail-micro" / algorithm / "repeat-0"


def start(results: Path, algorithm: str, *more: str, engine: str = "finetune") -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.run", *arguments(results, algorithm, engine), *more],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def lines(path: Path) -> int:
    log = path / "trials.jsonl"
    return log.read_bytes().count(b"\n") if log.exists() else 0


def kill_at_a_random_moment(
    results: Path, algorithm: str, rng: random.Random, engine: str = "finetune", *more: str, command_for: str = ""
) -> bool:
    """Lets the search write a random number of lines, then a random moment more; False if it ended before.

    command_for: the algorithms of the command, where it has more than this one.
    """
    process = start(results, command_for or algorithm, *more, engine=engine)
    target = lines(cell_path(results, algorithm)) + rng.randint(2, 8)
    began = time.monotonic()
    while process.poll() is None and lines(cell_path(results, algorithm)) < target and not finished(results, algorithm):
        assert time.monotonic() - began < LIMIT_SECONDS
        time.sleep(0.02)
    time.sleep(rng.random() * 0.5)
    alive = process.poll() is None
    if alive:
        os.kill(process.pid, signal.SIGKILL)
    process.wait()
    return alive


def finished(results: Path, algorithm: str) -> bool:
    path = cell_path(results, algorithm)
    return (path / "run.json").exists() and read_header(path).status != "running"


def test_a_sweep_killed_in_each_of_its_searches_is_completed_by_the_same_command(tmp_path):
    """In some a crash left half a line."""
    rng = random.Random(22)
    every = ",".join(SWEPT)
    killed = 0
    for name in SWEPT:
        killed += kill_at_a_random_moment(tmp_path, name, rng, "curve", command_for=every)
        if not finished(tmp_path, name) and rng.random() < 0.5:
            with (cell_path(tmp_path, name) / "trials.jsonl").open("ab") as log:
                log.write(b'{"kind":"evaluation","trial_id":"t0')
    assert killed >= len(SWEPT) - 1, "the last one may have ended before"
    done = command("run", *arguments(tmp_path, every, "curve"))
    assert done.returncode == 0, done.stderr
    for name in SWEPT:
        check(tmp_path, name, killed, trials=3 if name == "grid" else TRIALS)  # the curve's grid has three points
    done = command("run", *arguments(tmp_path / "whole", "random", "curve"))
    assert done.returncode == 0, done.stderr
    assert scores(tmp_path) == scores(tmp_path / "whole"), "bit for bit, seeds and snapshots included"


def scores(results: Path) -> dict[tuple[str, int], Any]:
    cell = load_cell(cell_path(results, "random"))
    return {(r.trial_id, r.evaluation): (r.hparams, r.validation.loss) for r in cell.evaluations}


def check(results: Path, algorithm: str, killed: int, trials: int = TRIALS) -> None:
    cell = load_cell(cell_path(results, algorithm))
    assert cell.header.status == "finished"
    assert cell.repaired is None
    starts = [r.trial_id for r in cell.records if isinstance(r, TrialStartRecord)]
    assert sorted(starts) == sorted(set(starts)) == [f"t{i:03d}" for i in range(trials)]
    assert Counter(e.trial_id for e in cell.trial_ends) == Counter(starts), "every trial ended once"
    for trial in starts:
        own = [r for r in cell.evaluations if r.trial_id == trial]
        assert [r.evaluation for r in own] == list(range(1, len(own) + 1))
        ended = next(i for i, r in enumerate(cell.records) if getattr(r, "kind", "") == "trial_end" and r.trial_id == trial)
        assert not any(isinstance(r, EvaluationRecord) and r.trial_id == trial for r in cell.records[ended:])
        if not algorithm.startswith("pbt"):
            assert [r.epoch for r in own] == [float(i) for i in range(1, len(own) + 1)], "no recorded epoch is repeated"
    elapsed = [r.elapsed_seconds for r in cell.records]
    assert elapsed == sorted(elapsed)
    sessions = [r.session for r in cell.records if isinstance(r, SessionStartRecord)]
    assert sessions == list(range(1, len(sessions) + 1))
    assert len(sessions) <= killed + 1
    busy = sum(e.cost.seconds for e in cell.evaluations) + sum(e.cost.seconds for e in cell.trial_ends)
    assert busy <= cell.wall_seconds * cell.devices * 1.05


def test_a_dead_worker_is_replaced_and_a_dead_shared_state_interrupts_a_search_that_then_goes_on(tmp_path):
    """Neither death is a trial's result."""
    process, path = start(tmp_path, "random", f"algorithm.trials={2 * TRIALS}", engine="curve"), cell_path(tmp_path, "random")

    def trained(by_another_than: str = "") -> str:
        """The worker of the last evaluation."""
        evaluations = load_cell(path).evaluations if lines(path) else ()
        return evaluations[-1].worker if evaluations and evaluations[-1].worker != by_another_than else ""

    dead = wait_for(trained)
    os.kill(int(dead.split(":")[1]), signal.SIGKILL)
    wait_for(lambda: trained(by_another_than=dead))
    (shared_state,) = [child for child in psutil.Process(process.pid).children(recursive=True) if "SharedState" in child.name()]
    shared_state.kill()
    assert process.wait(timeout=LIMIT_SECONDS) == 2
    assert load_cell(path).header.status == "running"
    done = command("run", *arguments(tmp_path, "random", "curve"), f"algorithm.trials={2 * TRIALS}")
    assert done.returncode == 0, done.stderr
    check(tmp_path, "random", 1, trials=2 * TRIALS)
    assert {end.status for end in load_cell(path).trial_ends} == {"completed"}


def wait_for(found: Callable[[], T]) -> T:
    """The first value that is not empty."""
    began = time.monotonic()
    while not (value := found()):
        assert time.monotonic() - began < LIMIT_SECONDS
        time.sleep(0.02)
    return value


def test_two_commands_never_work_on_one_search(tmp_path):
    process = start(tmp_path, "random", "algorithm.trials=500")
    path = cell_path(tmp_path, "random")
    began = time.monotonic()
    while lines(path) < 2:
        assert time.monotonic() - began < LIMIT_SECONDS
        time.sleep(0.05)
    done = command("run", *arguments(tmp_path, "random"), "algorithm.trials=500")
    process.kill()
    process.wait()
    assert done.returncode == 2
    assert "another process is at work" in done.stderr


def test_with_one_slot_a_killed_population_of_networks_equals_an_undisturbed_one(tmp_path):
    """In every score, hyperparameter, lineage and end. After each single line, for every search: tests/study."""
    algorithm, more = "pbt_2020", ("resources.slots=1", "budget=epochs:18", "keep=winner")
    assert kill_at_a_random_moment(tmp_path / "killed", algorithm, random.Random(1), "finetune", *more)
    for results in (tmp_path / "killed", tmp_path / "whole"):
        done = command("run", *arguments(results, algorithm), *more)
        assert done.returncode == 0, done.stderr
    check(tmp_path / "killed", algorithm, 1, trials=3)
    first, second = (load_cell(cell_path(tmp_path / name, algorithm)) for name in ("killed", "whole"))
    assert outcome(first) == outcome(second)
    for cell in (first, second):
        check_winner(cell)
    kept = [load_file(cell.path / "model" / "model.safetensors") for cell in (first, second)]
    assert kept[0].keys() == kept[1].keys()
    assert all(torch.equal(kept[0][name], kept[1][name]) for name in kept[0]), "the same model, killed or not"


def check_winner(cell: Cell) -> None:
    """The model that was left is the one that was scored, on every row of the test split; and the files say so."""
    best, folder = incumbent(cell), cell.path / "model"
    assert sorted(path.name for path in cell.path.iterdir()) == ["model", "run.json", "trials.jsonl", "winner.yaml"]
    model, tokenizer = AutoModelForSequenceClassification.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    config = from_plain(cell.header.config)
    task = load_task(config.task)
    test = make_splits(task, config.protocol, cell.header.seeds["split"]).parts["test"].rows
    pairs = tokenizer(list(test.text_a), list(test.text_b), truncation=True, padding=True, return_tensors="pt")
    with torch.inference_mode():
        predicted = model.eval()(**pairs).logits.argmax(-1).numpy()
    assert tuple(predicted.tolist()) == best.test.predictions
    assert float((predicted == test.label).mean()) == best.test.metrics["accuracy"]
    assert [model.config.id2label[number] for number in range(2)] == list(task.label_names)
    facts = yaml.safe_load((cell.path / "winner.yaml").read_text())
    assert (facts["model"], facts["test"], facts["hparams"]) == ("model", dict(best.test.metrics), dict(best.hparams))
    card = (folder / "README.md").read_text()
    assert facts["command"] in card
    assert f"{best.test.metrics['accuracy']:.4f}" in card


def outcome(cell: Cell) -> dict[str, Any]:
    evaluations = [
        (r.trial_id, r.evaluation, r.parent_trial_id, r.parent_evaluation, r.hparams, r.examples_seen, r.validation, r.test)
        for r in cell.evaluations
    ]
    return {"evaluations": evaluations, "ends": {r.trial_id: (r.status, r.reason, r.hparams) for r in cell.trial_ends}}
