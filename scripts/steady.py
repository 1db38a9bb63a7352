"""python scripts/steady.py --trials 2000 --out NAME       one search of so many trials
python scripts/steady.py --searches 100 --out NAME      a sweep of so many searches

Do memory, processes, open files, disk and Ray's object store stay flat? Runs the searches in this process, on the built-in task
cut to a few rows, and looks every few seconds. Writes NAME.csv (a line a look), NAME.png and NAME.md: each quantity in the
second quarter of the run beside the last one.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import psutil

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from tuneoff.commands import run as command
from tuneoff.records.provenance import git, versions
from tuneoff.study.hardware import hardware

LOOK_SECONDS = 3.0
SMALL = (
    "model=micro",
    "task=entail",
    "task.train_rows=64",
    "task.dev_rows=20",
    "task.test_rows=20",
    "hparams.num_epochs=1",
    "training.precision=fp32",
)
GROUPS = {"ray::WorkerActor": "workers", "ray::SharedState": "shared state", "": "Ray itself"}
QUANTITIES = {
    "driver MB": "memory of the driver",
    "workers MB": "memory of the workers",
    "shared state MB": "memory of the shared state",
    "Ray itself MB": "memory of Ray's own processes",
    "object store MB": "Ray's object store",
    "processes": "processes",
    "open files": "files that the driver has open",
    "threads": "threads of the driver",
    "files": "files in the results",
    "disk MB": "size of the results",
}


def look(results: Path) -> dict[str, float]:
    """One line: what all of it takes now. Resident memory, of which shared pages count in each process."""
    driver = psutil.Process()
    found: dict[str, float] = dict.fromkeys(QUANTITIES, 0.0)
    found["driver MB"] = driver.memory_info().rss / 1e6
    found["open files"], found["threads"] = driver.num_fds(), driver.num_threads()
    for process in driver.children(recursive=True):
        try:
            name, memory = (process.cmdline() or [""])[0], process.memory_info().rss / 1e6
        except psutil.Error:
            continue
        group = next(group for start, group in GROUPS.items() if name.startswith(start))
        found[f"{group} MB"] += memory
        found["processes"] += 1
    found["object store MB"] = _object_store()
    sizes = list(_sizes(results))
    found["files"], found["disk MB"] = len(sizes), sum(sizes) / 1e6
    return found


def _object_store() -> float:
    """MB in use; NaN while no Ray runs."""
    import ray

    try:
        return (ray.cluster_resources()["object_store_memory"] - ray.available_resources()["object_store_memory"]) / 1e6
    except Exception:  # it is just starting or stopping
        return float("nan")


def _sizes(folder: Path) -> Iterator[int]:
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                yield (Path(place) / name).stat().st_size
            except FileNotFoundError:
                continue


class Watch(threading.Thread):
    def __init__(self, results: Path) -> None:
        super().__init__(daemon=True)
        self.results, self.over, self.lines = results, threading.Event(), []  # type: ignore[var-annotated]

    def run(self) -> None:
        began = time.monotonic()
        while not self.over.wait(LOOK_SECONDS):
            ended = sum(path.read_bytes().count(b'"trial_end"') for path in self.results.rglob("trials.jsonl"))
            self.lines.append({"seconds": round(time.monotonic() - began, 1), "trials": ended, **look(self.results)})


def summary(lines: list[dict[str, float]]) -> list[tuple[str, float, float]]:
    """(what, mean in the second quarter, mean in the last) of the run, by trials ended; the first quarter fills caches."""
    total = lines[-1]["trials"]
    second = [line for line in lines if total / 4 <= line["trials"] < total / 2]
    last = [line for line in lines if line["trials"] >= total * 3 / 4]
    return [
        (text, float(np.nanmean([line[name] for line in second])), float(np.nanmean([line[name] for line in last])))
        for name, text in QUANTITIES.items()
    ]


def draw(lines: list[dict[str, float]], path: Path, title: str) -> None:
    figure, axes = plt.subplots(4, 3, figsize=(11, 9), sharex=True)
    for axis, (name, text) in zip(axes.flat, QUANTITIES.items(), strict=False):
        axis.plot([line["trials"] for line in lines], [line[name] for line in lines], lw=1.2)
        axis.set_title(text, fontsize=9)
        axis.set_ylim(bottom=0)
        axis.set_ylabel("MB" if name.endswith("MB") else "", fontsize=8)
    for axis in axes.flat[len(QUANTITIES) :]:
        axis.remove()
    figure.supxlabel("trials ended")
    figure.suptitle(title, fontsize=10)
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def report(lines: list[dict[str, float]], out: Path, what: str) -> str:
    machine: dict[str, Any] = hardware("cpu")
    rows = [f"| {text} | {before:,.1f} | {after:,.1f} |" for text, before, after in summary(lines)]
    libraries = ", ".join(f"{name} {version}" for name, version in versions().items() if name in ("python", "torch", "ray"))
    return "\n".join(
        [
            f"# Does it stay flat? {what}",
            "",
            f"`python {' '.join(sys.argv)}` at {git()['commit']}, {lines[-1]['seconds']:.0f} s, {len(lines)} looks; "
            f"{machine.get('cpu', machine)}; {libraries}.",
            "",
            "| | second quarter | last quarter |",
            "|---|---:|---:|",
            *rows,
            "",
            f"Memory in MB, resident; pages that processes share count in each. ![over the run]({out.name}.png)",
            "",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=0)
    parser.add_argument("--searches", type=int, default=0)
    parser.add_argument("--algorithm", default="random")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    if bool(options.trials) == bool(options.searches):
        parser.error("give --trials or --searches")
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder)
        given = [*SMALL, f"results={results}", "view=quiet", f"algorithm={options.algorithm}"]
        if options.trials:
            given += [f"algorithm.trials={options.trials}"]
        else:
            given += ["-m", "algorithm.trials=4", f"repeat=range(0,{options.searches})"]
        what = f"{options.trials} trials of one search" if options.trials else f"{options.searches} searches of 4 trials"
        own, sys.argv = sys.argv, ["tuneoff run", *given]
        watch = Watch(results)
        watch.start()
        try:
            command.command()
        except SystemExit as end:
            if end.code:
                raise
        finally:
            sys.argv = own
            watch.over.set()
            watch.join()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with options.out.with_suffix(".csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["seconds", "trials", *QUANTITIES], lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: round(value, 2) for name, value in line.items()} for line in watch.lines)
    draw(watch.lines, options.out.with_suffix(".png"), f"{what}, {options.algorithm}")
    text = report(watch.lines, options.out, what)
    options.out.with_suffix(".md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
