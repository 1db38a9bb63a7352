"""The results in the published form: best validation and test score, minutes and dollars of each search."""

from __future__ import annotations

import pandas as pd

from tuneoff.report import wording
from tuneoff.report.cells import Block
from tuneoff.report.frames import Frames
from tuneoff.report.tables._shared import algorithm_groups, caption, cell_notes, dollars, mean_and_sd, scope_note
from tuneoff.report.tables._table import Table

SECTION, RANK = "results", 0
COLUMNS = ("validation", "test", "charged_seconds", "dollars")


def table(block: Block, frames: Frames) -> Table:
    """Algorithm | Best val | Best test | Total minutes | Total $, a row an algorithm; unfinished cells below, marked.

    frames: of one block. Scores are the incumbent's; minutes are charged (wall x devices); repeats give mean ± sd.
    """
    cells, device = frames.cells, wording.device_label(frames.cells["device_kind"])
    metric = wording.short_metric(block.metric)
    columns = ["Algorithm", f"Best val {metric}", f"Best test {metric}", f"Total {device} min", "Total $"]
    groups = algorithm_groups(cells, frames.algorithms)
    repeated = cells.groupby("algorithm").size().max() > 1
    rows = [
        (
            name,
            wording.score(list(g["validation"]), block.metric),
            wording.score(list(g["test"]), block.metric),
            wording.minutes(list(g["charged_seconds"])),
            dollars(list(g["dollars"])),
            *([str(len(g))] if repeated else []),
        )
        for name, g in groups
    ]
    return Table(
        title=block.title,
        caption=caption(block, cells),
        columns=(*columns, *(["Repeats"] if repeated else [])),
        rows=tuple(rows),
        numbers=mean_and_sd(block, groups, COLUMNS),
        notes=(
            *scope_note(block),
            *(["±: standard deviation over repeats."] if repeated else []),
            *_cautions(cells),
            *_trivial(block, cells),
            *cell_notes(cells, frames.algorithms),
            *frames.repairs,
        ),
    )


def _cautions(cells: pd.DataFrame) -> list[str]:
    """Each caution of a run's data once, in order of appearance."""
    return list(dict.fromkeys(line for text in cells["cautions"] for line in text.splitlines()))


def _trivial(block: Block, cells: pd.DataFrame) -> list[str]:
    """The score of the best constant answer, with which the others are to be compared."""
    rates = cells[["trivial_validation", "trivial_test"]].mean()
    if rates.isna().any():
        return []
    validation, test = (wording.score([float(rate)], block.metric) for rate in rates)
    if block.metric == "accuracy":
        return [f"Always answering the most frequent class scores {validation} on validation and {test} on test."]
    return [f"The best constant answer has {block.metric} {validation} on validation and {test} on test."]
