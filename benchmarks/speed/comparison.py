"""The arms by turns, repeat after repeat: trials of a frozen list, or a population."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.speed import arms, population, table
from benchmarks.speed.peak import measure
from benchmarks.speed.setting import Setting, SpeedError, asked, work_of, write_rows
from benchmarks.speed.watch import watch
from tuneoff.config.parts import available_cores

PROBE_LIMIT_SECONDS = 900.0


def order(names: Sequence[str], repeat: int) -> list[str]:
    """A B C, then C B A, so that a machine that slows down or speeds up favours none."""
    return list(names) if repeat % 2 == 0 else list(reversed(names))


def compare(options: argparse.Namespace) -> dict[str, Any]:
    """The result, JSON-ready."""
    if options.slots > available_cores():
        raise SpeedError(f"--slots is {options.slots}, but there are {available_cores()} cores, and a trial takes one")
    folder = Path(tempfile.mkdtemp(prefix="tuneoff-speed-"))
    setting = Setting(
        folder=str(folder),
        model=options.model,
        layers=options.layers,
        epochs=options.epochs,
        batch_size=options.batch_size,
        learning_rates=tuple(options.learning_rates),
        slots=options.slots,
        members=options.members,
    )
    write_rows(folder, options.files, options.rows)
    setting.save(folder / "setting.json")
    precision = _probe(folder) if "tuned" in options.arms else None
    bf16 = precision is not None and precision["bf16"] < precision["fp32"]
    compared = _population(options, setting, bf16) if options.pbt else _trials(options, setting, bf16)
    shutil.rmtree(folder)
    return {
        "setting": asked(options),
        "tuned_precision": {"chosen": "bf16" if bf16 else "fp32", "step_seconds": precision},
        **compared,
    }


def markdown(options: argparse.Namespace, result: dict[str, Any]) -> str:
    return table.markdown(result["runs"], result["summary"], population.ROWS if options.pbt else table.ROWS)


def _trials(options: argparse.Namespace, setting: Setting, bf16: bool) -> dict[str, Any]:
    work, peaks = work_of(setting), [measure(setting.slots)]

    def run(arm: str, folder: Path, repeat: int) -> dict[str, Any]:
        return arms.run_arm(arm, setting, work, folder=folder, repeat=repeat, bf16=bf16, peak=peaks[-1])

    runs = _by_turns(options, setting, run, lambda: peaks.append(measure(setting.slots)))
    return {
        "work_per_trial": vars(work),
        "peak_flops_per_core": peaks,
        "runs": runs,
        "summary": table.summarise(runs, options.tolerance),
    }


def _population(options: argparse.Namespace, setting: Setting, bf16: bool) -> dict[str, Any]:
    def run(arm: str, folder: Path, repeat: int) -> dict[str, Any]:
        return population.run_arm(arm, setting, folder, repeat=repeat, bf16=bf16)

    runs = _by_turns(options, setting, run, lambda: None)
    return {"runs": runs, "summary": table.summarise(runs, options.tolerance, population.ROWS, population.RATIOS)}


def _by_turns(
    options: argparse.Namespace,
    setting: Setting,
    run: Callable[[str, Path, int], dict[str, Any]],
    after_repeat: Callable[[], None],
) -> list[dict[str, Any]]:
    runs: list[dict[str, Any]] = []
    for repeat in range(options.repeats):
        for arm in order(options.arms, repeat):
            print(f"repeat {repeat + 1} of {options.repeats}, {arm} ...", end=" ", file=sys.stderr, flush=True)
            where = Path(setting.folder) / f"{arm}-{repeat}"
            runs.append(run(arm, where, repeat))
            shutil.rmtree(where)
            print(f"{runs[-1]['wall_seconds']:.1f} s", file=sys.stderr, flush=True)
        after_repeat()
    return runs


def _probe(folder: Path) -> dict[str, float]:
    where = folder / "probe"
    watch(
        [sys.executable, "-m", "benchmarks.speed.trainer_arm", str(folder / "setting.json"), str(where), "probe", "0", "-"],
        where,
        PROBE_LIMIT_SECONDS,
    )
    seconds: dict[str, float] = json.loads((where / "probe.json").read_text(encoding="utf-8"))
    return seconds
