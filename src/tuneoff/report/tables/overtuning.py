"""Overtuning: how often going on with a search made its result worse on test, and by how much."""

from __future__ import annotations

import pandas as pd

from tuneoff.report import wording
from tuneoff.report.cells import Block
from tuneoff.report.frames import Frames
from tuneoff.report.overtuned import WORDS, Overtuned, overtuned
from tuneoff.report.tables._shared import caption
from tuneoff.report.tables._table import Table

SECTION, RANK = "details", 15


def table(block: Block, frames: Frames) -> Table | None:
    """A row a search and a share of its cost; None where no search has had two results."""
    made = overtuned(frames)
    if all(one.results <= 1 for one in made):
        return None
    compared = any(one.compared for one in made)
    rows = [_row(one, block.metric, repeated=i > 0 and made[i - 1].algorithm == one.algorithm) for i, one in enumerate(made)]
    notes = [
        "A search is overtuned where its result, the incumbent by validation score, is worse on test than one that it had held "
        "before. By: the difference, mean over those repeats and the largest. Shares of repeats with the exact 95 % interval "
        "(Clopper and Pearson); costs in epochs, each search's own.",
        "Published, over large benchmarks: the result is worse than the default or the first configuration in about one run in "
        "ten (Schneider, Bischl and Feurer 2025). "
        + (
            "The last column is the nearest to that: worse than the untuned default of the same repeat."
            if compared
            else "Without an untuned default in the study nothing here compares with that."
        ),
        _chance(frames, block.metric),
    ]
    columns = (
        "Algorithm",
        "Of its cost",
        "Results held",
        "Overtuned",
        "Share [95 %]",
        "By, mean",
        "By, most",
        "Below the default",
    )
    return Table(
        title=f"{block.title}: overtuning",
        caption=caption(block, frames.cells),
        columns=columns if compared else columns[:-1],
        rows=tuple(row if compared else row[:-1] for row in rows),
        numbers=pd.DataFrame([_numbers(one) for one in made]),
        notes=tuple(filter(None, notes)),
    )


def _row(one: Overtuned, metric: str, *, repeated: bool) -> tuple[str, ...]:
    share = one.interval
    return (
        "" if repeated else one.algorithm,
        WORDS[one.share],
        wording.amount([one.results]),
        f"{one.count} of {len(one.amounts)}",
        f"{100 * share.estimate:.0f} % [{100 * share.low:.0f}, {100 * share.high:.0f}]",
        _points(one.when, metric),
        _points(max(one.amounts), metric) if one.count else "–",
        f"{one.below_default} of {one.compared}" if one.compared else "–",
    )


def _points(amount: float, metric: str) -> str:
    if amount != amount:  # noqa: PLR0124 - NaN
        return "–"
    return wording.number(amount, metric, digits=3) + (" points" if wording.is_share(metric) else "")


def _numbers(one: Overtuned) -> dict[str, float | int | str]:
    return {
        "algorithm": one.algorithm,
        "share_of_cost": one.share,
        "repeats": len(one.amounts),
        "results_held": one.results,
        "overtuned": one.count,
        "share": one.interval.estimate,
        "share_low": one.interval.low,
        "share_high": one.interval.high,
        "mean_where_overtuned": one.when,
        "largest": max(one.amounts),
        "below_default": one.below_default,
        "compared_with_default": one.compared,
    }


def _chance(frames: Frames, metric: str) -> str:
    """How large a difference the test rows alone make, for accuracies."""
    cells = frames.finished().cells.dropna(subset=["test"])
    if metric != "accuracy" or cells.empty:
        return ""
    n, p = int(cells["n_test"].median()), float(cells["test"].mean())
    return (
        f"Chance alone moves scores: one accuracy of {100 * p:.0f} % on {n} rows has a standard error of "
        f"{100 * (p * (1 - p) / n) ** 0.5:.1f} points, so that small differences are no evidence that a result really is worse."
    )
