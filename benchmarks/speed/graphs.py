"""Training steps on a GPU as written and as CUDA graphs, in fp32 and bf16, and several trials on one GPU.

python -m benchmarks.speed.graphs: BERT-base with random weights on rows of random tokens, no files needed. Prints a table
and, with --out FILE, writes the figures. On a CPU it runs too (as written only), to be tried out with --layers 1 --width 64.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

SQUARE = 4096


@dataclass(frozen=True, kw_only=True)
class Arm:
    """trials: processes that step at once on the one device."""

    bf16: bool
    graphs: bool
    trials: int = 1


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Ragged rows of random tokens, as the engine takes them."""

    input_ids: Any
    token_type_ids: Any
    offsets: Any
    labels: Any


def main() -> None:
    options = parse()
    if options.worker:
        arm = json.loads(options.worker)
        print(json.dumps(measure(Arm(**arm), options) if arm else device_and_peak()))
        return
    [machine] = _processes({}, 1)
    print(
        f"{machine['device']}, torch {machine['torch']}: {options.layers} layers, width {options.width}, batches of "
        f"{options.batch_size}, rows of {options.shortest} to {options.longest} tokens\n"
    )
    print(
        "| precision | asked for | ran as | trials | steps/s in all | real tokens/s | share of bf16 peak | GiB a trial |\n"
        "|---|---|---|---:|---:|---:|---:|---:|"
    )
    arms = [Arm(bf16=bf16, graphs=graphs) for bf16 in (False, True) for graphs in (False, True)]
    arms += [Arm(bf16=True, graphs=graphs, trials=trials) for trials in options.trials for graphs in (False, True)]
    figures = []
    for arm in arms:
        found = [_processes(asdict(arm), arm.trials) for _ in range(options.repeats)]
        figures.append({"arm": asdict(arm), "runs": found})
        print(_row(arm, found, machine["peak"]), flush=True)
    if options.out:
        Path(options.out).write_text(
            json.dumps({"command": sys.argv, **machine, "figures": figures}, indent=1) + "\n", encoding="utf-8"
        )


def _processes(arm: dict[str, Any], count: int) -> list[dict[str, Any]]:
    """The measurements of `count` processes of an arm at once. No arm: the machine alone."""
    command = [sys.executable, "-m", "benchmarks.speed.graphs", *sys.argv[1:], "--worker", json.dumps(arm)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(count)]
    outputs = [process.communicate()[0] for process in running]
    if any(process.returncode for process in running):
        raise SystemExit(f"error: a process of {arm} failed; its message is above")
    return [json.loads(output.splitlines()[-1]) for output in outputs]


def _row(arm: Arm, found: list[list[dict[str, Any]]], peak: float | None) -> str:
    def total(name: str) -> float:
        return float(median(sum(worker[name] for worker in run) for run in found))

    share = "" if peak is None else f"{100 * total('flops_per_second') / peak:.0f} %"
    asked = "graph" if arm.graphs else "as written"
    return (
        f"| {'bf16' if arm.bf16 else 'fp32'} | {asked} | {found[0][0]['step']} | {arm.trials} "
        f"| {total('steps_per_second'):.1f} | {total('tokens_per_second'):.0f} | {share} "
        f"| {median(run[0]['gib'] for run in found):.2f} |"
    )


