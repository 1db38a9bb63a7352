"""The best choice of a search by budget: expected scores, probabilities of being the best, crossovers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from tuneoff.report import wording
from tuneoff.report.cells import Block
from tuneoff.report.curves import UNITS
from tuneoff.report.frames import Frames
from tuneoff.report.statistics.ranks import tied_for_best
from tuneoff.report.tables._shared import caption
from tuneoff.report.tables._table import Table
from tuneoff.report.verdicts.best_by_budget import BestByBudget, best_by_budget, budget_text, sentences

SECTION, RANK = "decision", 20
SHOWN = 6
"""Rows a unit of cost."""


def table(block: Block, frames: Frames) -> Table | None:
    """A row a budget, in each unit: mean test score and, in brackets, the probability of being the best; then crossovers."""
    priced = frames.finished().cells["per_device_hour_usd"].nunique() == 1
    made = [best_by_budget(frames, unit, block.metric) for unit in UNITS if unit != "dollars" or priced]
    choices = [c for c in made if c is not None]
    if not choices:
        return None
    names, device = choices[0].names, wording.device_label(frames.cells["device_kind"])
    rows = [row for choice in choices for row in _rows(choice, block.metric, device)]
    notes = [
        f"Test score of the incumbent known by then, mean of {choices[0].repeats} repeats; in round brackets the "
        "probability that the search is the best of those with a score (bootstrap over the repeats, in pairs), in square "
        "ones Student's interval, cut to the values that the metric can take. –: no score in some repeat yet, or the search "
        "ended before. What is likely, not what is shown: from few repeats such probabilities are too sure of themselves."
    ]
    return Table(
        title=f"{block.title}: which search to choose with a budget",
        rows=tuple(rows),
        columns=("Budget", "Best", "Its mean [95 %]", *names),
        caption=caption(block, frames.cells),
        notes=(*notes, *(said for choice in choices for said in sentences(choice, device))),
        numbers=pd.concat([_numbers(choice) for choice in choices], ignore_index=True),
    )


def _rows(choice: BestByBudget, metric: str, device: str) -> Iterator[tuple[str, ...]]:
    for i in np.unique(np.linspace(0, len(choice.budget) - 1, SHOWN).round().astype(int)):
        shown = [
            f"{wording.score([mean], metric)} ({chance:.2f})" if np.isfinite(chance) else "–"
            for mean, chance in zip(choice.expected[i], choice.best[i], strict=True)
        ]
        tied = tied_for_best(choice.best[i])
        top = tied[0]
        low, high = (
            wording.score([float(bound[i, top])], metric).removesuffix(wording.unit_of(metric))
            for bound in (choice.low, choice.high)
        )
        yield (
            budget_text(choice.unit, float(choice.budget[i]), device),
            wording.listed([choice.names[j] for j in tied]),
            f"{wording.score([float(choice.expected[i, top])], metric)} [{low}, {high}]",
            *shown,
        )


def _numbers(choice: BestByBudget) -> pd.DataFrame:
    """A row a budget and search."""
    m, k = choice.best.shape
    return pd.DataFrame(
        {
            "unit": choice.unit,
            "budget": np.repeat(choice.budget, k),
            "algorithm": list(choice.names) * m,
            "repeats": choice.repeats,
            "expected_test": choice.expected.ravel(),
            "low": choice.low.ravel(),
            "high": choice.high.ravel(),
            "probability_best": choice.best.ravel(),
        }
    )
