"""Cells made up for the tests, through record.py's own dataclasses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tuneoff.evaluation import Cost, Score
from tuneoff.records.schema import (
    SCHEMA_VERSION,
    Cell,
    EvaluationRecord,
    Header,
    Record,
    SessionEndRecord,
    SessionStartRecord,
    TrialEndRecord,
)
from tuneoff.records.store import LogWriter, write_header

N_VALIDATION, N_TEST, N_TRAIN = 138, 139, 1000
V100 = {"name": "v100-2020", "per_device_hour_usd": 3.06, "source": "AWS p3.16xlarge / 8", "date": "2020-11", "note": ""}


def header(algorithm: str = "grid", repeat: int = 0, **changes: Any) -> Header:
    values: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "protocol_version": "1.0",
        "study": "demo",
        "task": "rte",
        "model": "bert-base",
        "algorithm": algorithm,
        "repeat": repeat,
        "protocol": "heldout",
        "metric": "accuracy",
        "status": "finished",
        "started_utc": "2026-01-01T00:00:00Z",
        "config": {},
        "config_hash": "c0ffee",
        "seeds": {"split": repeat},
        "space": {},
        "data": {"n_train": N_TRAIN, "name": "rte"},
        "price": V100,
        "versions": {},
        "git": {},
        "hardware": {},
        "command": "python -m benchmarks.run",
    }
    return Header(**{**values, **changes})


def score(value: float, n: int, collapsed: bool = False, predictions: Sequence[int] | None = None) -> Score:
    counts = (n, 0) if collapsed else (n - n // 2, n // 2)
    return Score(
        metrics={"accuracy": value},
        loss=1.0 - value,
        n_examples=n,
        predicted_counts=counts,
        predictions=None if predictions is None else tuple(predictions),
    )


def cost(seconds: float = 60.0, examples: int = N_TRAIN) -> Cost:
    """70 % training, 20 % evaluating, 5 % saving, 5 % starting."""
    return Cost(
        train_seconds=0.7 * seconds,
        evaluate_seconds=0.2 * seconds,
        save_seconds=0.05 * seconds,
        start_up_seconds=0.05 * seconds,
        train_steps=examples // 16,
        train_examples=examples,
        train_tokens=examples * 60,
    )


def evaluation(trial_id: str, number: int, validation: float, elapsed: float, **changes: Any) -> EvaluationRecord:
    """`test` may be given as a number."""
    values: dict[str, Any] = {
        "trial_id": trial_id,
        "evaluation": number,
        "parent_trial_id": None,
        "parent_evaluation": None,
        "hparams": {"learning_rate": 3e-5, "batch_size": 16, "weight_decay": 0.01, "num_epochs": 3},
        "examples_seen": number * N_TRAIN,
        "epoch": float(number),
        "validation": score(validation, N_VALIDATION),
        "test": None,
        "cost": cost(),
        "peak_memory_bytes": None,
        "elapsed_seconds": elapsed,
        "worker": "host:1",
    }
    values |= changes
    if isinstance(values["test"], float):
        values["test"] = score(values["test"], N_TEST)
    return EvaluationRecord(**values)


def trial_end(trial_id: str, elapsed: float, status: str = "completed", reason: str = "", **changes: Any) -> TrialEndRecord:
    values: dict[str, Any] = {"hparams": {"learning_rate": 3e-5}, "cost": Cost(), **changes}
    return TrialEndRecord(trial_id=trial_id, status=status, reason=reason, elapsed_seconds=elapsed, **values)


def start(session: int = 1, elapsed: float = 0.0, devices: int = 8, kind: str = "Tesla V100") -> SessionStartRecord:
    return SessionStartRecord(
        session=session, time_utc="2026-01-01T00:00:00Z", elapsed_seconds=elapsed, devices=devices, device_kind=kind
    )


def end(session: int = 1, elapsed: float = 600.0) -> SessionEndRecord:
    return SessionEndRecord(session=session, time_utc="2026-01-01T00:10:00Z", elapsed_seconds=elapsed, status="finished")


def cell(records: Sequence[Record], head: Header | None = None, **changes: Any) -> Cell:
    head = replace(head or header(), **changes)
    path = Path("results") / head.study / f"{head.task}-{head.model}" / head.algorithm / f"repeat-{head.repeat}"
    return Cell(path=path, header=head, records=tuple(records))


def stepwise(algorithm: str, repeat: int, steps: Sequence[tuple[float, float]], ended: float) -> Cell:
    """On one device, a trial of one evaluation each step; steps: (elapsed, score), test is 0.05 lower."""
    records = [evaluation(f"t{i}", 1, v, at, test=v - 0.05) for i, (at, v) in enumerate(steps)]
    return cell([start(devices=1), *records, end(elapsed=ended)], algorithm=algorithm, repeat=repeat)


def search(
    algorithm: str,
    repeat: int,
    *,
    quality: float,
    minutes: float = 5.0,
    trials: int = 8,
    epochs: int = 3,
    devices: int = 8,
    **changes: Any,
) -> Cell:
    """A whole search around a validation accuracy, PBT lineage included where the algorithm is called pbt."""
    rng = np.random.default_rng([repeat, len(algorithm), round(1000 * quality)])
    records: list[Record] = [start(devices=devices, kind=changes.pop("device_kind", "Tesla V100"))]
    step, best = 60 * minutes / epochs, 0.0
    lr = {f"t{i}": float(10 ** rng.uniform(-5, -4)) for i in range(trials)}
    for epoch in range(1, epochs + 1):
        for i in range(trials):
            name, parent = f"t{i}", None
            if algorithm == "pbt" and epoch > 1 and i >= trials - 2:
                parent = f"t{i - trials + 2}"
                lr[name] = lr[parent] * (1.2 if i % 2 else 0.8)
            value = float(np.clip(quality - 0.04 * (epochs - epoch) + rng.normal(0, 0.02), 0.4, 0.99))
            known = step * epoch - step * (trials - i - 1) / trials / 4
            test = round(value - 0.05 + float(rng.normal(0, 0.02)), 4) if value > best else None
            best = max(best, value)
            records.append(
                evaluation(
                    name,
                    epoch,
                    value,
                    known,
                    test=test,
                    parent_trial_id=parent,
                    worker=f"host:{i % devices}",
                    parent_evaluation=epoch - 1 if parent else None,
                    cost=cost(0.9 * devices * step / trials),
                    hparams={"learning_rate": lr[name], "batch_size": 16 * (1 + i % 2), "weight_decay": 0.01 * i},
                )
            )
    records += [trial_end(f"t{i}", 60 * minutes) for i in range(trials)]
    return cell([*records, end(elapsed=60 * minutes)], header(algorithm, repeat), **changes)


def write(root: Path, made: Cell) -> Path:
    """The cell as files under `root` (a results folder)."""
    path = root / Path(*made.path.parts[1:])
    write_header(path, made.header)
    with LogWriter(path) as log:
        for record in made.records:
            log.append(record)
    return path


def measured_by(cell: Cell, metric: str, value: Callable[[float], float]) -> Cell:
    """The cell as if it had been scored by this metric, value(accuracy), with numbers for answers."""

    def scored(score: Score | None) -> Score | None:
        if score is None:
            return None
        return replace(score, metrics={metric: value(score.metrics["accuracy"])}, predicted_counts=(), predictions=None)

    records = [
        replace(r, validation=scored(r.validation), test=scored(r.test)) if isinstance(r, EvaluationRecord) else r
        for r in cell.records
    ]
    return replace(cell, records=tuple(records), header=replace(cell.header, metric=metric))
