"""Where each search stands at its full cost: mean test score and mean charge over its repeats, each with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tuneoff.report import wording
from tuneoff.report.curves import Result, Searches
from tuneoff.report.statistics.crossed import RowSquares, crossed_interval, squares_of_right
from tuneoff.report.statistics.summary import Interval, mean_interval
from tuneoff.report.verdicts.pairwise import ROW_METRIC


@dataclass(frozen=True, kw_only=True)
class Standing:
    """score: in the metric's own unit, for repeats and test rows (statistics.crossed). seconds: charged, of the device.
    scores: of the single repeats."""

    name: str
    score: Interval
    seconds: Interval
    scores: tuple[float, ...]


def standings(searches: Searches, metric: str) -> list[Standing]:
    """Those with a test score, the highest mean first; equal ones in the order of tables."""
    made = []
    for name in searches.names:
        runs = list(searches.named(name).values())
        found = [searches.result(run.cell, float("inf")) for run in runs]
        known = [result for result in found if np.isfinite(result.score)]
        if not known:
            continue
        scores = [result.score for result in known]
        squares = _squares(known) if metric == ROW_METRIC else None
        made.append(
            Standing(
                name=name,
                score=crossed_interval(scores, squares).within(*wording.metric_range(metric)),
                seconds=mean_interval([run.charged_seconds for run in runs]).within(0.0, float("inf")),
                scores=tuple(scores),
            )
        )
    return sorted(made, key=lambda s: -s.score.estimate)


def _squares(results: Sequence[Result]) -> RowSquares | None:
    known = [result.predictions for result in results if result.predictions is not None]
    if len(known) < len(results) or len({len(one) for one in known}) != 1:
        return None
    return squares_of_right(np.stack(known), [result.score for result in results])


def trivial_score(searches: Searches) -> float:
    """The best constant answer's test score, mean over finished cells; NaN where it is unknown."""
    return float(searches.cells["trivial_test"].mean())
