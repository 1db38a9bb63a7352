"""The probability that a run of one search beats a run of another, for each pair."""

from __future__ import annotations

from itertools import combinations

import pandas as pd

from tuneoff.report.cells import Block
from tuneoff.report.curves import Searches
from tuneoff.report.frames import Frames
from tuneoff.report.statistics.comparison import probability_of_improvement_interval
from tuneoff.report.statistics.summary import Interval
from tuneoff.report.tables._shared import caption
from tuneoff.report.tables._table import Table
from tuneoff.report.verdicts.pairing import pair_up

SECTION, RANK = "details", 20


def table(block: Block, frames: Frames) -> Table | None:
    """A row a pair: how often a run of one beats a run of the other, at equal cost. None below two repeats each."""
    searches = Searches.of(frames)
    rows, numbers = [], []
    for a, b in combinations(searches.names, 2):
        pair = pair_up(searches, a, b)
        if len(pair.first_scores) < 2:
            continue
        made = probability_of_improvement_interval(pair.first_scores, pair.second_scores)
        first, second = (b, a) if made.estimate < 0.5 else (a, b)
        if made.estimate < 0.5:
            made = Interval(estimate=1 - made.estimate, low=1 - made.high, high=1 - made.low)
        claim = "yes" if made.low > 0.5 else "no"
        rows.append(
            (
                f"{first} over {second}",
                f"{100 * made.estimate:.0f} % [{100 * made.low:.0f}, {100 * made.high:.0f}]",
                claim,
                str(len(pair.first_scores)),
            )
        )
        numbers.append(
            {
                "first": first,
                "second": second,
                "probability": made.estimate,
                "low": made.low,
                "high": made.high,
                "repeats": len(pair.first_scores),
            }
        )
    if not rows:
        return None
    note = (
        "The chance that a run of the first has a higher test score than a run of the second (ties half), at equal cost "
        "(against the untuned default: at full cost), with a bootstrap 95 % interval over runs. Unpaired and not corrected "
        "for the number of pairs: the verdicts above are the stricter test."
    )
    return Table(
        title=f"{block.title}: probability of improvement",
        caption=caption(block, frames.cells),
        columns=("Pair", "Probability", "Above one half", "Repeats"),
        rows=tuple(rows),
        numbers=pd.DataFrame(numbers),
        notes=(note,),
    )
