"""The fifth table: what an audit of early stopping measures, on a random share of the stopped trials."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tuneoff.report.statistics.stopping import AuditedSearch, stopping_regret, wrongly_stopped

STOPPED = (8, 18)
"""Trials that a search stops: from the first number to below the second."""
SIZES = {
    "exponential": lambda rng, n: rng.exponential(0.01, n),
    "lognormal": lambda rng, n: 0.0075 * rng.lognormal(0.0, 0.75, n),
    "whole rows of 200": lambda rng, n: rng.integers(1, 5, n) / 200,
}
"""By how much a stopped trial would have beaten its search's result: about a point."""


@dataclass(frozen=True, kw_only=True)
class AuditRates:
    """Of studies in which a trial was drawn. open_ended: those whose regret has no upper end. regret, truth: means."""

    number_covers: float
    regret_covers: float
    open_ended: float
    regret: float
    truth: float


def measure_audit(studies: int, searches: int, share: float, winning: float, sizes: str) -> AuditRates:
    """winning: the mean probability that a stopped trial would have beaten the result; it differs from search to search."""
    rng = np.random.default_rng([studies, searches, round(100 * share), round(100 * winning), len(sizes)])
    number, regret, unbounded, estimates, truths = [], [], [], [], []
    for _ in range(studies):
        made, lost, winners = [], [], 0
        for _ in range(searches):
            n = int(rng.integers(*STOPPED))
            won = rng.random(n) < rng.beta(2, 2 / winning - 2)
            excess = np.where(won, SIZES[sizes](rng, n), -0.05)
            made.append(AuditedSearch(stopped=n, excess=excess[rng.random(n) < share], share=share))
            lost.append(max(0.0, float(excess.max())))
            winners += int(won.sum())
        counted, found, truth = wrongly_stopped(made), stopping_regret(made), float(np.mean(lost))
        if np.isnan(counted.estimate):
            continue
        number.append(counted.low - 1e-9 <= winners <= counted.high + 1e-9)
        regret.append(found.low - 1e-9 <= truth and not found.high < truth - 1e-9)
        unbounded.append(np.isnan(found.high))
        estimates.append(found.estimate)
        truths.append(truth)
    return AuditRates(
        number_covers=float(np.mean(number)),
        regret_covers=float(np.mean(regret)),
        open_ended=float(np.mean(unbounded)),
        regret=float(np.mean(estimates)),
        truth=float(np.mean(truths)),
    )


def print_audit(studies: int) -> None:
    print(
        "| share | searches | stopped trials that would have won | by how much | number: interval covers | regret: interval "
        "covers | without upper end | regret in points, mean estimate (truth) |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for share in (0.2, 0.5):
        for searches in (1, 3, 12):
            for winning, sizes in ((0.03, "exponential"), *((0.1, name) for name in SIZES), (0.3, "exponential")):
                made = measure_audit(studies, searches, share, winning, sizes)
                shown = " | ".join(f"{100 * r:.1f} %" for r in (made.number_covers, made.regret_covers, made.open_ended))
                points = f"{100 * made.regret:.2f} ({100 * made.truth:.2f})"
                print(f"| {share:g} | {searches} | {100 * winning:.0f} % | {sizes} | {shown} | {points} |", flush=True)
