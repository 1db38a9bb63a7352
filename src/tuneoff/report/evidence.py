"""From frames to verdicts: which runs pair up, what each search had reached at equal cost, and what can't be said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from tuneoff.price import format_dollars
from tuneoff.report import wording
from tuneoff.report.curves import Searches
from tuneoff.report.frames import Frames
from tuneoff.report.reading import Block
from tuneoff.report.single import single_runs_sentence
from tuneoff.report.verdict import Pair, Verdict, judge

BASELINES = ("random", "default")


@dataclass(frozen=True, kw_only=True)
class Findings:
    """verdicts: a pair each. remarks: what the evidence lacks, plain sentences."""

    verdicts: tuple[Verdict, ...]
    remarks: tuple[str, ...]

    def sentences(self) -> list[str]:
        return [*(v.sentence for v in self.verdicts), *self.remarks]

    def markdown(self) -> str:
        return "\n".join(f"- {line}" for line in self.sentences()) + "\n"

    def frame(self) -> pd.DataFrame:
        """A row a verdict, numbers unrounded in the metric's own unit."""
        return pd.DataFrame([{
            "first": v.first, "second": v.second, "better": v.better, "difference": v.difference.estimate,
            "low": v.difference.low, "high": v.difference.high, "p_holm": v.p, "repeats": v.repeats,
            "more_repeats": v.more_repeats, "cost_ratio": v.cost_ratio, "sentence": v.sentence,
        } for v in self.verdicts])


def find(block: Block, frames: Frames) -> Findings:
    """Verdicts for each pair of searches with a finished cell, and remarks. frames: of one block."""
    searches = Searches.of(frames)
    names = searches.names
    pairs = [pair_up(searches, a, b) for a, b in combinations(names, 2)]
    return Findings(verdicts=tuple(judge(pairs, block.metric)), remarks=tuple(_remarks(frames, names, block.metric)))


def headline(block: Block, frames: Frames, findings: Findings) -> str:
    """One sentence: which search is shown to be better than all others, or how far the evidence goes; then its cost."""
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
    return (f"At equal cost, no search is shown to be better than all the others. {top} has the highest mean at its full cost "
            f"({price}); it{won} is not shown to be better than {wording.listed(rest)}. Cheapest: {spent.idxmin()}, "
            f"${format_dollars(float(spent.min()))}.")


def pair_up(searches: Searches, first: str, second: str, budget_seconds: float | None = None) -> Pair:
    """Repeat k of one with repeat k of the other, at the cost of the cheaper of the two, or at a budget's.

    budget_seconds: charged device-seconds; a search that ended before keeps its result.
    """
    a, b = searches.named(first), searches.named(second)
    common = sorted(set(a.index) & set(b.index))
    scores = []
    for repeat in common:
        limit = budget_seconds or min(float(x.loc[repeat, "charged_seconds"]) for x in (a, b))
        scores.append([searches.score(str(x.loc[repeat, "cell"]), limit) for x in (a, b)])
    usable = [s for s in scores if np.isfinite(s).all()]
    charged = [float(x.loc[common or list(x.index), "charged_seconds"].mean()) for x in (a, b)]
    return Pair(first=first, second=second, first_scores=tuple(s[0] for s in usable),
                second_scores=tuple(s[1] for s in usable),
                cost_ratio=charged[0] / charged[1] if min(charged) > 0 else 1.0,
                note=_left_out(len(set(a.index) ^ set(b.index)), len(scores) - len(usable)))


def _left_out(without_partner: int, without_score: int) -> str:
    parts = []
    if without_partner:
        parts.append(f"{wording.counted(without_partner, 'repeat')} without a partner left out")
    if without_score:
        parts.append(f"{wording.counted(without_score, 'repeat')} without a test score at that cost left out")
    return "; ".join(parts)


def _remarks(frames: Frames, names: Sequence[str], metric: str) -> list[str]:
    cells, remarks = frames.cells, []
    done = cells[cells["finished"]]
    missing = [n for n in wording.order(cells["algorithm"]) if n not in names]
    if missing:
        be = "has" if len(missing) == 1 else "have"
        remarks.append(f"{wording.listed(missing)} {be} no finished run, and no verdict.")
    if len(names) == 1:
        remarks.append(f"{names[0]} is the only search with finished runs: there is nothing to compare it with.")
    if len(names) > 1 and not set(BASELINES) & set(names):
        remarks.append("Neither random search nor an untuned default is among them, so whether searching cleverly, or "
                       "at all, was worth it stays open.")
    if len(names) > 1 and done.groupby("algorithm").size().max() == 1:
        remarks += _single_runs(frames.finished(), names, metric)
    unlike = [str(k) for k, own in done.groupby("repeat") if own["split"].nunique() > 1]
    if unlike:
        what = "repeat" if len(unlike) == 1 else "repeats"
        remarks.append(f"The splits of {what} {wording.listed(unlike)} differ between searches, so pairing by repeat "
                       "does not cancel the luck of the split.")
    failed = done[done["failed"] + done["diverged"] > 0]
    for name in wording.order(failed["algorithm"]):
        own = failed[failed["algorithm"] == name]
        lost = wording.counted(int(own["failed"].sum() + own["diverged"].sum()), "trial")
        remarks.append(f"{name} lost {lost} of {int(done[done['algorithm'] == name]['trials'].sum())} to failure or "
                       "divergence; its cost includes them, its score is that of the others.")
    return remarks


def _single_runs(done: Frames, names: Sequence[str], metric: str) -> list[str]:
    """What per-example predictions say about two tuned models, where each search has one run."""
    if metric != "accuracy":
        return []
    best = {name: _incumbent(done, name) for name in names}
    sentences = [single_runs_sentence(a, best[a], b, best[b]) for a, b in combinations(names, 2)]
    return [s for s in sentences if s]


def _incumbent(done: Frames, name: str) -> pd.Series | None:
    own = done.evaluations[(done.evaluations["algorithm"] == name) & done.evaluations["is_reported"]]
    return own.iloc[-1] if len(own) else None