def measure(arm: Arm, options: argparse.Namespace) -> dict[str, Any]:
    """Rates over `options.seconds`, after every shape was captured."""
    import torch

    from benchmarks.speed.setting import forward_flops
    from tuneoff.model.network import Network
    from tuneoff.task.kinds import scoring
    from tuneoff.training.batches import DeviceSplit
    from tuneoff.training.finetune import Job, Run
    from tuneoff.training.hparams import HParams
    from tuneoff.training.settings import TrainingSettings

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    base = _base(options)
    split = DeviceSplit(_rows(options), device)
    hparams = HParams(batch_size=options.batch_size, learning_rate=1e-6)
    job = Job(
        network=Network(base, device),
        train=split,
        validation=split,
        test=None,
        scoring=scoring(2),
        bf16=arm.bf16,
        settings=TrainingSettings(cuda_graphs="auto" if arm.graphs else "off"),
    )
    run = Run(job, hparams, 0, None)
    run.stepper.prepare(hparams)
    batches = list(run.epoch_batches())
    for _ in range(2):
        for batch in batches:
            run.stepper.step(batch, hparams, hparams.learning_rate, hparams.weight_decay)
    run.stepper.take_loss()
    if arm.trials > 1:
        time.sleep(-time.time() % options.start_together)
    began, steps, tokens, flops = time.perf_counter(), 0, 0, 0.0
    per_token = 3 * forward_flops(list(split.lengths), layers=options.layers, width=options.width, inner=4 * options.width)
    per_token /= int(split.lengths.sum())
    while time.perf_counter() - began < options.seconds:
        for batch in batches:
            run.stepper.step(batch, hparams, hparams.learning_rate, hparams.weight_decay)
            steps, tokens, flops = steps + 1, tokens + batch.tokens, flops + per_token * batch.tokens
        run.stepper.take_loss()
    seconds = time.perf_counter() - began
    gib = torch.cuda.max_memory_reserved() / 2**30 if device.type == "cuda" else 0.0
    return {
        "step": run.stepper.mode,
        "steps_per_second": steps / seconds,
        "tokens_per_second": tokens / seconds,
        "flops_per_second": flops / seconds,
        "gib": gib,
    }


def device_and_peak() -> dict[str, Any]:
    """peak: FLOP/s of a large square product in bf16; None without a GPU."""
    import torch

    if not torch.cuda.is_available():
        return {"device": "cpu", "torch": torch.__version__, "peak": None}
    x = torch.rand(SQUARE, SQUARE, device="cuda").bfloat16()
    for _ in range(20):
        x @ x
    torch.cuda.synchronize()
    began = time.perf_counter()
    for _ in range(200):
        x @ x
    torch.cuda.synchronize()
    peak = 200 * 2.0 * SQUARE**3 / (time.perf_counter() - began)
    return {"device": torch.cuda.get_device_name(), "torch": torch.__version__, "peak": peak}


def _base(options: argparse.Namespace) -> Any:
    import torch
    from transformers import AutoModelForSequenceClassification, BertConfig

    from tuneoff.model.loading import BaseModel

    config = BertConfig(
        hidden_size=options.width,
        num_hidden_layers=options.layers,
        num_attention_heads=options.width // 64,
        intermediate_size=4 * options.width,
        num_labels=2,
    )
    torch.manual_seed(0)
    model = AutoModelForSequenceClassification.from_config(config)
    return BaseModel(config=config, weights={n: t.numpy() for n, t in model.state_dict().items()}, missing=(), content_hash="")


def _rows(options: argparse.Namespace) -> Rows:
    import numpy as np

    rng = np.random.default_rng(0)
    lengths = rng.integers(options.shortest, options.longest + 1, size=options.rows)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return Rows(
        input_ids=rng.integers(1, 30000, size=offsets[-1]).astype(np.int32),
        offsets=offsets,
        token_type_ids=np.zeros(offsets[-1], np.int8),
        labels=rng.integers(0, 2, size=options.rows),
    )


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--rows", type=int, default=1024)
    parser.add_argument("--shortest", type=int, default=20)
    parser.add_argument("--longest", type=int, default=128)
    parser.add_argument("--seconds", type=float, default=5.0, help="of stepping, a run")
    parser.add_argument("--repeats", type=int, default=3, help="medians are taken over so many runs")
    parser.add_argument("--trials", type=int, nargs="*", default=[2, 4], help="at once on the one GPU, besides 1")
    parser.add_argument("--start-together", type=float, default=30.0, help="trials at once start at a multiple of so many s")
    parser.add_argument("--out", help="a JSON file for the figures")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
