"""The table of 2020 beside ours, where a study was made under its protocol."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from tuneoff.report.cells import Block
from tuneoff.report.frames import Frames
from tuneoff.report.tables import results
from tuneoff.report.tables._shared import scope_note
from tuneoff.report.tables._table import Table
from tuneoff.report.verdicts.single_runs import PUBLISHED, PUBLISHED_EXAMPLES
from tuneoff.task.protocol import protocol_rules

SECTION, RANK = "decision", 10
TASK, MODEL, METRIC = "rte", "bert-base", "accuracy"


@dataclass(frozen=True, kw_only=True)
class PublishedRow:
    """As printed there: scores in per cent, minutes of GPU time charged, dollars."""

    name: str
    validation: str
    test: str
    gpu_minutes: int
    dollars: str


ROWS = (
    PublishedRow(name="grid", validation="74 %", test="65.4 %", gpu_minutes=45, dollars="2.30"),
    PublishedRow(name="bayesopt", validation="77 %", test="66.9 %", gpu_minutes=104, dollars="5.30"),
    PublishedRow(name="pbt", validation="78 %", test="70.5 %", gpu_minutes=48, dollars="2.45"),
)
"""Ray and Hugging Face 2020: grid search, Bayesian optimisation with early stop, population-based training."""


def table(block: Block, frames: Frames) -> Table | None:
    """Our rows, then the published ones, labelled. None under another protocol, of another metric or without a finished run."""
    if not protocol_rules(block.protocol).halves_dev or block.metric != METRIC or not frames.cells["finished"].any():
        return None
    ours = results.table(block, frames.finished())
    width = len(ours.columns)
    theirs = [(f"{r.name}, published 2020", r.validation, r.test, str(r.gpu_minutes), r.dollars, "1")[:width] for r in ROWS]
    correct = ", ".join(f"{r.name} {r.correct}" for r in PUBLISHED)
    notes = [
        f"Published 2020: BERT-base on RTE by Ray and Hugging Face, one run each, on one p3.16xlarge (8 x V100, "
        f"$24.48 an hour); right answers of {PUBLISHED_EXAMPLES} test examples: {correct}. Printed as published, "
        "not computed from records."
    ]
    if (block.task, block.model) != (TASK, MODEL):
        notes.append(
            f"Ours are of another task or model ({block.task} with {block.model}): the published scores, "
            "minutes and dollars don't compare with them."
        )
    numbers = pd.concat(
        [
            ours.numbers,
            pd.DataFrame(
                [
                    {
                        "algorithm": f"{r.name}, published 2020",
                        "repeats": 1,
                        "task": TASK,
                        "model": MODEL,
                        "finished": True,
                        "protocol": block.protocol,
                        "validation_mean": float(r.validation.split()[0]) / 100,
                        "test_mean": p.correct / PUBLISHED_EXAMPLES,
                        "charged_seconds_mean": 60.0 * r.gpu_minutes,
                        "dollars_mean": float(r.dollars),
                    }
                    for r, p in zip(ROWS, PUBLISHED, strict=True)
                ]
            ),
        ],
        ignore_index=True,
    )
    return Table(
        title=f"{block.title}, beside the table published in 2020",
        caption=ours.caption,
        columns=ours.columns,
        rows=(*ours.rows, *theirs),
        numbers=numbers,
        notes=(*notes, *scope_note(block)),
    )
