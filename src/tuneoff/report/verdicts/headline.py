"""What a block says beside its recommendation, in a few sentences: whether tuning is worth it, the cost of a defect."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from tuneoff.price import format_dollars
from tuneoff.report import wording
from tuneoff.report.cells import Block
from tuneoff.report.frames import Frames
from tuneoff.report.statistics.power import fewest_for_wilcoxon
from tuneoff.report.verdicts.findings import Findings
from tuneoff.report.verdicts.pairwise import Verdict, difference, plain_gap
from tuneoff.report.verdicts.questions import DEFECT, TUNING, defect_sentence


def headline(block: Block, frames: Frames, findings: Findings) -> list[str]:
    """A paragraph for each question that the study answers; none without a finished, tested run."""
    defects = [defect_sentence(v, block.metric, frames.algorithms) for v in findings.of(DEFECT)]
    said = (variant_sentence(block, frames.cells), _tuning(findings), *defects, _collapsed(frames))
    return [part for part in said if part]


def variant_sentence(block: Block, cells: pd.DataFrame) -> str:
    """Names the cells of this block, where the study has cells of other data under the same names; otherwise ""."""
    if not block.variant:
        return ""
    groups = cells.groupby("algorithm")["repeat"].apply(lambda repeats: ", ".join(map(str, sorted(repeats))))
    own = "; ".join(f"{name} repeat {repeats}" for name, repeats in groups.items())
    return (
        f"The study's cells on {block.task} with {block.model} differ in {wording.listed(block.differs)}, so they are reported "
        f"apart and never averaged or compared. This part: {own}."
    )


def _tuning(findings: Findings) -> str:
    """Names the searches that beat the untuned default, with gain and cost; "" where the study has no default."""
    verdicts, order = findings.of(TUNING), findings.algorithms.order
    if not verdicts:
        return ""
    worth = [v for v in verdicts if v.better is not None and not findings.algorithms.is_untuned(v.better)]
    worth.sort(key=lambda v: v.difference.estimate)
    worse = order(v.second for v in verdicts if v.better is not None and findings.algorithms.is_untuned(v.better))
    lost = f" {wording.listed(worse)} {'is' if len(worse) == 1 else 'are'} shown to be worse than it." if worse else ""
    if not worth:
        gap = _largest_gap(verdicts, findings)
        return f"Whether tuning is worth it is open: no search is shown to beat the untuned default.{gap}{lost}"
    points = " points" if wording.is_share(findings.metric) else ""
    found = [v.difference.estimate for v in worth]
    gains = [wording.number(x, findings.metric, digits=3, beside=found) for x in found]
    prices = [format_dollars(x) for x in sorted(v.more_dollars or 0.0 for v in worth)]
    every = len(worth) == len(verdicts) > 1
    who = "every search" if every else wording.listed(order(v.first for v in worth))
    beat = "beats" if every or len(worth) == 1 else "beat"
    return (
        f"Tuning is worth it: {who} {beat} the untuned default, by {_span(gains)}{points} for ${_span(prices)} more a "
        f"search.{lost}"
    )


def _largest_gap(verdicts: Sequence[Verdict], findings: Findings) -> str:
    """In plain figures: the search whose mean exceeds the default's by most, and whether the repeats could show it."""
    ahead = [v for v in verdicts if v.repeats and not findings.algorithms.is_untuned(v.first)]
    if not ahead:
        return ""
    v = max(ahead, key=lambda v: v.difference.estimate)
    fewest = fewest_for_wilcoxon(len(verdicts))
    few = f"; at least {fewest} are needed to show it" if v.repeats < fewest else ""
    return (
        f" The largest gap is that of {v.first}: {plain_gap(v, findings.metric)}, {difference(v.difference, findings.metric)} "
        f"({wording.counted(v.repeats, 'repeat')}{few})."
    )


def _collapsed(frames: Frames) -> str:
    """Names the searches whose incumbent gives every row the same answer, and in how many repeats."""
    cells = frames.finished().cells
    names = frames.algorithms.order(cells.loc[cells["incumbent_collapsed"].astype(bool), "algorithm"])
    if not names:
        return ""
    own = {name: cells.loc[cells["algorithm"] == name, "incumbent_collapsed"].astype(bool) for name in names}
    counts = [f"{name} (in {int(hit.sum())} of {wording.counted(len(hit), 'repeat')})" for name, hit in own.items()]
    return f"Collapsed: the winner of {wording.listed(counts)} gives every row the same answer, so nothing was learned there."


def _span(values: Sequence[str]) -> str:
    return values[0] if values[0] == values[-1] else f"{values[0]} to {values[-1]}"
