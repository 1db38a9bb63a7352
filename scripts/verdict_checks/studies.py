"""Made-up studies: test accuracies of searches by repeat, the verdicts on them, and the same as whole records."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from tuneoff.evaluation import Cost, Score
from tuneoff.records.schema import Cell, EvaluationRecord, Header, SessionStartRecord
from tuneoff.report.algorithms import Algorithms
from tuneoff.report.frames import build_frames
from tuneoff.report.verdicts.findings import find
from tuneoff.report.verdicts.pairwise import RULE, Pair, Rule, Verdict
from tuneoff.report.verdicts.questions import judge_by_question

NAMES = ("default", "random", "grid", "bayesopt", "hyperopt", "random_asha", "pbt_2020", "pbt")
SPLIT_SD, RUN_SD, N_TEST = 0.010, 0.012, 1000
TUNING, GAP = 0.05, 0.02
TRUTHS = {"no difference": (0.0, 0.0), "tuning helps": (TUNING, 0.0), "and one is better": (TUNING, GAP)}
"""By how much every search beats the default, and the last search the others."""
Truth = tuple[float, float]


def algorithms(count: int) -> tuple[str, ...]:
    """The default and others, the last of which is the one that may be better."""
    return (*NAMES[: count - 1], NAMES[-1])


def expected(count: int, truth: Truth) -> np.ndarray:
    """Shape (algorithms,)."""
    tuning, gap = truth
    return np.array([0.70, *[0.70 + tuning] * (count - 2), 0.70 + tuning + gap])


def scores(rng: np.random.Generator, count: int, truth: Truth, repeats: int, skewed: bool) -> np.ndarray:
    """Shape (algorithms, repeats): test accuracies."""
    noise = rng.exponential(1, (count, repeats)) - 1 if skewed else rng.normal(0, 1, (count, repeats))
    made = expected(count, truth)[:, None] + rng.normal(0, SPLIT_SD, repeats)[None, :] + RUN_SD * noise
    return np.asarray(np.round(made * N_TEST) / N_TEST)


def verdicts(table: np.ndarray, rule: Rule = RULE) -> list[Verdict]:
    names = algorithms(len(table))
    pairs = [
        Pair(first=names[i], second=names[j], first_scores=tuple(table[i]), second_scores=tuple(table[j]))
        for i, j in combinations(range(len(names)), 2)
    ]
    return judge_by_question(pairs, "accuracy", pd.DataFrame(table.T, columns=list(names)), Algorithms.of_names(names), rule)


def through_records(table: np.ndarray) -> list[Verdict]:
    """The same scores as cells of one evaluation each, of equal cost."""
    cells = [
        cell(name, repeat, float(table[i, repeat]))
        for i, name in enumerate(algorithms(len(table)))
        for repeat in range(table.shape[1])
    ]
    block, frames = next(build_frames(cells).blocks())
    return list(find(block, frames).verdicts)


def cell(algorithm: str, repeat: int, test: float, seconds: float = 60.0) -> Cell:
    """A search of one evaluation, which ends when it is known."""

    def score(value: float) -> Score:
        return Score(metrics={"accuracy": value}, loss=1.0, n_examples=N_TEST, predicted_counts=(500, 500))

    price = {"name": "p", "per_device_hour_usd": 1.0, "source": "s", "date": "d"}
    header = Header(
        schema_version=1,
        protocol_version="0.1",
        study="s",
        task="t",
        model="m",
        algorithm=algorithm,
        repeat=repeat,
        protocol="heldout",
        metric="accuracy",
        status="finished",
        started_utc="",
        config={},
        config_hash="",
        seeds={},
        space={},
        data={"n_train": 1},
        price=price,
        versions={},
        git={},
        hardware={},
        command="",
    )
    records = (
        SessionStartRecord(session=1, time_utc="", elapsed_seconds=0, devices=1, device_kind="cpu"),
        EvaluationRecord(
            trial_id="t0",
            evaluation=1,
            parent_trial_id=None,
            parent_evaluation=None,
            hparams={},
            examples_seen=1,
            epoch=1.0,
            validation=score(0.7),
            test=score(test),
            cost=Cost(),
            peak_memory_bytes=None,
            elapsed_seconds=seconds,
            worker="w",
        ),
    )
    return Cell(path=Path(algorithm), header=header, records=records)
