"""Shows that entail with micro is a tuning problem: shallow cues fail, defaults lose to a small random search.

Prints: split sizes; accuracy of two logistic regressions on shallow cues; the untuned default over several seeds; a
random search over SPACE, its best by validation accuracy, retrained with other seeds; accuracy by learning rate and
batch size; accuracy of the best by phenomenon; seconds a trial. Trains in fp32 on one core.

    python scripts/check_entail.py [--trials 30] [--seeds 3] [--threads 1] [--log FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
import torch
from numpy.typing import NDArray

from tuneoff.hparams import HParams
from tuneoff.model.loading import load_base, load_tokenizer
from tuneoff.model.network import Network
from tuneoff.model.settings import ModelSettings
from tuneoff.space import Choice, Float, Int, SearchSpace
from tuneoff.task.encode import encode
from tuneoff.task.entail import build, phenomenon_of
from tuneoff.task.entail.pairs import PHENOMENA
from tuneoff.task.entail.surface import hypothesis_only_accuracy, overlap_accuracy
from tuneoff.task.kinds import scoring
from tuneoff.training.batches import DeviceSplit
from tuneoff.training.finetune import Job, finetune

SPACE = SearchSpace(
    {
        "learning_rate": Float(low=3e-5, high=3e-3, log=True),
        "weight_decay": Float(low=0.0, high=0.3),
        "batch_size": Choice(values=(16, 32, 64)),
        "num_epochs": Int(low=2, high=5),
    }
)
BANDS = (3e-5, 1e-4, 3e-4, 1e-3, 3.001e-3)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Accuracies of one trial's last evaluation; `right`: for each row of test. Seconds: training and validation."""

    hparams: HParams
    validation: float
    test: float
    seconds: float
    right: NDArray[np.bool_]


class Trials:
    """Trains on entail's default splits; selects on dev, scores on test."""

    def __init__(self, model: ModelSettings) -> None:
        self.task = build()
        tokenizer, base, device = load_tokenizer(model), load_base(model, 2), torch.device("cpu")
        splits = {
            name: DeviceSplit(encode(split, tokenizer, model.max_length), device) for name, split in self.task.splits.items()
        }
        self.last = False
        self.job = Job(
            network=Network(base, device),
            train=splits["train"],
            validation=splits["dev"],
            test=splits["test"],
            scoring=scoring(2),
            device=device,
            bf16=False,
            wants_test=lambda _: self.last,
        )

    def run(self, hparams: HParams, seed: int) -> Outcome:
        """Scores test after the last epoch only."""
        evaluations, seconds = finetune(self.job, hparams, seed=seed), 0.0
        for epoch in range(1, hparams.num_epochs + 1):
            self.last = epoch == hparams.num_epochs
            evaluation = next(evaluations)
            seconds += evaluation.cost.train_seconds + evaluation.cost.evaluate_seconds
        assert evaluation.test is not None
        assert evaluation.test.predictions is not None
        right = np.array(evaluation.test.predictions) == self.task.splits["test"].label
        return Outcome(
            hparams=hparams,
            validation=evaluation.validation.metrics["accuracy"],
            test=evaluation.test.metrics["accuracy"],
            seconds=seconds,
            right=right,
        )


def spread(values: Iterable[float]) -> str:
    numbers = list(values)
    return f"mean {statistics.mean(numbers):.3f}  min {min(numbers):.3f}  max {max(numbers):.3f}  (n={len(numbers)})"


def describe(outcome: Outcome) -> str:
    h = outcome.hparams
    return (
        f"lr {h.learning_rate:.2e}  batch {h.batch_size:2d}  decay {h.weight_decay:.2f}  epochs {h.num_epochs}  "
        f"dev {outcome.validation:.3f}  test {outcome.test:.3f}  {outcome.seconds:.1f} s"
    )


def print_surface(trials: Trials) -> None:
    splits = trials.task.splits
    print("pairs: " + ", ".join(f"{name} {len(split)}" for name, split in splits.items()))
    print(f"logistic regression, overlap features: test {overlap_accuracy(splits['train'], splits['test']):.3f}")
    for ngrams in (1, 2):
        accuracy = hypothesis_only_accuracy(splits["train"], splits["test"], ngrams=ngrams)
        print(f"logistic regression, hypothesis only, n-grams up to {ngrams}: test {accuracy:.3f}", flush=True)


def print_groups(outcomes: list[Outcome]) -> None:
    for low, high in pairwise(BANDS):
        band = [o.test for o in outcomes if low <= o.hparams.learning_rate < high]
        if band:
            print(f"learning rate {low:.0e} to {high:.0e}: test {spread(band)}")
    for size in (16, 32, 64):
        chosen = [o.test for o in outcomes if o.hparams.batch_size == size]
        if chosen:
            print(f"batch size {size}: test {spread(chosen)}")


def print_phenomena(label: str, outcome: Outcome) -> None:
    names = np.array([phenomenon_of(row) for row in range(len(outcome.right))])
    print(
        f"{label} by phenomenon: " + "  ".join(f"{name} {outcome.right[names == name].mean():.3f}" for name in PHENOMENA),
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--model", default="micro", help="micro, or a folder")
    parser.add_argument("--log", type=Path, help="a file that gets one JSON line per trial")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    trials = Trials(ModelSettings(name="micro", source=args.model, num_layers=None, max_length=64))
    print_surface(trials)
    default = [trials.run(HParams(), seed) for seed in range(args.seeds)]
    print(f"default ({describe(default[0])}): test {spread(o.test for o in default)}")
    print(f"seconds per default trial, validation included: {spread(o.seconds for o in default)}", flush=True)
    rng, outcomes, start = np.random.Generator(np.random.PCG64(7)), [], time.perf_counter()
    for trial in range(args.trials):
        outcomes.append(trials.run(HParams.from_dict(SPACE.sample(rng)), seed=100 + trial))
        print(f"trial {trial:2d}  {describe(outcomes[-1])}", flush=True)
    if args.log:
        args.log.write_text(
            "".join(json.dumps({**o.hparams.__dict__, "dev": o.validation, "test": o.test}) + "\n" for o in outcomes),
            encoding="utf-8",
        )
    print(f"{args.trials} trials, {time.perf_counter() - start:.0f} s; all: test {spread(o.test for o in outcomes)}")
    best = max(outcomes, key=lambda o: o.validation)
    print(f"best by dev: {describe(best)}; highest test of any trial {max(o.test for o in outcomes):.3f}")
    again = [trials.run(best.hparams, seed) for seed in range(args.seeds)]
    print(f"best configuration, other seeds: test {spread(o.test for o in again)}")
    print_groups(outcomes)
    print_phenomena("default", default[0])
    print_phenomena("best", best)


if __name__ == "__main__":
    main()
