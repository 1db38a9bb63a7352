"""A study that has everything: six searches with stopped, diverged, failed and collapsed trials, copies, retraining."""

from __future__ import annotations

from typing import Any

import numpy as np
import synthetic as syn

from tuneoff.evaluation import Cost
from tuneoff.records.schema import Cell, Record

ALGORITHMS = ("default", "random", "grid", "bayesopt", "random_asha", "pbt")
TRIALS, EPOCHS, DEVICES, STOPPING = 10, 3, 2, ("bayesopt", "random_asha")


class _Search:
    """Writes the log of one search as it goes along."""

    def __init__(self, algorithm: str, repeat: int, trials: int) -> None:
        self.rng = np.random.default_rng([repeat, *algorithm.encode()])
        self.block = float(np.random.default_rng([repeat, 7]).normal(0, 0.008))
        self.algorithm, self.repeat = algorithm, repeat
        self.records: list[Record] = [syn.start(devices=DEVICES, kind="NVIDIA H100")]
        self.clock, self.best = [3.0] * DEVICES, 0.0
        self.count = [0] * trials
        self.scores = [float("nan")] * trials
        self.hparams = [self._proposal(i) for i in range(trials)]

    def _proposal(self, i: int) -> dict[str, Any]:
        rng, rate = self.rng, 3e-5
        if self.algorithm == "grid":
            rate = float(np.geomspace(1e-5, 1e-4, 4)[i % 4])
        elif self.algorithm != "default":
            rate = float(10 ** rng.uniform(-5.3, -3.6))
        return {
            "learning_rate": rate,
            "batch_size": int(rng.choice([16, 32])),
            "num_epochs": EPOCHS,
            "weight_decay": float(rng.uniform(0, 0.3)),
        }

    def evaluate(self, i: int, epoch: int, donor: int | None = None) -> None:
        seconds, worker = 14 * (1 + 0.3 * float(self.rng.random())), i % DEVICES
        self.clock[worker] += 1.06 * seconds
        miss = (np.log10(self.hparams[i]["learning_rate"]) + 4.4) ** 2
        value = float(np.clip(0.75 - 0.1 * miss - 0.06 * np.exp(-epoch) + self.block + self.rng.normal(0, 0.01), 0.33, 0.95))
        test = round(value - 0.02 + float(self.rng.normal(0, 0.006)), 4) if value > self.best else None
        self.best, self.scores[i] = max(self.best, value), value
        self.count[i] += 1
        cost = Cost(
            train_seconds=0.78 * seconds,
            evaluate_seconds=0.15 * seconds,
            save_seconds=0.04 * seconds,
            test_seconds=0.03 * seconds if test else 0.0,
            train_examples=syn.N_TRAIN,
            train_steps=60,
        )
        made = syn.evaluation(
            f"t{i}",
            self.count[i],
            value,
            self.clock[worker],
            cost=cost,
            worker=f"host:{worker}",
            epoch=float(epoch),
            hparams=dict(self.hparams[i]),
            examples_seen=epoch * syn.N_TRAIN,
            test=test,
            parent_trial_id=None if donor is None else f"t{donor}",
            parent_evaluation=None if donor is None else epoch - 1,
        )
        self.records.append(syn.replace(made, validation=syn.score(value, 500, collapsed=value < 0.66)))

    def finish(self, ends: list[Record]) -> Cell:
        over = max(self.clock) + 2
        return syn.cell(
            [*self.records, *ends, syn.end(elapsed=over)],
            syn.header(self.algorithm, self.repeat),
            command=f"python -m benchmarks.run algorithm={self.algorithm} repeat={self.repeat}",
        )


def search(algorithm: str, repeat: int, trials: int = TRIALS) -> Cell:
    trials = 1 if algorithm == "default" else trials
    made = _Search(algorithm, repeat, trials)
    if algorithm == "pbt":
        return _bred(made, trials)
    ends: list[Record] = []
    for i in range(trials):
        status, reason = _train(made, i)
        lost = Cost(train_seconds=2.0) if status in ("diverged", "failed") else Cost()
        ends.append(syn.trial_end(f"t{i}", made.clock[i % DEVICES], status, reason, cost=lost, hparams=made.hparams[i]))
    return made.finish(ends)


def _train(made: _Search, i: int) -> tuple[str, str]:
    for epoch in range(1, EPOCHS + 1):
        made.evaluate(i, epoch)
        if made.hparams[i]["learning_rate"] > 1.8e-4 and i % 3 == 0:
            return "diverged", "the loss was nan at step 91"
        if made.algorithm == "grid" and i == 5 and made.repeat % 4 == 2:
            return "failed", "out of memory: tried to allocate 2.00 GiB"
        if made.algorithm in STOPPING and epoch < EPOCHS and i > 3 and made.scores[i] < np.nanmedian(made.scores):
            return "stopped", "stopped early by the scheduler"
    return "completed", ""


def _bred(made: _Search, trials: int) -> Cell:
    for epoch in range(1, EPOCHS + 2):
        order = sorted(range(trials), key=lambda i: made.scores[i])
        for i in range(trials):
            donor = order[-1 - order.index(i)] if epoch > 1 and i in order[:2] else None
            if donor is not None:
                made.hparams[i] = {**made.hparams[donor], "learning_rate": made.hparams[donor]["learning_rate"] * 0.8}
            made.evaluate(i, epoch, donor)
    return made.finish([syn.trial_end(f"t{i}", max(made.clock)) for i in range(trials)])


def retrained(cell: Cell, runs: int = 5) -> Cell:
    rng = np.random.default_rng([cell.header.repeat, 99])
    records: list[Record] = [syn.start(devices=DEVICES)]
    for i in range(runs):
        records += [
            syn.evaluation(f"r{i}", 1, 0.72, 30.0 * (i + 1), test=round(0.71 + float(rng.normal(0, 0.01)), 4)),
            syn.trial_end(f"r{i}", 30.0 * (i + 1)),
        ]
    return syn.replace(cell, records=(*records, syn.end(elapsed=30.0 * runs + 5)))
