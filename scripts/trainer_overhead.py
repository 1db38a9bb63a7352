"""What a trial costs above the same Trainer run by hand: pairs of both, in turns, in one process.

    python scripts/trainer_overhead.py my_script:make_trainer num_epochs=3 batch_size=16 --pairs 5

By hand is the user's function and `trainer.train()`. Ours is a trial as a worker runs it: with pauses, and a snapshot written
after every evaluation. No test score is taken, which by hand is not taken either. The first pair warms up and is not counted.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import yaml

from tuneoff.training import state_file
from tuneoff.training.hf.build import Maker, make_trainer
from tuneoff.training.hf.make import load, signature_of
from tuneoff.training.hf.scores import Objective
from tuneoff.training.hf.trial import HfTrainer, Job
from tuneoff.training.protocol import Environment, Values


def by_hand(maker: Maker, values: Values, folder: Path) -> None:
    made = make_trainer(maker, values, seed=1, output=lambda _: str(folder / "by_hand"), use_cpu=True)
    made.trainer.train()


def ours(maker: Maker, values: Values, folder: Path) -> None:
    environment = Environment(wants_test=lambda _: False)
    job = Job(maker=maker, objective=Objective(metric="loss", direction="minimise"), points=1, environment=environment)
    for evaluation in HfTrainer(job).start(values, seed=1):
        if not evaluation.done:
            state_file.write(evaluation.capture(), folder / "state.safetensors")


def timed(run: Callable[[Maker, Values, Path], None], maker: Maker, values: Values) -> tuple[float, float]:
    """(wall seconds, CPU seconds)."""
    with tempfile.TemporaryDirectory() as folder:
        wall, cpu = time.perf_counter(), time.process_time()
        run(maker, values, Path(folder))
        return time.perf_counter() - wall, time.process_time() - cpu


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("make")
    parser.add_argument("values", nargs="*", help="hyperparameters and keywords: NAME=VALUE")
    parser.add_argument("--pairs", type=int, default=5)
    given = parser.parse_args()
    values = {"num_epochs": 3, **{name: yaml.safe_load(text) for name, text in (v.split("=", 1) for v in given.values)}}
    maker = Maker(make=load(given.make), name=given.make, signature=signature_of(given.make))
    ratios = []
    for pair in range(given.pairs + 1):
        runs = [by_hand, ours] if pair % 2 else [ours, by_hand]
        seconds = {run: timed(run, maker, values) for run in runs}
        wall, cpu = (seconds[ours][i] / seconds[by_hand][i] - 1 for i in (0, 1))
        print(
            f"pair {pair}: by hand {seconds[by_hand][0]:.2f} s, ours {seconds[ours][0]:.2f} s ({wall:+.1%}; CPU {cpu:+.1%})",
            flush=True,
        )
        if pair:
            ratios.append((wall, cpu))
    wall, cpu = (statistics.median(one[i] for one in ratios) for i in (0, 1))
    print(f"overhead of a trial, median of {given.pairs} pairs: {wall:+.2%} of wall time, {cpu:+.2%} of CPU time")


if __name__ == "__main__":
    main()
