"""What tuneoff costs above the same Trainer run by hand.

    python scripts/trainer_overhead.py trial my_script:make_trainer num_epochs=3 batch_size=16 --pairs 5
    python scripts/trainer_overhead.py search my_script:make_trainer num_epochs=3 data_dir=FOLDER --pairs 5

trial: pairs of both, in turns, in one process. By hand is the user's function and `trainer.train()`. Ours is a trial as a
worker runs it: with pauses, and a snapshot written after every evaluation. No test score is taken, which by hand is not taken
either.

search: commands from start to end, in turns, one trial at a time. By hand is a script that trains 8 Trainers one after another
and scores the last one on its test dataset; ours a random search of 8 trials, and the same as a sweep of 4 searches of 2
trials, whose difference is what a search costs after the first one. Trials differ in weight decay alone.

The first round warms up and is not counted.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
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

TRIALS, SEARCHES = 8, 4


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


def trials(maker: Maker, values: Values, pairs: int) -> None:
    ratios = []
    for pair in range(pairs + 1):
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
    print(f"overhead of a trial, median of {pairs} pairs: {wall:+.2%} of wall time, {cpu:+.2%} of CPU time")


def script(maker: Maker, values: Values) -> None:
    """What a user would write without us."""
    with tempfile.TemporaryDirectory() as folder:
        for trial in range(TRIALS):
            chosen = {**values, "weight_decay": 0.01 * trial}
            made = make_trainer(maker, chosen, seed=trial, output=lambda _: folder, use_cpu=True)
            made.trainer.train()
        made.trainer.predict(made.test_dataset)


def commands(make: str, given: list[str], values: Values, results: Path) -> dict[str, list[str]]:
    hparams = [f"{'' if name in ('num_epochs', 'batch_size') else '++'}hparams.{name}={v}" for name, v in values.items()]
    run = [sys.executable, "-m", "benchmarks.run", "engine=hf_trainer", f"engine.make={make}", "engine.metric=eval_loss"]
    run += ["engine.direction=minimise", *hparams, "~space.learning_rate", "~space.batch_size", "algorithm=random"]
    run += ["resources.slots=1", "resources.device=cpu", "view=quiet"]
    return {
        "by hand": [sys.executable, __file__, "script", make, *given],
        "one search": [*run, f"algorithm.trials={TRIALS}", f"results={results / 'one'}"],
        "sweep": [
            *[*run, "-m", f"algorithm.trials={TRIALS // SEARCHES}"],
            *[f"repeat=range(0,{SEARCHES})", f"results={results / 'sweep'}"],
        ],
    }


def searches(make: str, given: list[str], values: Values, pairs: int) -> None:
    first, further = [], []
    for turn in range(pairs + 1):
        with tempfile.TemporaryDirectory() as folder:
            arms = commands(make, given, values, Path(folder))
            seconds = {}
            for name in list(arms) if turn % 2 else reversed(list(arms)):
                began = time.perf_counter()
                subprocess.run(arms[name], check=True, stdout=subprocess.DEVNULL)
                seconds[name] = time.perf_counter() - began
        print(f"round {turn}: {', '.join(f'{name} {value:.2f} s' for name, value in seconds.items())}", flush=True)
        if turn:
            first.append(seconds["one search"] - seconds["by hand"])
            further.append((seconds["sweep"] - seconds["one search"]) / (SEARCHES - 1))
    for name, found in (("the first search of a command", first), ("each further one", further)):
        spread = f"{min(found):.2f} to {max(found):.2f} in {pairs} rounds"
        print(f"overhead of {name}: median {statistics.median(found):.2f} s, {spread}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("trial", "search", "script"))
    parser.add_argument("make")
    parser.add_argument("values", nargs="*", help="hyperparameters and keywords: NAME=VALUE")
    parser.add_argument("--pairs", type=int, default=5)
    given = parser.parse_args()
    values = {"num_epochs": 3, **{name: yaml.safe_load(text) for name, text in (v.split("=", 1) for v in given.values)}}
    maker = Maker(make=load(given.make), name=given.make, signature=signature_of(given.make))
    if given.what == "trial":
        trials(maker, values, given.pairs)
    elif given.what == "script":
        script(maker, values)
    else:
        searches(given.make, given.values, values, given.pairs)


if __name__ == "__main__":
    main()
