"""The mean score of each search by budget, who leads there, and whom the leader is shown to beat."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from tuneoff.price import format_dollars
from tuneoff.report import wording
from tuneoff.report.cells import Block
from tuneoff.report.curves import EQUAL_COST, Searches
from tuneoff.report.frames import Frames
from tuneoff.report.statistics.ranks import tied_for_best
from tuneoff.report.tables._shared import caption
from tuneoff.report.tables._table import Table
from tuneoff.report.verdicts.pairing import all_verdicts
from tuneoff.report.verdicts.pairwise import Verdict

SECTION, RANK = "decision", 30


def budgets(cells: pd.DataFrame) -> list[float]:
    """Charged device-seconds to decide at: half of what the cheapest search cost, then what each cost.

    Costs within EQUAL_COST of each other are one budget, the larger.
    """
    costs = sorted(cells.groupby("algorithm")["charged_seconds"].mean())
    chosen = [costs[0] / 2, costs[0]]
    for cost in costs[1:]:
        if cost <= EQUAL_COST * chosen[-1] and len(chosen) > 1:
            chosen[-1] = cost
        else:
            chosen.append(cost)
    return [float(c) for c in chosen]


def table(block: Block, frames: Frames) -> Table | None:
    """A row a budget: each search's mean test score by then, who leads, and whom it is shown to beat.

    None with fewer than two finished searches, or without a common price.
    """
    searches = Searches.of(frames)
    names, cells = searches.names, searches.cells
    rates = cells["per_device_hour_usd"].unique()
    if len(names) < 2 or len(rates) != 1:
        return None
    rows, numbers = [], []
    for seconds in budgets(cells):
        scores = {name: _scores(searches, name, seconds) for name in names}
        means = {name: float(np.mean(s)) if len(s) else float("nan") for name, s in scores.items()}
        verdicts = all_verdicts(searches, block.metric, seconds)
        leader, evidence = _leader(means, verdicts)
        dollars = seconds / 3600 * float(rates[0])
        rows.append(
            (
                f"${format_dollars(dollars)}",
                wording.minutes([seconds]),
                leader,
                evidence,
                *(wording.score([means[n]], block.metric) for n in names),
            )
        )
        numbers.append({"dollars": dollars, "device_seconds": seconds, **means, "leader": leader, "evidence": evidence})
    device = wording.device_label(cells["device_kind"])
    note = (
        "Mean test score of the incumbent known by the time so much was charged; a search that ended earlier keeps "
        "its result; – where none was known in any repeat. Leading is having the highest mean; the evidence "
        "says what is shown, by the paired tests of the verdicts, corrected within the row."
    )
    return Table(
        title=f"{block.title}: what a budget buys",
        caption=caption(block, cells),
        columns=("Budget", f"{device} min", "Leads", "Evidence", *names),
        rows=tuple(rows),
        numbers=pd.DataFrame(numbers),
        notes=(note,),
    )


def _scores(searches: Searches, name: str, seconds: float) -> list[float]:
    scores = [searches.score(run.cell, seconds) for run in searches.named(name).values()]
    return [s for s in scores if np.isfinite(s)]


def _leader(means: dict[str, float], verdicts: Sequence[Verdict]) -> tuple[str, str]:
    """Who has the highest mean, several where tied, and the evidence."""
    names = list(means)
    leaders = [names[i] for i in tied_for_best(list(means.values()))]
    if not leaders:
        return "–", "no search has a result yet"
    silent = [name for name in means if not np.isfinite(means[name])]
    missing = [f"no result yet from {wording.listed(silent)}"] if silent else []
    if len(leaders) > 1:
        return wording.listed(leaders), "; ".join(["tied", *_shown(leaders, verdicts), *missing])
    leader = leaders[0]
    mine = [v for v in verdicts if leader in (v.first, v.second)]
    open_ones = [v.second if v.first == leader else v.first for v in mine if v.better is None and v.repeats]
    parts = _shown(leaders, verdicts)
    parts += [f"undecided against {wording.listed(open_ones)}"] if open_ones else []
    return leader, "; ".join([*parts, *missing])


def _shown(leaders: Sequence[str], verdicts: Sequence[Verdict]) -> list[str]:
    """ "better than ...", naming the leader where there are several."""
    found = []
    for leader in leaders:
        beaten = [v.second for v in verdicts if v.better == leader]
        if beaten:
            found.append(f"{f'{leader} is ' if len(leaders) > 1 else ''}better than {wording.listed(beaten)}")
    return found
