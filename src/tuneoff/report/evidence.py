"""From frames to verdicts: which runs pair up, what each search had reached at equal cost, and what can't be said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from tuneoff.report import wording
from tuneoff.report.curves import UNTUNED, Searches
from tuneoff.report.frames import Frames
from tuneoff.report.questions import DEFECT, HEADINGS, TUNING, defect_sentence, judge_by_question, question
from tuneoff.report.reading import Block
from tuneoff.report.single import single_runs_sentence
from tuneoff.report.verdict import Pair, Verdict

BASELINES = ("random", UNTUNED)


@dataclass(frozen=True, kw_only=True)
class Findings:
    """verdicts: a pair each. remarks: what the evidence lacks, plain sentences. metric: the score's name."""

    verdicts: tuple[Verdict, ...]
    remarks: tuple[str, ...]
    metric: str

    def of(self, key: str) -> list[Verdict]:
        """The verdicts of one question."""
        return [v for v in self.verdicts if question(v.first, v.second) == key]

    def groups(self) -> list[tuple[str, list[str]]]:
        """(question, its sentences) for each question that a pair answers; remarks last, under no question ("")."""
        made = [
            (heading, [*(defect_sentence(v, self.metric) for v in own if key == DEFECT), *(v.sentence for v in own)])
            for key, heading in HEADINGS.items()
            if (own := self.of(key))
        ]
        return [*made, *([("", list(self.remarks))] if self.remarks else [])]

    def sentences(self) -> list[str]:
        return [line for _, lines in self.groups() for line in lines]

    def markdown(self) -> str:
        return (
            "\n\n".join(
                (f"**{heading}**\n\n" if heading else "") + "\n".join(f"- {line}" for line in lines)
                for heading, lines in self.groups()
            )
            + "\n"
        )

    def frame(self) -> pd.DataFrame:
        """A row a verdict, numbers unrounded in the metric's own unit."""
        return pd.DataFrame(
            [
                {
                    "question": question(v.first, v.second),
                    "first": v.first,
                    "second": v.second,
                    "better": v.better,
                    "difference": v.difference.estimate,
                    "low": v.difference.low,
                    "high": v.difference.high,
                    "p_alone": v.p_alone,
                    "p_holm": v.p,
                    "repeats": v.repeats,
                    "more_repeats": v.more_repeats,
                    "cost_ratio": v.cost_ratio,
                    "more_dollars": v.more_dollars,
                    "sentence": v.sentence,
                }
                for v in self.verdicts
            ]
        )


def find(block: Block, frames: Frames) -> Findings:
    """Verdicts for each pair of searches with a finished cell, and remarks. frames: of one block."""
    searches = Searches.of(frames)
    return Findings(
        verdicts=tuple(all_verdicts(searches, block.metric)),
        metric=block.metric,
        remarks=tuple(_remarks(frames, searches.names, block.metric)),
    )


def all_verdicts(searches: Searches, metric: str, budget_seconds: float | None = None) -> list[Verdict]:
    """Of each pair, by question; at a budget, where one is given (see pair_up)."""
    pairs = [pair_up(searches, a, b, budget_seconds) for a, b in combinations(searches.names, 2)]
    return judge_by_question(pairs, metric, searches.scores(budget_seconds or float("inf")))


def pair_up(searches: Searches, first: str, second: str, budget_seconds: float | None = None) -> Pair:
    """Repeat k of one with repeat k of the other, at the cost of the cheaper of the two, or at a budget's.

    Against the untuned default, without a budget, each is taken at its full cost. Where both searches had the same budget in
    epochs, cost is counted in epochs, which a busy machine does not change; else in charged device-seconds, as
    budget_seconds is. A search that ended before keeps its result.
    """
    a, b = searches.named(first), searches.named(second)
    full = budget_seconds is None and question(first, second) == TUNING
    common = sorted(set(a) & set(b))
    limit = float("inf") if full else budget_seconds
    budget = searches.equal_budget((first, second)) if limit is None else ""
    both = [(a[repeat], b[repeat]) for repeat in common]
    scores = [
        searches.at_equal_cost(runs, bool(budget)) if limit is None else [searches.score(r.cell, limit) for r in runs]
        for runs in both
    ]
    usable = [s for s in scores if np.isfinite(s).all()]
    charged, dollars = (
        [float(np.mean([getattr(x[k], what) for k in common or x])) for x in (a, b)] for what in ("charged_seconds", "dollars")
    )
    return Pair(
        first=first,
        second=second,
        first_scores=tuple(s[0] for s in usable),
        second_scores=tuple(s[1] for s in usable),
        cost_ratio=charged[0] / charged[1] if min(charged) > 0 else 1.0,
        more_dollars=dollars[0] - dollars[1] if full else None,
        budget=budget,
        note=_left_out(len(set(a) ^ set(b)), len(scores) - len(usable)),
    )


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
        remarks.append(
            "Neither random search nor an untuned default is among them, so whether searching cleverly, or "
            "at all, was worth it stays open."
        )
    if len(names) > 1 and done.groupby("algorithm").size().max() == 1:
        remarks += _single_runs(frames.finished(), names, metric)
    unlike = [str(k) for k, own in done.groupby("repeat") if own["split"].nunique() > 1]
    if unlike:
        what = "repeat" if len(unlike) == 1 else "repeats"
        remarks.append(
            f"The splits of {what} {wording.listed(unlike)} differ between searches, so pairing by repeat "
            "does not cancel the luck of the split."
        )
    failed = done[done["failed"] + done["diverged"] > 0]
    for name in wording.order(failed["algorithm"]):
        own = failed[failed["algorithm"] == name]
        lost = wording.counted(int(own["failed"].sum() + own["diverged"].sum()), "trial")
        remarks.append(
            f"{name} lost {lost} of {int(done[done['algorithm'] == name]['trials'].sum())} to failure or "
            "divergence; its cost includes them, its score is that of the others."
        )
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
