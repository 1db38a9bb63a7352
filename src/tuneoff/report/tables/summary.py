"""Mean and interquartile mean of each search's test scores over repeats, with intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tuneoff.report import wording
from tuneoff.report.cells import Block
from tuneoff.report.frames import Frames
from tuneoff.report.statistics.summary import Interval, bootstrap_interval, mean_interval, row_iqms
from tuneoff.report.tables._shared import CLIPPED, caption
from tuneoff.report.tables._table import Table

SECTION, RANK = "details", 10
FEWEST_FOR_IQM = 4


def table(block: Block, frames: Frames) -> Table | None:
    """A row an algorithm: mean and interquartile mean of the final test scores, with intervals. None without repeats."""
    cells = frames.finished().cells.dropna(subset=["test"])
    groups = [
        (n, cells.loc[cells["algorithm"] == n, "test"].to_numpy(np.float64))
        for n in frames.algorithms.order(cells["algorithm"])
    ]
    if max((len(scores) for _, scores in groups), default=0) < 2:
        return None
    rows, numbers = [], []
    for name, scores in groups:
        mean = mean_interval(scores).within(*wording.metric_range(block.metric))
        middle = bootstrap_interval([np.sort(scores)], np.random.default_rng(0), row_iqms)
        enough = len(scores) >= FEWEST_FOR_IQM
        rows.append(
            (
                name,
                str(len(scores)),
                _percent(mean, block.metric),
                _percent(middle, block.metric) if enough else "–",
                wording.score([scores.min()], block.metric),
                wording.score([scores.max()], block.metric),
            )
        )
        numbers.append(
            {
                "algorithm": name,
                "repeats": len(scores),
                "mean": mean.estimate,
                "mean_low": mean.low,
                "mean_high": mean.high,
                "iqm": middle.estimate,
                "iqm_low": middle.low,
                "iqm_high": middle.high,
            }
        )
    note = (
        "Test scores at each search's own full cost, not at equal cost (that is the verdicts' business). Mean with "
        "Student's 95 % interval; interquartile mean (IQM) with a percentile bootstrap over repeats, from "
        f"{FEWEST_FOR_IQM} repeats on, which is too narrow for few repeats."
    )
    return Table(
        title=f"{block.title}: test scores over repeats",
        caption=caption(block, frames.cells),
        columns=("Algorithm", "Repeats", "Mean [95 %]", "IQM [95 %]", "Lowest", "Highest"),
        rows=tuple(rows),
        numbers=pd.DataFrame(numbers),
        notes=(note, CLIPPED),
    )


def _percent(interval: Interval, metric: str) -> str:
    values = (interval.estimate, interval.low, interval.high)
    middle, low, high = (wording.number(x, metric, beside=values) for x in values)
    return middle + wording.unit_of(metric) + ("" if interval.low != interval.low else f" [{low}, {high}]")
