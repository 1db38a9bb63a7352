"""One run of one arm, and its result, in the same figures for all three."""

from __future__ import annotations

import json
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.speed.setting import Setting, SpeedError, Work
from benchmarks.speed.watch import Watched, watch
from tuneoff.evaluation import Cost
from tuneoff.records.schema import COMPLETED, Cell
from tuneoff.records.store import LOG_FILE, find_cells, load_cell

LIMIT_SECONDS = 3600.0


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The figures that an arm itself recorded. first_step and first_evaluation: time.time(). seconds: of all trials,
    start-up of their processes included as far as the trial itself waits for it. train_seconds: forward, backward, optimiser
    and data."""

    seconds: float
    train_seconds: float
    steps: int
    first_step: float
    first_evaluation: float
    accuracies: tuple[float, ...]
    """After the last epoch, in the order of the learning rates."""


def run_arm(arm: str, setting: Setting, work: Work, folder: Path, *, repeat: int, bf16: bool, peak: float) -> dict[str, Any]:
    """Runs the arm and returns its figures, JSON-ready. peak: FLOP/s of one core."""
    folder.mkdir(parents=True)
    settings = folder.parent / "setting.json"
    if arm == "ours":
        command = [sys.executable, "-m", "benchmarks.run", *overrides(setting, folder, repeat)]
    else:
        command = [
            sys.executable,
            "-m",
            "benchmarks.speed.trainer_arm",
            str(settings),
            str(folder),
            arm,
            str(repeat),
            "bf16" if bf16 else "fp32",
        ]
    watched = watch(command, folder, LIMIT_SECONDS)
    outcome = read_ours(folder, setting) if arm == "ours" else read_trainer(folder, setting)
    return {"arm": arm, "repeat": repeat, **figures(outcome, watched, setting, work, peak)}


def overrides(setting: Setting, folder: Path, repeat: int) -> list[str]:
    """Our search in the words of its command line: what Trainer has by default is set to the same here."""
    rates = ",".join(f"{rate!r}" for rate in setting.learning_rates)
    files = [f"task.{name}_file={Path(setting.folder).resolve() / f'{name}.jsonl'}" for name in ("train", "dev", "test")]
    return [
        "algorithm=grid",
        "algorithm.trials=null",
        "task=csv",
        "task.name=speed",
        *files,
        "task.text_a=a",
        "task.text_b=b",
        "task.label=label",
        "task.metrics=[accuracy]",
        "protocol.validation_from=dev",
        f"model={setting.model}",
        f"model.num_layers={'null' if setting.layers is None else setting.layers}",
        "~space.weight_decay",
        "~space.batch_size",
        "~space.learning_rate",
        f"+space.learning_rate={{type:choice,values:[{rates}]}}",
        f"hparams.num_epochs={setting.epochs}",
        f"hparams.batch_size={setting.batch_size}",
        "hparams.weight_decay=0.0",
        "resources.device=cpu",
        f"resources.slots={setting.slots}",
        "training.snapshot_seconds=null",
        "view=quiet",
        f"repeat={repeat}",
        f"results={folder}",
    ]


def read_ours(folder: Path, setting: Setting) -> Outcome:
    cell, began = read_cell(folder)
    return outcome_of(cell, setting, began=began)


def read_cell(folder: Path) -> tuple[Cell, float]:
    """The one search in `folder`, and time.time() at which its clock stood at 0."""
    cells = list(find_cells(folder))
    if len(cells) != 1:
        raise SpeedError(f"{folder} holds {len(cells)} searches, but one was run; its output is in {folder}.log")
    cell = load_cell(cells[0])
    ended = (cell.path / LOG_FILE).stat().st_mtime  # the last line was written then, wall_seconds after the search began
    return cell, ended - cell.wall_seconds


def outcome_of(cell: Cell, setting: Setting, *, began: float) -> Outcome:
    """began: time.time() at which the cell's clock stood at 0."""
    completed = {end.trial_id for end in cell.trial_ends if end.status == COMPLETED}
    last = {e.hparams["learning_rate"]: e for e in cell.evaluations if e.trial_id in completed}
    _must_have_all(setting, list(last))
    cost = sum((e.cost for e in cell.evaluations), sum((e.cost for e in cell.trial_ends), Cost()))
    first = min(cell.evaluations, key=lambda e: e.elapsed_seconds)
    worked = first.cost.seconds - first.cost.start_up_seconds
    return Outcome(
        seconds=cost.seconds,
        train_seconds=cost.train_seconds,
        steps=cost.train_steps,
        first_step=began + first.elapsed_seconds - worked,
        first_evaluation=began + first.elapsed_seconds,
        accuracies=tuple(float(last[rate].validation.metrics["accuracy"]) for rate in setting.learning_rates),
    )


def read_trainer(folder: Path, setting: Setting) -> Outcome:
    trials = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    meter = [json.loads(line) for line in (folder / "meter.jsonl").read_text(encoding="utf-8").splitlines()]
    accuracies = {trial["learning_rate"]: float(trial["accuracy"]) for trial in trials}
    _must_have_all(setting, list(accuracies))
    return Outcome(
        seconds=sum(t["seconds"] for t in trials),
        train_seconds=sum(m["train_seconds"] for m in meter),
        steps=sum(m["steps"] for m in meter),
        first_step=min(m["first_step"] for m in meter),
        first_evaluation=min(m["first_evaluation"] for m in meter),
        accuracies=tuple(accuracies[rate] for rate in setting.learning_rates),
    )


def _must_have_all(setting: Setting, found: list[float]) -> None:
    if sorted(found) != sorted(setting.learning_rates):
        raise SpeedError(
            f"trials of {sorted(found)} came to an end, but those of {sorted(setting.learning_rates)} were started"
        )


def figures(outcome: Outcome, watched: Watched, setting: Setting, work: Work, peak: float) -> dict[str, Any]:
    n = len(setting.learning_rates)
    return {
        "device_seconds_per_trial": outcome.seconds / n,
        "held_device_seconds_per_trial": watched.wall_seconds * setting.slots / n,
        "wall_seconds": watched.wall_seconds,
        "first_step_seconds": outcome.first_step - watched.began,
        "first_evaluation_seconds": outcome.first_evaluation - watched.began,
        "not_training_share": 1 - outcome.train_seconds / outcome.seconds,
        "steps_per_second": outcome.steps / outcome.train_seconds,
        "real_tokens_per_second": n * setting.epochs * work.train_tokens / outcome.train_seconds,
        "peak_share_training": n * work.train_flops / outcome.train_seconds / peak,
        "peak_share_trial": n * (work.train_flops + work.evaluate_flops) / outcome.seconds / peak,
        "folder_bytes": watched.folder_bytes,
        "written_bytes": watched.written_bytes,
        "peak_rss_bytes": watched.peak_rss_bytes,
        "peak_private_bytes": watched.peak_private_bytes,
        "mean_accuracy": statistics.fmean(outcome.accuracies),
        "accuracies": list(outcome.accuracies),
    }
