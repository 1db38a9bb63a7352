"""The findings of a block: a verdict for each pair of searches, and remarks on the limits of the evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import pandas as pd

from tuneoff.report import wording
from tuneoff.report.algorithms import Algorithms
from tuneoff.report.cells import Block
from tuneoff.report.curves import Searches
from tuneoff.report.frames import Frames
from tuneoff.report.verdicts.pairing import all_verdicts
from tuneoff.report.verdicts.pairwise import RULE, Rule, Verdict
from tuneoff.report.verdicts.questions import DEFECT, HEADINGS, defect_sentence, question
from tuneoff.report.verdicts.single_runs import single_runs_sentence


@dataclass(frozen=True, kw_only=True)
class Findings:
    """verdicts: one a pair. remarks: limits of the evidence, plain sentences. metric: the score's name."""

    verdicts: tuple[Verdict, ...]
    remarks: tuple[str, ...]
    metric: str
    algorithms: Algorithms

    def of(self, key: str) -> list[Verdict]:
        """The verdicts of one question."""
        return [v for v in self.verdicts if question(v.first, v.second, self.algorithms) == key]

    def groups(self) -> list[tuple[str, list[str]]]:
        """(question, its sentences) for each question that a pair answers; remarks last, under no question ("")."""
        made = [
            (
                heading,
                [*(defect_sentence(v, self.metric, self.algorithms) for v in own if key == DEFECT), *(v.sentence for v in own)],
            )
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
                    "question": question(v.first, v.second, self.algorithms),
                    "first": v.first,
                    "second": v.second,
                    "better": v.better,
                    "equivalent": v.equivalent,
                    "same_winner": v.same,
                    "difference": v.difference.estimate,
                    "low": v.difference.low,
                    "high": v.difference.high,
                    "p_alone": v.p_alone,
                    "p_holm": v.p,
                    "repeats": v.repeats,
                    "more_repeats": v.more_repeats,
                    "more_rows": v.more_rows,
                    "rows_counted": v.rows_counted,
                    "cost_ratio": v.cost_ratio,
                    "more_dollars": v.more_dollars,
                    "sentence": v.sentence,
                }
                for v in self.verdicts
            ]
        )


def find(block: Block, frames: Frames, rule: Rule = RULE) -> Findings:
    """Verdicts for each pair of searches with a finished cell, and remarks. frames: of one block."""
    searches = Searches.of(frames)
    return Findings(
        verdicts=tuple(all_verdicts(searches, block.metric, rule=rule)),
        metric=block.metric,
        remarks=(*_remarks(frames, searches.names, block.metric), *_assumed(rule, searches.names, block.metric)),
        algorithms=frames.algorithms,
    )


def _remarks(frames: Frames, names: Sequence[str], metric: str) -> list[str]:
    cells, remarks = frames.cells, []
    done = cells[cells["finished"]]
    missing = [n for n in frames.algorithms.order(cells["algorithm"]) if n not in names]
    if missing:
        be = "has" if len(missing) == 1 else "have"
        remarks.append(f"{wording.listed(missing)} {be} no finished run, and no verdict.")
    if len(names) == 1:
        remarks.append(f"{names[0]} is the only search with finished runs: there is nothing to compare it with.")
    if len(names) > 1 and not any(frames.algorithms.is_untuned(n) or frames.algorithms.is_random(n) for n in names):
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
    for name in frames.algorithms.order(failed["algorithm"]):
        own = failed[failed["algorithm"] == name]
        lost = wording.counted(int(own["failed"].sum() + own["diverged"].sum()), "trial")
        remarks.append(
            f"{name} lost {lost} of {int(done[done['algorithm'] == name]['trials'].sum())} to failure or "
            "divergence; its cost includes them, its score is that of the others."
        )
    return remarks


def _assumed(rule: Rule, names: Sequence[str], metric: str) -> list[str]:
    """What a reader must know where the margin of the verdicts is nobody's."""
    if not rule.assumed or len(names) < 2:
        return []
    margin = wording.size(rule.margin, metric)
    return [
        f"What difference of {metric} matters only you can know; {margin} is assumed here, for equivalence and for the repeats "
        f"that are said to be missing: give yours with --margin, in the unit of {metric}."
    ]


def _single_runs(done: Frames, names: Sequence[str], metric: str) -> list[str]:
    """McNemar's test on the predictions of two tuned models, where each search has one run."""
    if metric != "accuracy":
        return []
    best = {name: _incumbent(done, name) for name in names}
    sentences = [single_runs_sentence(a, best[a], b, best[b]) for a, b in combinations(names, 2)]
    return [s for s in sentences if s]


def _incumbent(done: Frames, name: str) -> pd.Series | None:
    own = done.evaluations[(done.evaluations["algorithm"] == name) & done.evaluations["is_reported"]]
    return own.iloc[-1] if len(own) else None
