"""The first table: coverage of the intervals and false verdicts, in studies of one look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from verdict_checks.studies import TRUTHS, Truth, algorithms, expected, scores, through_records, verdicts


@dataclass(frozen=True, kw_only=True)
class Rates:
    """covers: of the pairs' intervals. Others: of the studies. won: the best one is shown to beat all other searches."""

    covers: float
    false_verdict: float
    tuning_shown: float
    won: float


def measure(studies: int, count: int, truth: Truth, repeats: int, skewed: bool) -> Rates:
    rng = np.random.default_rng([studies, count, repeats, skewed, *(round(1e4 * t) for t in truth)])
    true, best = dict(zip(algorithms(count), expected(count, truth), strict=True)), algorithms(count)[-1]
    covered, pairs, false, tuned, won = 0, 0, 0, 0, 0
    for _ in range(studies):
        made = verdicts(scores(rng, count, truth, repeats, skewed))
        gaps = [true[v.first] - true[v.second] for v in made]
        covered += sum(v.difference.low - 1e-9 <= gap <= v.difference.high + 1e-9 for v, gap in zip(made, gaps, strict=True))
        pairs += len(made)
        false += any(v.better is not None and gap < 1e-9 for v, gap in zip(made, gaps, strict=True))
        tuned += sum(v.better is not None for v in made if "default" in (v.first, v.second)) == count - 1
        won += sum(v.better == best for v in made if "default" not in (v.first, v.second)) == count - 2
    return Rates(covers=covered / pairs, false_verdict=false / studies, tuning_shown=tuned / studies, won=won / studies)


def print_repeats(studies: int, count: int, repeats: Sequence[int], records: int) -> None:
    """records: how many studies also go through whole records and frames, and must come out the same."""
    print(
        "| truth | noise | repeats | interval covers | false verdict in a study | every search shown to beat the default | "
        "best shown to beat all other searches |"
    )
    print("|---|---|---|---|---|---|---|")
    for name, truth in TRUTHS.items():
        for skewed in (False, True):
            for n in repeats:
                made = measure(studies, count, truth, n, skewed)
                tuned, won = (f"{100 * made.tuning_shown:.1f} %", f"{100 * made.won:.1f} %")
                print(
                    f"| {name} | {'skewed' if skewed else 'normal'} | {n} | {100 * made.covers:.1f} % | "
                    f"{100 * made.false_verdict:.1f} % | {tuned if truth[0] else '–'} | {won if truth[1] else '–'} |",
                    flush=True,
                )
    rng = np.random.default_rng(1)
    for k in range(records):
        table = scores(rng, count, list(TRUTHS.values())[k % 3], max(repeats), False)
        told = {(v.first, v.second): v.better for v in verdicts(table)}
        same = {(v.first, v.second): v.better for v in through_records(table)}
        assert told == same, (told, same)
    print(f"\n{records} of them through whole records: the same verdicts.")
