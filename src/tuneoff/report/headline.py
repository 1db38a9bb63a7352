"""The verdict of a whole study in a few sentences: the best search, whether tuning is worth it, what a defect cost."""

from __future__ import annotations

from collections.abc import Sequence

from tuneoff.price import format_dollars
from tuneoff.report import wording
from tuneoff.report.curves import UNTUNED
from tuneoff.report.evidence import Findings
from tuneoff.report.frames import Frames
from tuneoff.report.questions import DEFECT, TUNING, defect_sentence
from tuneoff.report.reading import Block


def headline(block: Block, frames: Frames, findings: Findings) -> list[str]:
    """A paragraph for each question that the study answers; none without a finished, tested run."""
    defects = [defect_sentence(v, block.metric) for v in findings.of(DEFECT)]
    return [part for part in (_best(block, frames, findings), _tuning(findings), *defects) if part]


def _best(block: Block, frames: Frames, findings: Findings) -> str:
    """Which search is shown to be better than all others, or how far the evidence goes; then its cost."""
    done = frames.finished().cells.dropna(subset=["test"])
    means = done.groupby("algorithm")["test"].mean()
    if len(means) < 2:
        return f"Only {means.index[0]} has a finished, tested run: there is nothing to compare." if len(means) else ""
    beaten = {n: [v.second for v in findings.verdicts if v.better == n] for n in means.index}
    shown = [n for n in wording.order(means.index) if len(beaten[n]) == len(means) - 1]
    top = shown[0] if shown else str(means.idxmax())
    spent = done.groupby("algorithm")["dollars"].mean()
    score = wording.score([float(means[top])], block.metric)
    price = f"test {block.metric} {score} for ${format_dollars(float(spent[top]))} a search"
    if shown:
        return f"{top} is better than every other search here at equal cost ({price})."
    won = f" is shown to be better than {wording.listed(wording.order(beaten[top]))} but" if beaten[top] else ""
    rest = [n for n in wording.order(means.index) if n != top and n not in beaten[top]]
    return (
        f"At equal cost, no search is shown to be better than all the others. {top} has the highest mean at its full cost "
        f"({price}); it{won} is not shown to be better than {wording.listed(rest)}. Cheapest: {spent.idxmin()}, "
        f"${format_dollars(float(spent.min()))}."
    )


def _tuning(findings: Findings) -> str:
    """Which searches beat the untuned default, by how much and for how much; "" where the study has no default."""
    verdicts = findings.of(TUNING)
    if not verdicts:
        return ""
    worth = sorted((v for v in verdicts if v.better not in (None, UNTUNED)), key=lambda v: v.difference.estimate)
    worse = wording.order(v.second for v in verdicts if v.better == UNTUNED)
    lost = f" {wording.listed(worse)} {'is' if len(worse) == 1 else 'are'} shown to be worse than it." if worse else ""
    if not worth:
        return f"Tuning is not shown to be worth it: no search is shown to beat the untuned default.{lost}"
    form, points = (".1f", " points") if wording.is_share(findings.metric) else (".3f", "")
    gains = [f"{v.difference.estimate * wording.scale_of(findings.metric):{form}}" for v in worth]
    prices = [format_dollars(x) for x in sorted(v.more_dollars or 0.0 for v in worth)]
    every = len(worth) == len(verdicts) > 1
    who = "every search" if every else wording.listed(wording.order(v.first for v in worth))
    beat = "beats" if every or len(worth) == 1 else "beat"
    return (
        f"Tuning is worth it: {who} {beat} the untuned default, by {_span(gains)}{points} for ${_span(prices)} more a "
        f"search.{lost}"
    )


def _span(values: Sequence[str]) -> str:
    return values[0] if values[0] == values[-1] else f"{values[0]} to {values[-1]}"
