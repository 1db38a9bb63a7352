"""Behind the verdicts: summaries of each search's scores, probability of improvement, expected maximum of random search."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

from tuneoff.records.schema import COMPLETED
from tuneoff.report import wording
from tuneoff.report.curves import Searches
from tuneoff.report.evidence import pair_up
from tuneoff.report.frames import Frames
from tuneoff.report.reading import Block
from tuneoff.report.statistics.comparison import probability_of_improvement_interval
from tuneoff.report.statistics.selection import expected_validation_maximum
from tuneoff.report.statistics.summary import Interval, bootstrap_interval, mean_interval, row_iqms
from tuneoff.report.table import Table, caption

RANDOM = "random"
FEWEST_FOR_IQM = 4


def summary_table(block: Block, frames: Frames) -> Table | None:
    """A row an algorithm: mean and interquartile mean of the final test scores, with intervals. None without repeats."""
    cells = frames.finished().cells.dropna(subset=["test"])
    groups = [(n, cells.loc[cells["algorithm"] == n, "test"].to_numpy(np.float64)) for n in wording.order(cells["algorithm"])]
    if max((len(scores) for _, scores in groups), default=0) < 2:
        return None
    rows, numbers = [], []
    for name, scores in groups:
        mean = mean_interval(scores)
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
        title=f"{block.task} with {block.model}: test scores over repeats",
        caption=caption(block, frames.cells),
        columns=("Algorithm", "Repeats", "Mean [95 %]", "IQM [95 %]", "Lowest", "Highest"),
        rows=tuple(rows),
        numbers=pd.DataFrame(numbers),
        notes=(note,),
    )


def _percent(interval: Interval, metric: str) -> str:
    factor, form = wording.scale_of(metric), ".1f" if wording.unit_of(metric) else ".3f"
    text = f"{factor * interval.estimate:{form}}{wording.unit_of(metric)}"
    if interval.low != interval.low:
        return text
    return f"{text} [{factor * interval.low:{form}}, {factor * interval.high:{form}}]"


def improvement_table(block: Block, frames: Frames) -> Table | None:
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
        title=f"{block.task} with {block.model}: probability of improvement",
        caption=caption(block, frames.cells),
        columns=("Pair", "Probability", "Above one half", "Repeats"),
        rows=tuple(rows),
        numbers=pd.DataFrame(numbers),
        notes=(note,),
    )


def maximum_table(block: Block, frames: Frames) -> Table | None:
    """A row a number of trials: random search's expected best validation score. None without it, or with one trial."""
    done = frames.finished()
    own = done.trials[(done.trials["algorithm"] == RANDOM) & (done.trials["status"] == COMPLETED)].dropna(subset=["validation"])
    runs = [part["validation"].to_numpy(np.float64) for _, part in own.groupby("cell")]
    most = min((len(r) for r in runs), default=0)
    if most < 2:
        return None
    counts = sorted({most, *(2**k for k in range(most.bit_length()) if 2**k <= most)})
    values = [[expected_validation_maximum(r, n) for r in runs] for n in counts]
    rows = [(str(n), wording.score(v, block.metric)) for n, v in zip(counts, values, strict=True)]
    note = (
        "What the best of n trials scores on validation in expectation, unbiased (Tang et al. 2020), ± sd over repeats. "
        "Completed trials of random search only: for searches that learn, trials are not alike."
    )
    return Table(
        title=f"{block.task} with {block.model}: random search, expected best of n trials",
        caption=caption(block, done.cells),
        columns=("Trials", "Expected best validation"),
        rows=tuple(rows),
        numbers=pd.DataFrame({"trials": counts, "mean": [float(np.mean(v)) for v in values]}),
        notes=(note,),
    )
