"""The best choice of a search by budget: expected scores, probabilities of being the best, crossovers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from tuneoff.report import wording
from tuneoff.report.cells import Block
from tuneoff.report.curves import UNITS, Searches
from tuneoff.report.frames import Frames
from tuneoff.report.tables._shared import caption
from tuneoff.report.tables._table import Table
from tuneoff.report.verdicts.best_by_budget import CERTAIN, BestByBudget, best_by_budget, budget_text, sentence

SECTION, RANK = "decision", 20


def table(block: Block, frames: Frames) -> Table | None:
    """A row a budget: who leads, and the mean test score of each with its probability of being the best. In epochs where all
    searches had one budget in epochs, else in minutes; `numbers` have every unit."""
    priced = frames.finished().cells["per_device_hour_usd"].nunique() == 1
    made = [best_by_budget(frames, unit, block.metric) for unit in UNITS if unit != "dollars" or priced]
    choices = [c for c in made if c is not None]
    if not choices:
        return None
    unit = "epochs" if Searches.of(frames).equal_budget(choices[0].names) else "minutes"
    choice = next((c for c in choices if c.unit == unit), choices[0])
    device = wording.device_label(frames.cells["device_kind"])
    return Table(
        title=f"{block.title}: which search to choose with a budget",
        rows=tuple(_rows(choice, block.metric, device)),
        columns=("Budget", "Leads", *choice.names),
        caption=caption(block, frames.cells),
        notes=(
            sentence(choice, device),
            f"Test score of the incumbent known by then, mean of {choice.repeats} repeats; in brackets the probability that "
            "the search is the best of those with a score (bootstrap over the repeats, in pairs, smoothed over neighbouring "
            f"budgets). One leads from {CERTAIN:.0%} on; without a leader, those that may be the best are named. –: no score "
            "in some repeat yet, or the search ended before. What is likely, not what is shown: from few repeats such "
            "probabilities are too sure of themselves.",
        ),
        numbers=pd.concat([_numbers(choice) for choice in choices], ignore_index=True),
    )


def _rows(choice: BestByBudget, metric: str, device: str) -> Iterator[tuple[str, ...]]:
    smoothed = choice.smoothed
    for i in choice.shown():
        scores = [
            f"{wording.score([mean], metric)} ({chance:.2f})" if np.isfinite(chance) else "–"
            for mean, chance in zip(choice.expected[i], smoothed[i], strict=True)
        ]
        leads = choice.leader(i) or f"no difference shown: {wording.listed(choice.running(i))}"
        yield budget_text(choice.unit, float(choice.budget[i]), device), leads, *scores


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
            "smoothed_probability_best": choice.smoothed.ravel(),
        }
    )
