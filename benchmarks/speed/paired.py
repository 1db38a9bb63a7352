"""Two ways to train, seed by seed: does the accuracy differ, and by how much? No Ray; two processes, one thread each.

--equivalence: our training function with batches of like length (training.bucket_lengths) and with purely random ones.
--agreement: our training function and transformers' Trainer, both fp32, at the same settings; a few seeds also on the same
batches in the same order, where a model without dropout must reach the same scores but for rounding.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.speed.setting import Setting, SpeedError, asked, write_rows
from benchmarks.speed.watch import environment
from tuneoff.config.parts import available_cores

MARGIN = 0.01
"""Within which mean accuracies count as the same."""
SAME_WAYS, SAME_SEEDS = ("random", "trainer-same"), 4
"""Ours unbucketed, and Trainer in its order of rows."""
WAYS = {"equivalence": ("bucketed", "random"), "agreement": ("ours", "trainer")}


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Trains every seed both ways, the first way first in every other seed, and summarises."""
    kind = "equivalence" if options.equivalence else "agreement"
    ways, seeds = WAYS[kind], range(options.equivalence or options.agreement)
    folder = Path(tempfile.mkdtemp(prefix="tuneoff-speed-"))
    setting = Setting(
        folder=str(folder),
        model=options.model,
        layers=options.layers,
        epochs=options.epochs,
        batch_size=options.batch_size,
        learning_rates=(options.learning_rates[0],),
    )
    write_rows(folder, options.files, options.rows, whole_test=True)
    setting.save(folder / "setting.json")
    precision = options.precision if kind == "equivalence" else "fp32"
    workers = min(options.slots, available_cores())

    def train(ways: Sequence[str], seeds: Sequence[int]) -> list[dict[str, Any]]:
        shares = [[seed for seed in seeds if seed % workers == worker] for worker in range(workers)]
        with ThreadPoolExecutor(workers) as pool:
            return [line for share in pool.map(lambda s: _worker(folder, ways, s, precision), shares) for line in share]

    lines = train(ways, seeds)
    same = train(SAME_WAYS, seeds[:SAME_SEEDS]) if kind == "agreement" else []
    shutil.rmtree(folder)
    return {
        "setting": {**asked(options), "precision": precision},
        "kind": kind,
        "runs": sorted([*lines, *same], key=lambda line: (line["seed"], line["way"])),
        "summary": {**summarise(lines, ways), **({"same_batches": on_the_same(same)} if same else {})},
    }


def _worker(folder: Path, ways: Sequence[str], seeds: Sequence[int], precision: str) -> list[dict[str, Any]]:
    command = [
        sys.executable,
        "-m",
        "benchmarks.speed.paired_worker",
        str(folder / "setting.json"),
        precision,
        ",".join(ways),
        *map(str, seeds),
    ]
    found: list[dict[str, Any]] = []
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith('{"seed"'):  # Trainer prints too
                found.append(json.loads(line))
                print("seed {seed}, {way}: {accuracy:.4f}".format(**found[-1]), file=sys.stderr, flush=True)
    if process.returncode != 0:
        raise SpeedError(f"a training ended with {process.returncode}; what it said is above")
    return found


def summarise(lines: Sequence[Mapping[str, Any]], ways: Sequence[str]) -> dict[str, Any]:
    """difference: of accuracies, first way less second, paired by seed, with the 90 % interval of Student's t.

    equivalent: the interval lies within +-MARGIN, which is the two one-sided tests at 5 % each (Schuirmann 1987).
    """
    from scipy.stats import t

    by = {(line["seed"], line["way"]): line for line in lines}
    seeds = sorted({line["seed"] for line in lines})
    pairs = [(by[seed, ways[0]], by[seed, ways[1]]) for seed in seeds]
    differences = [a["accuracy"] - b["accuracy"] for a, b in pairs]
    mean, sd, n = statistics.fmean(differences), statistics.stdev(differences), len(pairs)
    half = float(t.ppf(0.95, n - 1)) * sd / n**0.5
    ratios = [b["epoch_seconds"] / a["epoch_seconds"] for a, b in pairs]
    return {
        "seeds": n,
        "difference": mean,
        "low": mean - half,
        "high": mean + half,
        "sd_of_differences": sd,
        "margin": MARGIN,
        "equivalent": max(half - mean, half + mean) < MARGIN,
        "rows_evaluated": pairs[0][0]["rows"],
        "ways": {
            way: {
                "mean": statistics.fmean(pair[i]["accuracy"] for pair in pairs),
                "sd": statistics.stdev(pair[i]["accuracy"] for pair in pairs),
                "epoch_seconds": statistics.median(pair[i]["epoch_seconds"] for pair in pairs),
            }
            for i, way in enumerate(ways)
        },
        "time_ratio": {"median": statistics.median(ratios), "low": min(ratios), "high": max(ratios)},
    }


def on_the_same(lines: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Largest differences between the two ways in accuracy and loss."""
    by = {(line["seed"], line["way"]): line for line in lines}
    seeds = sorted({line["seed"] for line in lines})
    a, b = SAME_WAYS
    return {
        "seeds": len(seeds),
        "largest_accuracy_difference": max(abs(by[seed, a]["accuracy"] - by[seed, b]["accuracy"]) for seed in seeds),
        "largest_loss_difference": max(abs(by[seed, a]["loss"] - by[seed, b]["loss"]) for seed in seeds),
    }


def markdown(found: Mapping[str, Any]) -> str:
    summary, options = found["summary"], found["setting"]
    first, second = summary["ways"]
    lines = [
        f"{summary['seeds']} seeds each, {options['precision']}, learning rate {options['learning_rates'][0]:g}, "
        f"batch size {options['batch_size']}, {options['epochs']} epochs; accuracy on "
        f"{summary['rows_evaluated']} rows.",
        "",
        "| | mean accuracy, % | sd, points | s an epoch, median |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {way} | {100 * row['mean']:.2f} | {100 * row['sd']:.2f} | {row['epoch_seconds']:.2f} |"
        for way, row in summary["ways"].items()
    ]
    ratio = summary["time_ratio"]
    verdict = "equivalent" if summary["equivalent"] else "NOT shown to be equivalent"
    lines += [
        "",
        f"{first} less {second}: {100 * summary['difference']:+.2f} points, 90 % interval "
        f"{100 * summary['low']:+.2f} to {100 * summary['high']:+.2f} (sd of a pair "
        f"{100 * summary['sd_of_differences']:.2f}): {verdict} within "
        f"{100 * summary['margin']:.0f} point.",
        f"Time of an epoch, {second} / {first}: {ratio['median']:.2f} ({ratio['low']:.2f}-{ratio['high']:.2f}).",
    ]
    if "same_batches" in summary:
        same = summary["same_batches"]
        lines.append(
            f"On the same batches in the same order ({same['seeds']} seeds): accuracies differ by at "
            f"most {100 * same['largest_accuracy_difference']:.2f} points, losses by "
            f"{same['largest_loss_difference']:.1e}."
        )
    return "\n".join(lines) + "\n"
