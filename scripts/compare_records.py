"""Fixed-seed searches of every algorithm, and whether two versions of the code leave the same records.

python scripts/compare_records.py record DIR      run the searches with the code at hand, one trial at a time, in fp32
python scripts/compare_records.py compare A B     exit code 1 and the differences, or one line

Compared: every score, hyperparameter, lineage, count of examples and of steps, predictions, and how each trial ended. Not
compared: clocks, processes, versions, and the names of snapshots.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SMALL = [
    "task.train_rows=600",
    "task.dev_rows=120",
    "task.test_rows=200",
    "training.precision=fp32",
    "resources.slots=1",
    "resources.device=cpu",
    "view=quiet",
]
BUDGET = "budget=epochs:12"
SEARCHES = {
    "every": ["-m", "algorithm=default,grid,random,random_asha,bayesopt,hyperopt,pbt,pbt_2020", BUDGET],
    "halves": ["-m", "algorithm=random_asha,hyperopt,pbt", "training.evaluations_per_epoch=2", "repeat=1", "retrain=2", BUDGET],
    "together": ["algorithm=pbt", "+algorithm.scheduler.synchronous=true", "repeat=2", BUDGET],
    "published": [
        "-m",
        "preset=blog2020",
        "task=entail",
        "model=micro",
        "algorithm=grid,bayesopt,pbt,pbt_2020",
        "budget=epochs:16",
    ],
    "brackets": [
        "algorithm=random_asha",
        "+algorithm.scheduler.brackets=2",
        "+algorithm.scheduler.reduction_factor=2",
        "hparams.num_epochs=4",
        "repeat=3",
        "budget=epochs:24",
    ],
}
CLOCKS = {"elapsed_seconds", "time_utc", "worker", "snapshot", "kept", "peak_memory_bytes"}
COUNTS = {"train_steps", "train_examples", "train_tokens"}
PART = ("from", "rows", "index", "majority_rate", "label_counts")
HEADER = ("task", "model", "algorithm", "repeat", "protocol", "metric", "status", "seeds", "space")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("record").add_argument("folder", type=Path)
    compare = verbs.add_parser("compare")
    compare.add_argument("a", type=Path)
    compare.add_argument("b", type=Path)
    options = parser.parse_args()
    if options.verb == "record":
        record(options.folder)
        return 0
    found = list(differences(options.a, options.b))
    print("\n".join(found) or f"equal: {len(list(options.a.rglob('*.jsonl')))} logs")
    return bool(found)


def record(folder: Path) -> None:
    """The searches of SEARCHES, and a recorded population's winner again. Those that are there are kept."""
    for study, overrides in SEARCHES.items():
        _run([*overrides, f"study={study}", f"results={folder}", *SMALL])
    source = folder / "every/entail-micro/pbt/repeat-0"
    _run(
        [
            "algorithm=pbt_replay",
            f"algorithm.searcher.source={source}",
            "algorithm.trials=2",
            "study=again",
            f"results={folder}",
            *SMALL,
        ]
    )


def _run(overrides: list[str]) -> None:
    print(" ".join(overrides), flush=True)
    subprocess.run([sys.executable, "-m", "benchmarks.run", *overrides], check=True)


def differences(a: Path, b: Path) -> Iterator[str]:
    """One line a difference."""
    names = sorted({p.relative_to(root).as_posix() for root in (a, b) for p in root.rglob("*.jsonl")})
    if not names:
        yield f"{a} and {b} hold no logs"
    for name in names:
        missing = [str(root) for root in (a, b) if not (root / name).exists()]
        if missing:
            yield f"{name} is missing in {missing[0]}"
            continue
        yield from _compare(name, _lines(a / name), _lines(b / name))
        header = (Path(name).parent / "run.json").as_posix()
        yield from _compare(header, [_header(a / header)], [_header(b / header)])


def _compare(name: str, left: list[dict[str, Any]], right: list[dict[str, Any]]) -> Iterator[str]:
    if len(left) != len(right):
        yield f"{name}: {len(left)} lines against {len(right)}"
    for number, (one, other) in enumerate(zip(left, right, strict=False), start=1):
        for key in sorted({*one, *other}):
            if one.get(key) != other.get(key):
                yield f"{name}, line {number} ({one.get('kind', 'header')}), {key}: {one.get(key)!r} against {other.get(key)!r}"


def _lines(path: Path) -> list[dict[str, Any]]:
    """Records in their order, without clocks; calibrations measure and are left out."""
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [_timeless(record) for record in records if record["kind"] != "calibration"]


def _timeless(record: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in record.items() if key not in CLOCKS}
    if "cost" in kept:
        kept["cost"] = {name: kept["cost"][name] for name in sorted(COUNTS)}
    return kept


def _header(path: Path) -> dict[str, Any]:
    values = json.loads(path.read_text(encoding="utf-8"))
    data = {name: values["data"][name] for name in ("split_sha256", "encoded_sha256", "model_sha256")}
    data["parts"] = {name: {key: part[key] for key in PART} for name, part in values["data"]["parts"].items()}
    return {**{name: values[name] for name in HEADER}, **data}


if __name__ == "__main__":
    sys.exit(main())
