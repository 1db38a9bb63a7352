"""Which search is worth its money: what a budget buys, and what it costs to beat the untuned default."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from tuneoff.price import format_dollars
from tuneoff.report import wording
from tuneoff.report.curves import EQUAL_COST, UNTUNED, Searches
from tuneoff.report.evidence import all_verdicts
from tuneoff.report.frames import Frames
from tuneoff.report.reading import Block
from tuneoff.report.statistics.target import cost_to_target
from tuneoff.report.table import Table, caption
from tuneoff.report.verdict import Verdict


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


def budget_table(block: Block, frames: Frames) -> Table | None:
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
        title=f"{block.task} with {block.model}: what a budget buys",
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
    known = {name: value for name, value in means.items() if np.isfinite(value)}
    if not known:
        return "–", "no search has a result yet"
    leader = max(known, key=lambda n: known[n])
    mine = [v for v in verdicts if leader in (v.first, v.second)]
    beaten = [v.second for v in mine if v.better == leader]
    open_ones = [v.second if v.first == leader else v.first for v in mine if v.better is None and v.repeats]
    silent = [name for name in means if name not in known]
    parts = [f"better than {wording.listed(beaten)}"] if beaten else []
    parts += [f"not separable from {wording.listed(open_ones)}"] if open_ones else []
    parts += [f"no result yet from {wording.listed(silent)}"] if silent else []
    return leader, "; ".join(parts)


def target_table(block: Block, frames: Frames) -> Table | None:
    """What each search was charged until its incumbent's test score reached the untuned default's median.

    None where the default, or anything beside it, has no finished run. Medians are over all repeats, those that never
    got there counting as infinite.
    """
    searches = Searches.of(frames)
    cells = searches.cells
    reference = cells.loc[cells["algorithm"] == UNTUNED, "test"].dropna()
    names = [n for n in searches.names if n != UNTUNED]
    if reference.empty or not names:
        return None
    target = float(reference.median())
    rows, numbers = [], []
    for name in names:
        own = list(searches.named(name).values())
        seconds = [cost_to_target(searches.steps[r.cell].cost, searches.steps[r.cell].value, target) for r in own]
        middle, reached = float(np.median(seconds)), int(np.isfinite(seconds).sum())
        dollars = middle / 3600 * own[0].per_device_hour_usd
        rows.append((name, f"{reached} of {len(seconds)}", wording.minutes([middle]), format_dollars(dollars)))
        numbers.append(
            {
                "algorithm": name,
                "target": target,
                "reached": reached,
                "repeats": len(seconds),
                "device_seconds_median": middle,
                "dollars_median": dollars,
            }
        )
    device = wording.device_label(cells["device_kind"])
    note = (
        f"Target: {wording.score([target], block.metric)}, the median test score of {UNTUNED} over "
        f"{wording.counted(len(reference), 'repeat')}; – where half of the repeats or more never reached it."
    )
    return Table(
        title=f"{block.task} with {block.model}: what it costs to do as well as the untuned default",
        caption=caption(block, cells),
        rows=tuple(rows),
        numbers=pd.DataFrame(numbers),
        notes=(note,),
        columns=("Algorithm", "Reached", f"Median {device} min", "Median $"),
    )
