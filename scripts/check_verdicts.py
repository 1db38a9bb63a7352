"""python scripts/check_verdicts.py [--studies 4000] [--records 40]

Do the verdicts keep their promises? Simulated studies with a known truth: how often the 95 % intervals cover the true
difference (asked: 93 to 97 %), and how often a study without any difference has a false verdict after Holm's correction
(asked: at most 5 %). `--records` of them also go through whole records and frames, and must come out the same.

The model of a study: every repeat has its own luck (split, sd 1 point), shared by all searches, and every search its own
(sd 1.2 points), normal, or skewed (a shifted exponential); scores are whole examples of a test set of 1,000.
"""

from __future__ import annotations

import argparse
import time
from itertools import combinations
from pathlib import Path

import numpy as np

from tuneoff.record import Cell, Cost, EvaluationRecord, Header, Score, SessionStartRecord
from tuneoff.report.evidence import find
from tuneoff.report.frames import build_frames
from tuneoff.report.verdict import Pair, Verdict, judge

ALGORITHMS = ("default", "random", "grid", "bayesopt", "hyperopt", "pbt")
REPEATS, SPLIT_SD, RUN_SD, N_TEST, GAP = 10, 0.010, 0.012, 1000, 0.02


def scores(rng: np.random.Generator, gap: float, repeats: int, skewed: bool) -> np.ndarray:
    """Shape (algorithms, repeats): test accuracies; the last algorithm is better than the others by `gap`."""
    noise = rng.exponential(1, (len(ALGORITHMS), repeats)) - 1 if skewed else rng.normal(0, 1, (len(ALGORITHMS), repeats))
    truth = 0.70 + gap * (np.arange(len(ALGORITHMS)) == len(ALGORITHMS) - 1)
    made = truth[:, None] + rng.normal(0, SPLIT_SD, repeats)[None, :] + RUN_SD * noise
    return np.asarray(np.round(made * N_TEST) / N_TEST)


def verdicts(table: np.ndarray) -> list[Verdict]:
    return judge([Pair(first=ALGORITHMS[i], second=ALGORITHMS[j], first_scores=tuple(table[i]), second_scores=tuple(table[j]))
                  for i, j in combinations(range(len(ALGORITHMS)), 2)], "accuracy")


def covers(verdict: Verdict, gap: float) -> bool:
    best = ALGORITHMS[-1]
    truth = gap * ((verdict.first == best) - (verdict.second == best))
    return verdict.difference.low <= truth + 1e-9 and verdict.difference.high >= truth - 1e-9


def through_records(table: np.ndarray) -> list[Verdict]:
    """The same scores as cells of one evaluation each, of equal cost."""
    cells = [_cell(name, repeat, float(table[i, repeat])) for i, name in enumerate(ALGORITHMS)
             for repeat in range(table.shape[1])]
    block, frames = next(build_frames(cells).blocks())
    return list(find(block, frames).verdicts)


def _cell(algorithm: str, repeat: int, test: float) -> Cell:
    def score(value: float) -> Score:
        return Score(metrics={"accuracy": value}, loss=1.0, n_examples=N_TEST, predicted_counts=(500, 500))

    price = {"name": "p", "per_device_hour_usd": 1.0, "source": "s", "date": "d"}
    header = Header(schema_version=1, protocol_version="0.1", study="s", task="t", model="m", algorithm=algorithm,
                    repeat=repeat, protocol="heldout", metric="accuracy", status="finished", started_utc="", config={},
                    config_hash="", seeds={}, space={}, data={"n_train": 1}, price=price, versions={}, git={}, hardware={},
                    command="")
    records = (SessionStartRecord(session=1, time_utc="", elapsed_seconds=0, devices=1, device_kind="cpu"),
               EvaluationRecord(trial_id="t0", evaluation=1, parent_trial_id=None, parent_evaluation=None, hparams={},
                                examples_seen=1, epoch=1.0, validation=score(0.7), test=score(test), cost=Cost(),
                                peak_memory_bytes=None, elapsed_seconds=60.0, worker="w"))
    return Cell(path=Path(algorithm), header=header, records=records)


def measure(studies: int, gap: float, repeats: int, skewed: bool) -> tuple[float, float, float]:
    """(coverage of pair intervals, share of studies with a false verdict, share in which the best beats all five)."""
    rng, covered, pairs, false, won = np.random.default_rng([studies, repeats, skewed, round(1e4 * gap)]), 0, 0, 0, 0
    for _ in range(studies):
        made = verdicts(scores(rng, gap, repeats, skewed))
        covered += sum(covers(v, gap) for v in made)
        pairs += len(made)
        best = ALGORITHMS[-1] if gap > 0 else None
        false += any(v.better not in (None, best) for v in made)
        won += sum(v.better == best for v in made if best) == len(ALGORITHMS) - 1
    return covered / pairs, false / studies, won / studies


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[1])
    parser.add_argument("--studies", type=int, default=4000)
    parser.add_argument("--records", type=int, default=40)
    options = parser.parse_args()
    began, rng = time.monotonic(), np.random.default_rng(1)
    print(f"{options.studies} studies a row, {len(ALGORITHMS)} searches, 15 pairs each")
    print("| truth | noise | repeats | interval covers | false verdict in a study | best shown to beat all five |")
    print("|---|---|---|---|---|---|")
    for gap in (0.0, GAP):
        for skewed in (False, True):
            for repeats in (REPEATS, 20):
                covered, false, won = measure(options.studies, gap, repeats, skewed)
                print(f"| {'no difference' if gap == 0 else f'one is {100 * gap:g} points better'} | "
                      f"{'skewed' if skewed else 'normal'} | {repeats} | {100 * covered:.1f} % | {100 * false:.1f} % | "
                      f"{f'{100 * won:.1f} %' if gap else '–'} |")
    for k in range(options.records):
        table = scores(rng, GAP * (k % 2), REPEATS, False)
        told = {(v.first, v.second): v.better for v in verdicts(table)}
        same = {(v.first, v.second): v.better for v in through_records(table)}
        assert told == same, (told, same)
    print(f"\n{options.records} of them through whole records: the same verdicts. {time.monotonic() - began:.0f} s.")


if __name__ == "__main__":
    main()
