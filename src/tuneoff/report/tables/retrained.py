"""The searched model against its own recipe: the score that is left when the winner is trained again on new seeds.

(a) is the searched checkpoint on test, (b) the mean of its configuration, or replayed schedule, from scratch. The gap
(a) - (b) is luck of seed and of selection, and for PBT what was inherited rather than found.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from tuneoff.report import wording
from tuneoff.report.cells import Block
from tuneoff.report.frames import Frames
from tuneoff.report.statistics.summary import Interval, fresh_value_interval, mean_interval
from tuneoff.report.tables._shared import caption, dollars
from tuneoff.report.tables._table import Table
from tuneoff.report.verdicts.pairwise import difference

SECTION, RANK = "body", 10
FEW = 5


def table(block: Block, frames: Frames) -> Table | None:
    """A row an algorithm whose winners were trained again; None where none was."""
    done = frames.finished()
    runs = done.retrained.dropna(subset=["test"])
    if runs.empty:
        return None
    rows, numbers = [], []
    for name in frames.algorithms.order(runs["algorithm"]):
        own = runs[runs["algorithm"] == name]
        cells = done.cells[done.cells["cell"].isin(own["cell"])]
        made = gap(cells, own).within(*wording.difference_range(block.metric))
        extra = own.drop_duplicates("cell").set_index("cell")["log_dollars"].reindex(cells["cell"]).to_numpy()
        total = [float(v) for v in cells["dollars"].to_numpy() + extra]
        rows.append(
            (
                name,
                wording.score(list(cells["test"]), block.metric),
                wording.score(list(own["test"]), block.metric),
                str(len(own)),
                difference(made, block.metric),
                dollars(list(cells["dollars"])),
                dollars(total),
            )
        )
        numbers.append(
            {
                "algorithm": name,
                "searched": cells["test"].mean(),
                "retrained": own["test"].mean(),
                "retrained_sd": own["test"].std(ddof=1),
                "runs": len(own),
                "repeats": len(cells),
                "gap": made.estimate,
                "gap_low": made.low,
                "gap_high": made.high,
                "search_dollars": cells["dollars"].mean(),
                "total_dollars": float(np.mean(total)),
            }
        )
    notes = [
        "Searched: the incumbent's checkpoint. Retrained: its configuration or schedule from scratch on new seeds, "
        "at its end; ± over runs. The gap is luck of seed and selection, with a 95 % interval."
    ]
    if min(runs.groupby("cell").size()) < FEW:
        notes.append(f"Fewer than {FEW} seeds for at least one winner: too few to say much.")
    return Table(
        title=f"{block.title}: the winners trained again",
        rows=tuple(rows),
        caption=caption(block, done.cells),
        numbers=pd.DataFrame(numbers),
        notes=tuple(notes),
        columns=("Algorithm", "Searched test", "Retrained test", "Runs", "Gap", "Search $", "With retraining $"),
    )


def gap(cells: pd.DataFrame, runs: pd.DataFrame) -> Interval:
    """Searched - retrained, the mean over repeats with Student's interval.

    With one repeat: of one searched score against the n retrained ones, see fresh_value_interval.
    """
    searched = cells.set_index("cell")["test"].dropna()
    again = runs[runs["cell"].isin(searched.index)].groupby("cell")["test"]
    gaps = (searched - again.mean()).dropna().to_numpy()
    if len(gaps) == 0:
        return Interval(estimate=float("nan"), low=float("nan"), high=float("nan"))
    if len(gaps) > 1:
        return mean_interval(gaps)
    name, own = next(iter(again))
    return fresh_value_interval(float(searched[name]), own.to_numpy(np.float64))
