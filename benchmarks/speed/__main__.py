"""python -m benchmarks.speed: one run, one machine, the arms by turns; writes <out>/<name>.json and .md. See docs/speed.md."""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.speed.setting import ARMS, Setting, SpeedError, work_of, write_rows
from tuneoff.config import available_cores
from tuneoff.errors import UserError
from tuneoff.provenance import git, hardware, now_utc, versions

PROBE_LIMIT_SECONDS = 900.0


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed",
                                     description="Trainer.hyperparameter_search against tuneoff.")
    parser.add_argument("--files", help="a folder with MRPC's files; default: the built-in task")
    parser.add_argument("--model", default="micro", help="a file of conf/model")
    parser.add_argument("--layers", type=int, help="cut the encoder to its first layers")
    parser.add_argument("--rows", type=int, help="the first so many training rows; default: all")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--learning-rates", type=float, nargs="+", default=[1e-4, 3e-4, 1e-3, 2e-3])
    parser.add_argument("--slots", type=int, default=2, help="trials at once, one core each")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS))
    parser.add_argument("--tolerance", type=float, default=0.02, help="between the arms' mean accuracies")
    parser.add_argument("--out", type=Path, default=Path("results/speed"))
    parser.add_argument("--name", help="of the result's files; default: task-model")
    parser.add_argument("--orchestration", metavar="N,N,...", help="instead: milliseconds per trial of so many no-op trials")
    options = parser.parse_args(arguments)
    if options.repeats < 1:
        raise SpeedError(f"--repeats is {options.repeats}, but it must be at least 1")
    return options


def order(arms: Sequence[str], repeat: int) -> list[str]:
    """A B C, then C B A, so that a machine that slows down or speeds up favours none."""
    return list(arms) if repeat % 2 == 0 else list(reversed(arms))


def compare(options: argparse.Namespace) -> dict[str, Any]:
    from benchmarks.speed.arms import run_arm
    from benchmarks.speed.peak import measure
    from benchmarks.speed.table import summarise
    if options.slots > available_cores():
        raise SpeedError(f"--slots is {options.slots}, but there are {available_cores()} cores, and a trial takes one")
    folder = Path(tempfile.mkdtemp(prefix="tuneoff-speed-"))
    setting = Setting(folder=str(folder), model=options.model, layers=options.layers, epochs=options.epochs,
                      batch_size=options.batch_size, learning_rates=tuple(options.learning_rates), slots=options.slots)
    write_rows(folder, options.files, options.rows)
    setting.save(folder / "setting.json")
    work, peaks, runs = work_of(setting), [measure(setting.slots)], []
    precision = _probe(folder) if "tuned" in options.arms else None
    bf16 = precision is not None and precision["bf16"] < precision["fp32"]
    for repeat in range(options.repeats):
        for arm in order(options.arms, repeat):
            print(f"repeat {repeat + 1} of {options.repeats}, {arm} ...", end=" ", file=sys.stderr, flush=True)
            where = folder / f"{arm}-{repeat}"
            runs.append(run_arm(arm, setting, work, folder=where, repeat=repeat, bf16=bf16, peak=peaks[-1]))
            shutil.rmtree(where)
            print(f"{runs[-1]['wall_seconds']:.1f} s", file=sys.stderr, flush=True)
        peaks.append(measure(setting.slots))
    shutil.rmtree(folder)
    return {"setting": {**vars(options), "out": str(options.out)}, "work_per_trial": vars(work), "peak_flops_per_core": peaks,
            "tuned_precision": {"chosen": "bf16" if bf16 else "fp32", "step_seconds": precision}, "runs": runs,
            "summary": summarise(runs, options.tolerance)}


def _probe(folder: Path) -> dict[str, float]:
    from benchmarks.speed.watch import watch
    where = folder / "probe"
    watch([sys.executable, "-m", "benchmarks.speed.trainer_arm", str(folder / "setting.json"), str(where), "probe", "0", "-"],
          where, PROBE_LIMIT_SECONDS)
    seconds: dict[str, float] = json.loads((where / "probe.json").read_text(encoding="utf-8"))
    return seconds


def provenance(arguments: Sequence[str]) -> dict[str, Any]:
    from importlib.metadata import version
    return {"time_utc": now_utc(), "versions": {**versions(), "accelerate": version("accelerate")}, "git": git(),
            "hardware": hardware("cpu"), "command": shlex.join(["python", "-m", "benchmarks.speed", *arguments])}


def must_be_new(out: Path, name: str) -> None:
    if (out / f"{name}.json").exists():
        raise SpeedError(f"{out / f'{name}.json'} is there already, and results are never overwritten: give "
                         "--name, or delete it")


def write(out: Path, name: str, result: dict[str, Any], text: str) -> None:
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    (out / f"{name}.md").write_text(text, encoding="utf-8")
    print(text)


def main() -> None:
    arguments = sys.argv[1:]
    try:
        options = parse(arguments)
        from benchmarks.speed.table import markdown
        if options.orchestration:
            from benchmarks.speed import orchestration
            name = options.name or "orchestration"
            must_be_new(options.out, name)
            points = orchestration.run(options.orchestration, options.slots)
            orchestration.draw(points, options.out / f"{name}.png")
            write(options.out, name, {**provenance(arguments), "points": points}, orchestration.markdown(points))
            return
        name = options.name or f"{'mrpc' if options.files else 'entail'}-{options.model}"
        must_be_new(options.out, name)
        result = compare(options)
        head = f"`{shlex.join(['python', '-m', 'benchmarks.speed', *arguments])}`\n\n"
        write(options.out, name, {**provenance(arguments), **result}, head + markdown(result["runs"], result["summary"]))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
