"""How long it takes to load and to report so many records: a made-up study, whose scores say nothing."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tuneoff.evaluation import Cost, Score
from tuneoff.records.provenance import PROTOCOL_VERSION
from tuneoff.records.schema import (
    COMPLETED,
    SCHEMA_VERSION,
    EvaluationRecord,
    Header,
    Record,
    SessionEndRecord,
    SessionStartRecord,
    TrialEndRecord,
    TrialStartRecord,
)
from tuneoff.records.store import LOG_FILE, find_cells, load_cell, to_line, write_header
from tuneoff.training.hparams import HParams

STUDY = "made-up"
ALGORITHMS = ("bayesopt", "hyperopt", "pbt", "random")
REPEATS = 5
EPOCHS = 3
N_TRAIN, N_VALIDATION, N_TEST = 2040, 360, 2000


def run(count: int) -> dict[str, Any]:
    """About `count` log lines in 4 algorithms x 5 repeats. report_seconds is the whole command, from its start to its end."""
    folder = Path(tempfile.mkdtemp(prefix="tuneoff-reading-"))
    try:
        written = sum(
            write_cell(folder, algorithm, repeat, count // (len(ALGORITHMS) * REPEATS))
            for algorithm in ALGORITHMS
            for repeat in range(REPEATS)
        )
        size = sum(path.stat().st_size for path in folder.rglob(LOG_FILE))
        began = time.perf_counter()
        read = sum(len(load_cell(cell).records) for cell in find_cells(folder))
        loaded = time.perf_counter() - began
        assert read == written, (read, written)
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "benchmarks.report", STUDY, "--results", str(folder)], check=True, stdout=subprocess.DEVNULL
        )
        return {
            "records": written,
            "cells": len(ALGORITHMS) * REPEATS,
            "log_bytes": size,
            "load_seconds": loaded,
            "report_seconds": time.perf_counter() - began,
        }
    finally:
        shutil.rmtree(folder)


def markdown(found: Mapping[str, Any]) -> str:
    return (
        f"{found['records']} records in {found['cells']} cells ({found['log_bytes'] / 1e6:.0f} MB): loaded in "
        f"{found['load_seconds']:.1f} s; `python -m benchmarks.report` took {found['report_seconds']:.1f} s in all.\n"
    )


def write_cell(results: Path, algorithm: str, repeat: int, count: int) -> int:
    """A finished cell of at most `count` lines; returns how many it has."""
    cell = results / STUDY / "entail-micro" / algorithm / f"repeat-{repeat}"
    write_header(cell, _header(algorithm, repeat))
    records = list(_records(np.random.default_rng([repeat, *algorithm.encode()]), max(1, (count - 2) // (EPOCHS + 2))))
    (cell / LOG_FILE).write_text("".join(map(to_line, records)), encoding="utf-8")
    return len(records)


def _header(algorithm: str, repeat: int) -> Header:
    now = "2026-01-01T00:00:00+00:00"
    return Header(
        schema_version=SCHEMA_VERSION,
        protocol_version=PROTOCOL_VERSION,
        study=STUDY,
        task="entail",
        model="micro",
        algorithm=algorithm,
        repeat=repeat,
        protocol="heldout",
        metric="accuracy",
        status="finished",
        started_utc=now,
        config={},
        config_hash="0" * 12,
        seeds={"split": repeat},
        space={},
        data={"name": "entail", "n_train": N_TRAIN},
        versions={},
        git={},
        price={"name": "cpu", "per_device_hour_usd": 0.05, "source": "made up", "date": "2026-01-01", "note": ""},
        hardware={},
        command="made up",
    )


def _records(rng: np.random.Generator, trials: int) -> Iterator[Record]:
    """Trials one after the other, an evaluation an epoch; each new best is scored on test."""
    clock, best = 0.0, 0.0
    yield SessionStartRecord(session=1, time_utc="2026-01-01T00:00:00+00:00", elapsed_seconds=0.0, devices=2, device_kind="cpu")
    for number in range(trials):
        name, cost = (
            f"t{number:03d}",
            Cost(train_seconds=2.0, evaluate_seconds=0.2, train_steps=128, train_examples=N_TRAIN, train_tokens=40 * N_TRAIN),
        )
        hparams = HParams(learning_rate=float(10 ** rng.uniform(-5, -3)), num_epochs=EPOCHS).to_dict()
        yield TrialStartRecord(trial_id=name, hparams={"learning_rate": hparams["learning_rate"]}, elapsed_seconds=clock)
        for epoch in range(1, EPOCHS + 1):
            clock, accuracy = clock + 1.1, float(rng.beta(30, 10))
            test, best = _score(rng, accuracy, N_TEST, keep=True) if accuracy > best else None, max(best, accuracy)
            yield EvaluationRecord(
                trial_id=name,
                evaluation=epoch,
                parent_trial_id=None,
                parent_evaluation=None,
                hparams=hparams,
                examples_seen=epoch * N_TRAIN,
                epoch=float(epoch),
                validation=_score(rng, accuracy, N_VALIDATION, keep=False),
                test=test,
                cost=cost,
                peak_memory_bytes=10**9,
                elapsed_seconds=clock,
                worker=f"host:{number % 2}",
            )
        yield TrialEndRecord(
            trial_id=name,
            status=COMPLETED,
            reason="",
            hparams={"learning_rate": hparams["learning_rate"]},
            cost=Cost(),
            elapsed_seconds=clock,
        )
    yield SessionEndRecord(session=1, time_utc="2026-01-01T01:00:00+00:00", elapsed_seconds=clock, status="finished")


def _score(rng: np.random.Generator, accuracy: float, n: int, *, keep: bool) -> Score:
    predictions = rng.integers(0, 2, n)
    ones = int(predictions.sum())
    return Score(
        metrics={"accuracy": accuracy},
        loss=1 - accuracy,
        n_examples=n,
        predicted_counts=(n - ones, ones),
        predictions=tuple(predictions.tolist()) if keep else None,
    )
