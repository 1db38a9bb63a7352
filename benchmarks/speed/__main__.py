"""python -m benchmarks.speed: one run, one machine, the arms by turns; writes <out>/<name>.json and .md. See docs/speed.md."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.speed.setting import ARMS, PBT_ARMS, SpeedError
from tuneoff.errors import UserError
from tuneoff.records.provenance import git, now_utc, versions
from tuneoff.study.hardware import hardware

FOLDERS = ("--files", "--out")


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.speed", description="Trainer.hyperparameter_search against tuneoff."
    )
    parser.add_argument("--files", help="a folder with MRPC's files; default: the built-in task")
    parser.add_argument("--model", default="micro", help="a file of src/tuneoff/conf/model")
    parser.add_argument("--layers", type=int, help="cut the encoder to its first layers")
    parser.add_argument("--rows", type=int, help="the first so many training rows; default: all")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument(
        "--learning-rates",
        type=float,
        nargs="+",
        default=[1e-4, 3e-4, 1e-3, 2e-3],
        help="of the trials; a population draws between the least and the largest",
    )
    parser.add_argument("--slots", type=int, default=2, help="trials at once, one core each")
    parser.add_argument("--nodes", type=int, default=1, help="of --orchestration: virtual nodes of a cluster")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--arms", nargs="+", choices=[*ARMS, *(arm for arm in PBT_ARMS if arm not in ARMS)])
    parser.add_argument("--members", type=int, default=8, help="of a population")
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="bf16", help="of --equivalence")
    parser.add_argument("--tolerance", type=float, default=0.02, help="between the arms' mean accuracies")
    parser.add_argument("--out", type=Path, default=Path("results/speed"))
    parser.add_argument("--name", help="of the result's files; default: by what is measured")
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--pbt", action="store_true", help="instead: a population, by Ray's documented pattern and by ours")
    instead.add_argument("--equivalence", type=int, metavar="N", help="instead: N seeds with and without bucketing, paired")
    instead.add_argument("--agreement", type=int, metavar="N", help="instead: N seeds of our training function and of Trainer")
    instead.add_argument("--orchestration", metavar="N,N,...", help="instead: milliseconds per trial of so many no-op trials")
    instead.add_argument("--reading", type=int, metavar="N", help="instead: seconds to load and report N made-up records")
    options = parser.parse_args(arguments)
    _check(options)
    return options


def _check(options: argparse.Namespace) -> None:
    known = PBT_ARMS if options.pbt else ARMS
    options.arms = options.arms or list(known)
    for arm in options.arms:
        if arm not in known:
            raise SpeedError(
                f"--arms names {arm}, but {'with' if options.pbt else 'without'} --pbt there are "
                f"{', '.join(known)}: name some of those"
            )
    for name, least in (("repeats", 1), ("slots", 1), ("nodes", 1), ("equivalence", 2), ("agreement", 2), ("reading", 1)):
        value = getattr(options, name)
        if value is not None and value < least:
            raise SpeedError(f"--{name} is {value}, but it must be at least {least}")
    if options.slots % options.nodes:
        raise SpeedError(f"--nodes is {options.nodes}, but --slots is {options.slots}: give a multiple of the nodes")
    if options.nodes > 1 and not options.orchestration:
        raise SpeedError(f"--nodes is {options.nodes}, but only --orchestration has nodes: leave it away")


def provenance(arguments: Sequence[str]) -> dict[str, Any]:
    from importlib.metadata import version

    return {
        "time_utc": now_utc(),
        "versions": {**versions(), "accelerate": version("accelerate")},
        "git": git(),
        "hardware": hardware("cpu"),
        "command": command(arguments),
    }


def command(arguments: Sequence[str]) -> str:
    """As given, without this machine's folders."""
    shown: list[str] = []
    for before, argument in zip(["", *arguments], arguments, strict=False):
        name, equals, _ = argument.partition("=")
        shown.append("DIR" if before in FOLDERS else f"{name}=DIR" if equals and name in FOLDERS else argument)
    return shlex.join(["python", "-m", "benchmarks.speed", *shown])


def must_be_new(out: Path, name: str) -> None:
    if (out / f"{name}.json").exists():
        raise SpeedError(
            f"{out / f'{name}.json'} is there already, and results are never overwritten: give --name, or delete it"
        )


def default_name(options: argparse.Namespace) -> str:
    data = f"{'mrpc' if options.files else 'entail'}-{options.model}"
    if options.equivalence or options.agreement:
        return f"{'bucketing' if options.equivalence else 'agreement'}-{data}"
    if options.orchestration:
        return f"orchestration-{options.nodes}-nodes" if options.nodes > 1 else "orchestration"
    if options.reading:
        return "reading"
    return f"pbt-{data}" if options.pbt else data


def measure(options: argparse.Namespace, name: str) -> tuple[dict[str, Any], str]:
    """The result, JSON-ready, and its table."""
    if options.orchestration:
        from benchmarks.speed import orchestration

        points = orchestration.run(options.orchestration, options.slots, options.nodes)
        orchestration.draw(points, options.out / f"{name}.png")
        return {"points": points}, orchestration.markdown(points)
    if options.reading:
        from benchmarks.speed import reading

        found = reading.run(options.reading)
        return found, reading.markdown(found)
    if options.equivalence or options.agreement:
        from benchmarks.speed import paired

        found = paired.run(options)
        return found, paired.markdown(found)
    from benchmarks.speed.comparison import compare, markdown

    found = compare(options)
    return found, markdown(options, found)


def main() -> None:
    arguments = sys.argv[1:]
    try:
        options = parse(arguments)
        name = options.name or default_name(options)
        must_be_new(options.out, name)
        told = provenance(arguments)
        result, text = measure(options, name)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    options.out.mkdir(parents=True, exist_ok=True)
    text = f"`{told['command']}`\n\n{text}"
    (options.out / f"{name}.json").write_text(json.dumps({**told, **result}, indent=1) + "\n", encoding="utf-8")
    (options.out / f"{name}.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
