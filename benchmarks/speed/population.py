"""PBT: Ray's documented pattern for transformers' Trainer, the same tuned, and ours; one run of an arm and its figures."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.speed.arms import LIMIT_SECONDS, overrides, read_cell
from benchmarks.speed.setting import WEIGHT_DECAYS, Setting, SpeedError
from benchmarks.speed.table import RESOURCES
from benchmarks.speed.watch import Watched, watch
from tuneoff.evaluation import Cost
from tuneoff.records.schema import Cell

ROWS = (
    ("wall time of the search, s", "wall_seconds", 1.0, ".1f"),
    ("device-seconds held (slots x wall)", "held_device_seconds", 1.0, ".1f"),
    ("device-seconds of the trials", "device_seconds", 1.0, ".1f"),
    ("start to first evaluation, s", "first_evaluation_seconds", 1.0, ".1f"),
    ("member-epochs trained", "epochs", 1.0, ".0f"),
    ("exploits", "exploits", 1.0, ".0f"),
    *RESOURCES,
    ("best accuracy, %", "best_accuracy", 100.0, ".1f"),
    ("mean of the members' last accuracies, %", "mean_accuracy", 100.0, ".1f"),
)
"""As table.ROWS."""
RATIOS = ("wall_seconds", "device_seconds", "written_bytes")


def run_arm(arm: str, setting: Setting, folder: Path, *, repeat: int, bf16: bool) -> dict[str, Any]:
    """Runs the arm and returns its figures, JSON-ready."""
    folder.mkdir(parents=True)
    if arm == "ours":
        command = [sys.executable, "-m", "benchmarks.run", *population_overrides(setting, folder, repeat)]
    else:
        command = [
            sys.executable,
            "-m",
            "benchmarks.speed.population_arm",
            str(folder.parent / "setting.json"),
            str(folder),
            arm,
            str(repeat),
            "bf16" if bf16 else "fp32",
        ]
    watched = watch(command, folder, LIMIT_SECONDS)
    found = ours(*read_cell(folder)) if arm == "ours" else trainers(folder)
    whole = sum(epoch >= setting.epochs for epoch in found["last_epoch"].values())
    if len(found["last_epoch"]) < setting.members or whole + found["exploits"] < setting.members:
        raise SpeedError(
            f"{arm} trained {whole} of {setting.members} members to the end, which {found['exploits']} copies (of "
            f"members that had ended, perhaps) don't explain; its output is in {folder}.log"
        )
    return {"arm": arm, "repeat": repeat, **figures(found, watched, setting)}


def population_overrides(setting: Setting, folder: Path, repeat: int) -> list[str]:
    """Ours as `overrides` of the grid, but PBT over learning rate and weight decay; snapshots as by default."""
    replaced = ("algorithm", "~space.", "+space.", "hparams.weight_decay", "training.snapshot_seconds")
    low, high = min(setting.learning_rates), max(setting.learning_rates)
    return [
        "algorithm=pbt",
        *(o for o in overrides(setting, folder, repeat) if not o.startswith(replaced)),
        f"algorithm.trials={setting.members}",
        "~space.weight_decay",
        "~space.batch_size",
        "~space.learning_rate",
        f"+space.learning_rate={{type:float,low:{low!r},high:{high!r}}}",
        f"+space.weight_decay={{type:float,low:{WEIGHT_DECAYS[0]!r},high:{WEIGHT_DECAYS[1]!r}}}",
    ]


def trainers(folder: Path) -> dict[str, Any]:
    """From the ledger that the arm kept and Ray's own log of exploits. seconds: sum over all results of all members."""
    lines = [json.loads(line) for line in (folder / "ledger.jsonl").read_text(encoding="utf-8").splitlines()]
    exploits = folder / "tune_transformer_pbt" / "pbt_global.txt"
    return {
        "device_seconds": sum(line["seconds"] for line in lines),
        "epochs": len(lines),
        "exploits": len(exploits.read_text(encoding="utf-8").splitlines()) if exploits.exists() else 0,
        "first_evaluation": min(line["time"] for line in lines),
        "accuracies": [line["accuracy"] for line in lines],
        "last": {line["trial"]: line["accuracy"] for line in lines},
        "last_epoch": {line["trial"]: line["epoch"] for line in lines},
    }


def ours(cell: Cell, began: float) -> dict[str, Any]:
    """began: time.time() at which the cell's clock stood at 0."""
    cost = sum((e.cost for e in cell.evaluations), sum((e.cost for e in cell.trial_ends), Cost()))
    accuracies = [float(e.validation.metrics["accuracy"]) for e in cell.evaluations]
    return {
        "device_seconds": cost.seconds,
        "epochs": len(cell.evaluations),
        "exploits": sum(e.parent_trial_id is not None for e in cell.evaluations),
        "first_evaluation": began + min(e.elapsed_seconds for e in cell.evaluations),
        "accuracies": accuracies,
        "last": {e.trial_id: accuracy for e, accuracy in zip(cell.evaluations, accuracies, strict=True)},
        "last_epoch": {e.trial_id: e.epoch for e in cell.evaluations},
    }


def figures(found: dict[str, Any], watched: Watched, setting: Setting) -> dict[str, Any]:
    last = list(found["last"].values())
    return {
        "wall_seconds": watched.wall_seconds,
        "held_device_seconds": watched.wall_seconds * setting.slots,
        "device_seconds": found["device_seconds"],
        "first_evaluation_seconds": found["first_evaluation"] - watched.began,
        "epochs": found["epochs"],
        "exploits": found["exploits"],
        "folder_bytes": watched.folder_bytes,
        "written_bytes": watched.written_bytes,
        "peak_rss_bytes": watched.peak_rss_bytes,
        "peak_private_bytes": watched.peak_private_bytes,
        "best_accuracy": max(found["accuracies"]),
        "mean_accuracy": sum(last) / len(last),
    }
