"""The fourth table: what studies recommend, and how sure they are of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tuneoff.report.curves import Searches
from tuneoff.report.frames import build_frames
from tuneoff.report.verdicts.pairwise import Rule
from tuneoff.report.verdicts.recommendation import recommend
from verdict_checks.studies import TRUTHS, Truth, algorithms, cell, expected, scores

MARGIN = 0.01
SECONDS: Mapping[str, tuple[float, float, float]] = {
    "of one price": (20.0, 60.0, 60.0),
    "the last one dear": (20.0, 60.0, 240.0),
}
"""Charged, of the untuned default, of the searches and of the last of them, which may be the better one."""


@dataclass(frozen=True, kw_only=True)
class RecommendationRates:
    """Of studies. short: the recommended search is in truth worse than the best by more than the margin. dear: a search that is
    within the margin of the best is clearly cheaper. sure: the mean of what they say of themselves."""

    short: float
    dear: float
    sure: float


def measure_recommendations(
    studies: int, count: int, truth: Truth, seconds: tuple[float, float, float], repeats: int
) -> RecommendationRates:
    rng = np.random.default_rng([studies, count, repeats, round(seconds[2]), *(round(1e4 * t) for t in truth)])
    names, true = algorithms(count), dict(zip(algorithms(count), expected(count, truth), strict=True))
    price = dict(zip(names, (seconds[0], *[seconds[1]] * (count - 2), seconds[2]), strict=True))
    good = [name for name in names if true[name] > max(true.values()) - MARGIN - 1e-9]
    short, dear, sure = 0, 0, []
    for _ in range(studies):
        table = scores(rng, count, truth, repeats, False)
        cells = [cell(name, k, float(table[i, k]), price[name]) for i, name in enumerate(names) for k in range(repeats)]
        _, frames = next(build_frames(cells).blocks())
        found = recommend(Searches.of(frames), "accuracy", Rule(margin=MARGIN))
        assert found is not None
        short += found.name not in good
        dear += price[found.name] > 1.1 * min(price[name] for name in good)
        sure.append(found.sure)
    return RecommendationRates(short=short / studies, dear=dear / studies, sure=float(np.mean(sure)))


def print_recommendations(studies: int, count: int, repeats: Sequence[int]) -> None:
    print(
        "| truth | searches | repeats | recommended: worse than the best by more than 1 point | dearer than one that is as "
        "good | how sure they say they are, mean |"
    )
    print("|---|---|---|---|---|---|")
    for name, truth in TRUTHS.items():
        for words, seconds in SECONDS.items():
            for n in repeats:
                made = measure_recommendations(studies, count, truth, seconds, n)
                shown = " | ".join(f"{100 * rate:.1f} %" for rate in (made.short, made.dear, made.sure))
                print(f"| {name} | {words} | {n} | {shown} |", flush=True)
