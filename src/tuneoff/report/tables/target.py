"""The cost of doing as well as the untuned default."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tuneoff.price import format_dollars
from tuneoff.report import wording
from tuneoff.report.cells import Block
from tuneoff.report.curves import Searches
from tuneoff.report.frames import Frames
from tuneoff.report.statistics.target import cost_to_target
from tuneoff.report.tables._shared import caption
from tuneoff.report.tables._table import Table

SECTION, RANK = "decision", 40


def table(block: Block, frames: Frames) -> Table | None:
    """A row a search: its charge until its incumbent's test score reached the untuned default's median.

    None where the default, or anything beside it, has no finished run. Medians are over all repeats, those that never
    got there counting as infinite.
    """
    searches = Searches.of(frames)
    cells, untuned, names = searches.cells, searches.untuned, searches.tuned
    reference = cells.loc[cells["algorithm"] == untuned, "test"].dropna()
    if untuned is None or reference.empty or not names:
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
        f"Target: {wording.score([target], block.metric)}, the median test score of {untuned} over "
        f"{wording.counted(len(reference), 'repeat')}; – where half of the repeats or more never reached it."
    )
    return Table(
        title=f"{block.title}: what it costs to do as well as the untuned default",
        caption=caption(block, cells),
        rows=tuple(rows),
        numbers=pd.DataFrame(numbers),
        notes=(note,),
        columns=("Algorithm", "Reached", f"Median {device} min", "Median $"),
    )
