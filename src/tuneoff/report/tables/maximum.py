"""Random search's expected best validation score of n trials."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tuneoff.records.schema import COMPLETED
from tuneoff.report import wording
from tuneoff.report.cells import Block
from tuneoff.report.frames import Frames
from tuneoff.report.statistics.selection import expected_validation_maximum
from tuneoff.report.tables._shared import caption
from tuneoff.report.tables._table import Table

SECTION, RANK = "details", 30


def table(block: Block, frames: Frames) -> Table | None:
    """A row a number of trials: random search's expected best validation score. None without it, or with one trial."""
    done = frames.finished()
    random = done.trials["algorithm"].map(done.algorithms.is_random).astype(bool)
    own = done.trials[random & (done.trials["status"] == COMPLETED)].dropna(subset=["validation"])
    runs = [part["validation"].to_numpy(np.float64) for _, part in own.groupby("cell")]
    most = min((len(r) for r in runs), default=0)
    if most < 2:
        return None
    counts = sorted({most, *(2**k for k in range(most.bit_length()) if 2**k <= most)})
    values = [[expected_validation_maximum(r, n) for r in runs] for n in counts]
    rows = [(str(n), wording.score(v, block.metric)) for n, v in zip(counts, values, strict=True)]
    note = (
        "Expected validation score of the best of n trials, unbiased (Tang et al. 2020), ± sd over repeats. "
        "Completed trials of random search only: for searches that learn, trials are not alike."
    )
    return Table(
        title=f"{block.title}: random search, expected best of n trials",
        caption=caption(block, done.cells),
        columns=("Trials", "Expected best validation"),
        rows=tuple(rows),
        numbers=pd.DataFrame({"trials": counts, "mean": [float(np.mean(v)) for v in values]}),
        notes=(note,),
    )
