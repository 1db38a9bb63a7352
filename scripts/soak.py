"""python scripts/soak.py --kills 200 --out FILE [--seed 0]

Kills random processes of searches of every algorithm at random moments, until each is completed by its own command, and checks
after each that nothing is lost, repeated or left behind. One line a kill in FILE: which algorithm, which process, what
happened. The trainer is the made-up curve of tests/extending: nothing of a kill depends on it. FILE keeps what was done: the
command goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.end_to_end.test_resume import SWEPT, cell_path, check, lines, start
from tuneoff.execution.tune import WORKER_RETRIES
from tuneoff.records.store import load_cell, read_header

KINDS = {"ray::WorkerActor": "worker", "ray::SharedState": "shared state", "gcs_server": "Ray's GCS", "raylet": "raylet"}
LIMIT_SECONDS = 300
MOST_SESSIONS = 40


def kind_of(process: psutil.Process) -> str | None:
    """None for processes that are not ours to kill, or gone."""
    try:
        name = (process.cmdline() or [""])[0]
    except psutil.Error:
        return None
    return next((kind for part, kind in KINDS.items() if Path(name).name.startswith(part) or name.startswith(part)), None)


def soak_one(folder: Path, algorithm: str, rng: random.Random) -> list[dict[str, Any]]:
    """Runs a search to its end through kills of random processes. Returns a note of each."""
    notes: list[dict[str, Any]] = []
    path = cell_path(folder, algorithm)
    for _ in range(MOST_SESSIONS):
        process = start(folder, algorithm, engine="curve")
        victims = kill_during(process, path, rng)
        notes += [{"algorithm": algorithm, "killed": kind, "after_lines": n} for kind, n in victims]
        try:
            code = process.wait(timeout=LIMIT_SECONDS)
        except Exception:
            process.kill()
            raise RuntimeError(f"{algorithm} hangs after the death of {victims}") from None
        for note in notes[len(notes) - len(victims) :]:
            note["exit"] = code
        if left := left_behind(path):
            raise RuntimeError(f"{algorithm}: {left} left after the death of {victims}")
        if code == 0:
            break
    else:
        raise RuntimeError(f"{algorithm} is not completed after {MOST_SESSIONS} sessions")
    check(folder, algorithm, MOST_SESSIONS, trials=3 if algorithm == "grid" else 5)
    failed = [end for end in load_cell(path).trial_ends if end.status == "failed"]
    deaths = sum(note["killed"] == "worker" for note in notes)
    if failed and deaths <= WORKER_RETRIES:
        raise RuntimeError(f"{path}: {len(failed)} failed trials: {failed[0].reason}; killed were {notes}")
    assert read_header(path).status == "finished"
    for note in notes:
        note["failed_trials"] = len(failed)
    return notes


def kill_during(process: Any, path: Path, rng: random.Random) -> list[tuple[str, int]]:
    """Kills one random process of the search at a random moment; the kind and the log's length. [] where it ended before."""
    target, began = lines(path) + rng.randint(1, 6), time.monotonic()
    while process.poll() is None and lines(path) < target and time.monotonic() - began < LIMIT_SECONDS:
        time.sleep(0.02)
    time.sleep(rng.random() * 0.5)
    try:
        children = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    found: dict[str, list[psutil.Process]] = {}
    for child in children:
        if (kind := kind_of(child)) is not None:
            found.setdefault(kind, []).append(child)
    found["the command"] = [psutil.Process(process.pid)] if process.poll() is None else []
    kind = rng.choice(sorted(found))
    if not found[kind]:
        return []
    try:
        rng.choice(found[kind]).send_signal(signal.SIGKILL)
    except psutil.NoSuchProcess:
        return []
    return [(kind, lines(path))]


def left_behind(path: Path, patience_seconds: float = 30.0) -> list[str]:
    """Processes of ours that outlive the command, and files of Ray in the cell."""
    until = time.monotonic() + patience_seconds
    while True:
        here = str(path.parents[3])
        alive = [p for p in psutil.process_iter() if kind_of(p) in ("worker", "shared state") and here in _environment(p)]
        if not alive or time.monotonic() > until:
            return [str(p) for p in alive]
        time.sleep(0.2)


def _environment(process: psutil.Process) -> str:
    try:
        return " ".join([*process.cmdline(), process.cwd(), *(f"{k}={v}" for k, v in process.environ().items())])
    except psutil.Error:
        return ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    done = [json.loads(line) for line in given.out.read_text().splitlines()] if given.out.exists() else []
    number = max((note["search"] for note in done), default=-1) + 1
    while len(done) < given.kills:
        rng = random.Random(f"{given.seed}-{number}")
        folder = Path(tempfile.mkdtemp(prefix="tuneoff-soak-"))  # left where something is wrong
        notes = soak_one(folder, SWEPT[number % len(SWEPT)], rng)
        shutil.rmtree(folder)
        notes = [{"search": number, "seed": given.seed, **note} for note in notes]
        with given.out.open("a", encoding="utf-8") as out:
            out.writelines(json.dumps(note) + "\n" for note in notes)
        done += notes
        number += 1
        print(f"{len(done)} kills in {number} searches: {dict(Counter(note['killed'] for note in done))}", flush=True)


if __name__ == "__main__":
    main()
