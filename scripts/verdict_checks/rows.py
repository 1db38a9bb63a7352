"""The second table: two kinds of chance, repeats and test rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from tuneoff.report.statistics.crossed import squares_of_difference
from tuneoff.report.statistics.summary import mean_interval
from tuneoff.report.verdicts.pairwise import Pair, Rule, judge

MIDDLE, LEAD, SPLIT_LATENT, RUN_LATENT, REST_LATENT = 0.8, 0.1, 0.05, 0.06, 0.5
"""In units of the sd of a row's difficulty."""


@dataclass(frozen=True, kw_only=True)
class RowRates:
    """Of studies of two searches: how often the interval covers the truth, with the rows' chance and without; how often two
    that are apart by the margin are called equivalent."""

    crossed: float
    student: float
    equivalent: float


def measure_rows(studies: int, repeats: int, rows: int, bent: float) -> RowRates:
    rng = np.random.default_rng([studies, repeats, rows, round(10 * bent)])
    spread = float(np.sqrt(1 + bent**2 + SPLIT_LATENT**2 + RUN_LATENT**2 + REST_LATENT**2))
    true = float(special.ndtr((MIDDLE + LEAD) / spread) - special.ndtr(MIDDLE / spread))
    covered, student, equivalent = 0, 0, 0
    for _ in range(studies):
        difficulty, split = rng.normal(0, 1, rows), rng.normal(0, SPLIT_LATENT, repeats)
        right = []
        for lead in (LEAD, 0.0):
            run = split + rng.normal(0, RUN_LATENT, repeats)
            latent = MIDDLE + lead + difficulty + rng.normal(0, bent, rows) + run[:, None]
            right.append((latent + rng.normal(0, REST_LATENT, (repeats, rows)) > 0).astype(np.int8))
        scores = [tuple(map(float, made.mean(axis=1))) for made in right]
        pair = Pair(
            first="a",
            second="b",
            first_scores=scores[0],
            second_scores=scores[1],
            squares=squares_of_difference(right[0], right[1]),
        )
        verdict = judge([pair], "accuracy", rule=Rule(margin=true))[0]
        gap = true if verdict.first == "a" else -true
        covered += not verdict.difference.excludes(gap)
        student += not mean_interval(pair.differences).excludes(true)
        equivalent += verdict.equivalent
    return RowRates(crossed=covered / studies, student=student / studies, equivalent=equivalent / studies)


def print_rows(studies: int, repeats: Sequence[int], rows: Sequence[int]) -> None:
    print(
        "| test rows | bent of a search for a row | repeats | interval covers | Student's over repeats alone covers | called "
        "equivalent though apart by the margin |"
    )
    print("|---|---|---|---|---|---|")
    for m in rows:
        for bent in (0.0, 0.5):
            for n in repeats:
                made = measure_rows(studies, n, m, bent)
                shown = " | ".join(f"{100 * rate:.1f} %" for rate in (made.crossed, made.student, made.equivalent))
                print(f"| {m} | {bent:g} | {n} | {shown} |", flush=True)
